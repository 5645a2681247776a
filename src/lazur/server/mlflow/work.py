"""What the process of one of upstream's jobs runs, see workers.py."""

from __future__ import annotations

import importlib
import os

from lazur.server.mlflow import door, egress, locations


def main() -> None:
    egress.restrict(("127.0.0.1", int(os.environ[door.PORT])))
    locations.restrict()
    importlib.import_module("mlflow.server.jobs._job_subproc_entry")._main()


if __name__ == "__main__":
    main()
