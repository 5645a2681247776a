"""Files of runs: what there is, and addresses by which they are fetched."""

from __future__ import annotations

from typing import Any

from lazur.errors import Invalid
from lazur.safe import Entry
from lazur.server.arm.calls import Call
from lazur.server.arm.replies import Reply
from lazur.server.arm.routes import Routes
from lazur.server.arm.translate import tracking as translate
from lazur.server.sign_in import bearer_secret
from lazur.services.azure import sas, tokens
from lazur.services.base.home import ARTIFACTSTORE
from lazur.services.base.times import iso
from lazur.services.tracking import run_files
from lazur.services.tracking.runs import READ

routes = Routes()

_BY_NAME = "/history/v1.0WS/experiments/{experiment}/runs/{run}/artifacts"
_BY_ID = "/history/v1.0WS/experimentids/{experiment}/runs/{run}/artifacts"
_PAGE = 500


@routes.get(_BY_NAME, READ)
@routes.get(_BY_ID, READ)
def find(call: Call, experiment: str, run: str) -> Reply:
    """All of them."""
    return _listed(call, run, "")


@routes.get(f"{_BY_NAME}/path", READ)
@routes.get(f"{_BY_ID}/path", READ)
def find_in_path(call: Call, experiment: str, run: str) -> Reply:
    """Those below a folder."""
    return _listed(call, run, call.query.get("path", ""))


@routes.get(f"{_BY_NAME}/metadata", READ)
@routes.get(f"{_BY_ID}/metadata", READ)
def show(call: Call, experiment: str, run: str) -> Reply:
    found = _Files(call, run)
    entry = found.one(call.query.get("path", ""))
    return Reply(found.told(entry))


@routes.get(f"{_BY_NAME}/contentinfo", READ)
@routes.get(f"{_BY_ID}/contentinfo", READ)
def content(call: Call, experiment: str, run: str) -> Reply:
    found = _Files(call, run)
    entry = found.one(call.query.get("path", ""))
    return Reply(found.content(entry))


@routes.get(f"{_BY_NAME}/prefix/contentinfo", READ)
@routes.get(f"{_BY_ID}/prefix/contentinfo", READ)
def contents(call: Call, experiment: str, run: str) -> Reply:
    found = _Files(call, run)
    entries, token = found.page(call.query.get("path", ""))
    told = [found.content(entry) for entry in entries]
    return Reply(translate.page(told, token, found.following(token)))


def _listed(call: Call, run: str, below: str) -> Reply:
    found = _Files(call, run)
    entries, token = found.page(f"{below.strip('/')}/" if below else "")
    told = [found.told(entry) for entry in entries]
    return Reply(translate.page(told, token, found.following(token)))


class _Files:
    def __init__(self, call: Call, run: str) -> None:
        row, self._folder = call.read(
            lambda context: run_files.opened(context, call.workspace, run)
        )
        self._call = call
        self._holder = tokens.holder(bearer_secret(call.scope["headers"]) or "")
        self._run_id = row.id

    def one(self, path: str) -> Entry:
        return run_files.one(self._folder, path)

    def page(self, beginning: str) -> tuple[list[Entry], str | None]:
        """The token is the last path of the page before."""
        after = self._call.query.get("continuationtoken", "")
        if "\0" in after:
            raise Invalid("continuationToken is not one that this server gave out.")
        found = [
            entry
            for entry in run_files.find(self._folder)
            if entry.path.startswith(beginning) and entry.path > after
        ]
        return found[:_PAGE], found[_PAGE - 1].path if len(found) > _PAGE else None

    def told(self, entry: Entry) -> dict[str, Any]:
        return translate.artifact(self._run_id, entry.path, iso(entry.modified) or "")

    def content(self, entry: Entry) -> dict[str, Any]:
        return translate.content(self._run_id, entry.path, self._url(entry.path))

    def following(self, token: str | None) -> str | None:
        """Some clients go on by the address, others by the token."""
        if token is None:
            return None
        kept = {k: v for k, v in self._call.query.items() if k != "continuationtoken"}
        return self._call.url(str(self._call.scope["path"]), **kept, continuationToken=token)

    def _url(self, path: str) -> str:
        """Signed for this file alone."""
        place = f"{self._call.workspace}/{ARTIFACTSTORE}/{self._folder.inside}/{path}"
        signed = sas.sign(self._call.site, self._holder, place)
        return f"{self._call.url(f'/_blob/{place}')}?{signed}"
