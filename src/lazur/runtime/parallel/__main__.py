"""The entry point of all its processes: `python <this folder> …`, with the Python of the job's
environment."""

import os
import sys


def _enter():
    """As in the runtime's own entry: nothing else of Lazur can be imported. A worker takes these
    names away again before it imports the user's script, whose environment may have Lazur."""
    here = os.path.dirname(os.path.abspath(__file__))
    for name, path in (("lazur", []), ("lazur.runtime", [os.path.dirname(here)])):
        sys.modules[name] = type(sys)(name)
        sys.modules[name].__path__ = path
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) != here]


# Not in the processes that a script starts with `multiprocessing`, which import this anew.
if __name__ == "__main__":
    _enter()
    from lazur.runtime.parallel.roles import main

    sys.exit(main(sys.argv))
