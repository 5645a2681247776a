"""Sends OpenLineage events to a catalogue, until it has taken them."""

from __future__ import annotations

import json
import logging
from urllib.parse import urlsplit

from lazur.errors import Invalid, LazurError
from lazur.loops.base import Loop
from lazur.outbound import Client, shown
from lazur.services.base import secret_files
from lazur.services.base.site import Site
from lazur.services.results import posts
from lazur.store import posts as store
from lazur.store.db import AnyRow

log = logging.getLogger(__name__)

_AT_ONCE = 5
_SECONDS = 10.0
"""For one answer; all of a round stay within their lease."""
_LONGEST_WAIT = 3600.0
_HERE = ("127.0.0.1", "::1", "localhost")
_TRIES = 180
"""A week of an hour each: then it is given up."""


class Posts(Loop):
    name = "posts"

    def __init__(self, site: Site) -> None:
        super().__init__()
        self._site = site
        self._client = Client(site.egress, seconds=_SECONDS, redirects=0)
        with site.db.write(synced=False) as db:
            store.take_back(db, site.server)
        site.bus.listen("due", lambda _topic, key: self.hint() if key == self.name else None)

    def round(self) -> float:
        with self._site.db.write(synced=False) as db:
            token, due = store.take(db, self._site.now(), _AT_ONCE, self._site.server)
        for post in due:
            if self.stopping or not self._send(post, token):
                break
        return self._pause()

    def _send(self, post: AnyRow, token: str) -> bool:
        """False: nobody answers, so that there is no sense in sending the next one."""
        event = posts.event(self._site, post)
        status = 204 if event is None else self._status(event)
        if 200 <= status < 300:
            with self._site.db.write(synced=False) as db:
                store.done(db, post.id, token)
            return True
        log.warning(
            "OpenLineage: %s answered %s to the %s of job %s/%s",
            shown(self._site.openlineage_url),
            status or "nothing",
            post.type,
            post.workspace,
            post.job,
        )
        self._put_off(post, token)
        return 0 < status < 500

    def _status(self, event: object) -> int:
        url, body = self._site.openlineage_url, json.dumps(event).encode()
        try:
            headers = {"Content-Type": "application/json", **self._pass(url)}
            return self._client.fetch(url, "POST", headers, body).status
        except LazurError as error:
            log.warning("OpenLineage: %s", error.message)
            return 0

    def _pass(self, url: str) -> dict[str, str]:
        """What lets it in. It goes nowhere that others could read it on the way."""
        if self._site.openlineage_token is None:
            return {}
        found = urlsplit(url)
        if found.scheme != "https" and found.hostname not in _HERE:
            raise Invalid(
                f"{shown(url)} is not https: the token is not sent there.",
                hint="Change `openlineage_url`, or take `openlineage_token_file` away.",
            )
        token = secret_files.read(self._site.openlineage_token)
        return {"Authorization": f"Bearer {token.reveal()}"}

    def _put_off(self, post: AnyRow, token: str) -> None:
        wait = min(_LONGEST_WAIT, 2.0 ** min(post.tries + 1, 12))
        with self._site.db.write(synced=False) as db:
            if post.tries >= _TRIES:
                log.error(
                    "OpenLineage: the %s of job %s/%s never arrived, and is given up",
                    post.type,
                    post.workspace,
                    post.job,
                )
                store.done(db, post.id, token)
            else:
                store.again(db, post, token, self._site.now() + wait)

    def _pause(self) -> float:
        with self._site.db.read() as db:
            due = store.next_due(db)
        return self.longest if due is None else due - self._site.now()
