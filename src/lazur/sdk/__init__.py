"""The Python client: `lazur.connect()` and the objects that go with it."""
