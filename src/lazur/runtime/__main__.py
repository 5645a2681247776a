"""The entry point. Kept tiny, because a script is compiled anew at every start; modules come from
their cache."""

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))

# `lazur.runtime` is this folder, wherever it was copied to, and nothing else of Lazur can be
# imported.
for _name, _path in (("lazur", []), ("lazur.runtime", [_HERE])):
    sys.modules[_name] = type(sys)(_name)
    sys.modules[_name].__path__ = _path

if sys.argv[1:2] == ["--nursery"]:
    from lazur.runtime.nursery import main as fork_supervisors

    sys.exit(fork_supervisors())

from lazur.runtime.supervisor import main  # noqa: E402

sys.exit(main(sys.argv))
