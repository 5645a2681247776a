"""Where upstream's code may connect to: public addresses, unless the server's owner allows others.

Webhooks, the gateway's endpoints and judges go to addresses that members choose. Upstream looks at
most of them; this looks at every connection, after names were resolved and redirects followed.
"""

from __future__ import annotations

import os

from lazur import egress

SETTING = "LAZUR_MLFLOW_EGRESS"
ANYWHERE = "anywhere"


def restrict(*allowed: tuple[str, int]) -> None:
    """From now on, for this process and for good. `allowed` are private and still reached."""
    if os.environ.get(SETTING) != ANYWHERE:
        doors = [f"{host}:{port}" for host, port in allowed]
        egress.restrict(egress.Rule.of(doors, setting="mlflow_private_urls"))
