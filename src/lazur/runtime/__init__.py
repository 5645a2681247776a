"""What travels with a job: standard library only, Python 3.8 and later, no import of the rest of
Lazur.

Started as `python -I -S <here>/__main__.py <attempt folder>`; the folder can be copied to any node
as it is. See contributing/backbone.md, "The runtime's folder", for the files it reads and writes.

A no-op job must begin within milliseconds, so modules on the way to the user's first line avoid
`json`, `re`, `signal`, `subprocess`, `ctypes`, `pathlib`, `typing` and `dataclasses`: together
they cost three times the bare interpreter. What only some jobs need is imported when such a job
comes.
"""
