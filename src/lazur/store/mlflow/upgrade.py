"""Upstream's migration tool, in a process of its own: the database's URL comes by LAZUR_UPGRADE,
since arguments are for all to read."""

# There is no public way to the tool that takes an engine, and a URL alone loses its password.
# pyright: basic

from __future__ import annotations

import os

from mlflow.store.db import utils


def main() -> None:
    engine = utils.create_sqlalchemy_engine_with_retry(os.environ["LAZUR_UPGRADE"])
    if utils._all_tables_exist(engine) or utils._get_schema_version(engine):
        utils._upgrade_db(engine)
    else:
        utils._initialize_tables(engine)


if __name__ == "__main__":
    main()
