"""Two workspaces on one server: whatever route of upstream's a member of the one asks, with all
ids of the other, nothing of the other comes back and nothing of it changes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import pytest

from lazur.server.mlflow.access import rule
from lazur.testing.server import Server
from tests.conformance.surface import filled, routes
from tests.security.wire import Answer, Wire, serving
from tests.server.mlflow.filled import Filled, fill

MARK, SECRET = "theirs1", "sesame5ecret"
_QUERY = 'query { mlflowGetRun(input: {runId: "RUN"}) { run { data { tags { key value } } } } }'
_NAMES = {
    "scorers": "sc-",
    "scorer": "sc-",
    "label-schemas": "ls-",
    "review-queues": "rq-",
    "datasets": "ds-",
    "logged-models": "",
    "model-definitions": "md-",
    "endpoints": "ep-",
    "secrets": "se-",
    "webhooks": "wh-",
    "issues": "is-",
}
_IN_PATH = {
    "model_id": "model_id",
    "dataset_id": "dataset_id",
    "trace_id": "trace_id",
    "request_id": "trace_id",
    "assessment_id": "assessment_id",
    "webhook_id": "webhook_id",
    "issue_id": "issue_id",
    "endpoint_name": "endpoint_name",
    "path:name": "server",
    "name:path": "server",
    "tag_key": "mark",
    "key": "mark",
    "key:path": "mark",
    "version:path": "version",
    "alias:path": "alias",
}

KEYS = (
    "space",
    "run_id",
    "experiment_id",
    "trace_id",
    "model_id",
    "dataset_id",
    "name",
    "secret_id",
    "model_definition_id",
    "endpoint_id",
    "queue_id",
    "schema_id",
    "issue_id",
)


@dataclass
class Scene:
    """Member of one workspace, and the other, which was filled. `owner` may see everything."""

    server: Server
    member: Wire
    own: Filled
    other: Filled
    upstream: list[tuple[str, str]]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("isolation")
    with (
        serving(Server(folder / "home", port="0", role="api")) as server,
        Wire(server, server.token) as owner,
    ):
        for name in ("theirs", "mine"):
            assert owner.ask("POST", "/api/v1/workspaces", {"name": name}).status == 201
        mine = {"name": "member", "role": "Owner", "workspace": "mine"}
        token = owner.ask("POST", "/api/v1/tokens", mine).json["token"]
        with Wire(server, token) as member:
            own = fill(member, "mine", "mine1", "no secret")
            other = fill(owner, "theirs", MARK, SECRET)
            asked = [(route.method, route.path) for route in routes()]
            yield Scene(server, member, own, other, asked)


class TestOtherWorkspace:
    def test_nothing_of_it_comes_back_and_nothing_changes(self, scene: Scene) -> None:
        before = _state(scene.server)
        for base in ("/mlflow", "/mlflow/workspaces/mine"):
            for method, path in scene.upstream:
                got = _ask(scene, scene.member, method, base, path)
                assert SECRET.encode() not in got.body, (method, path, got.body[:500])
        assert _lost(before, _state(scene.server)) == []

    @pytest.mark.slow
    @pytest.mark.parametrize("theirs", KEYS)
    def test_nor_with_one_id_of_it_among_ones_own(self, scene: Scene, theirs: str) -> None:
        """Something of one's own that is made to point there shows nothing either."""
        before = _state(scene.server)
        ids = {**scene.own.ids, theirs: scene.other.ids[theirs]}
        mixed = replace(scene.own, ids=ids, mark=f"{scene.own.mark}{KEYS.index(theirs)}")
        for method, path in sorted(_once(scene.upstream), key=_reads):
            got = _ask(scene, scene.member, method, "/mlflow", path, mixed)
            assert SECRET.encode() not in got.body, (method, path, got.body[:500])
        known = {MARK, SECRET, *(i for i in scene.other.ids.values() if len(i) > 8)}
        lost = _lost(before, _state(scene.server))
        assert [row for row in lost if any(value in row for value in known)] == []

    def test_the_same_requests_are_answered_to_its_owner(self, scene: Scene) -> None:
        """Else the test above would see nothing where there is nothing to see."""
        shown = [
            path
            for method, path in scene.upstream
            if (found := rule(method, filled(path))) and found.reads
            if SECRET.encode()
            in _ask(scene, scene.other.wire, method, scene.other.base, path).body
        ]
        kinds = {path.split("/")[4] for path in shown if path.startswith("/api/")}
        assert kinds >= set(
            "runs experiments registered-models model-versions logged-models traces datasets "
            "issues label-schemas mcp-servers artifacts".split()
        )
        assert len(shown) > 40

    def test_its_address_is_as_if_it_were_not_there(self, scene: Scene) -> None:
        for method, path in scene.upstream:
            if rule(method, filled(path)) is None:
                continue
            theirs = _ask(scene, scene.member, method, "/mlflow/workspaces/theirs", path)
            nobodys = _ask(scene, scene.member, method, "/mlflow/workspaces/nobodys", path)
            assert theirs.status == nobodys.status == 404, (method, path)
            assert theirs.body.replace(b"theirs'", b"nobodys'") == nobodys.body


def _once(upstream: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What the interface asks by a path of its own is the same; and what removes is of no use."""
    return [
        (method, path)
        for method, path in upstream
        if method != "DELETE" and "delete" not in path
        if ("POST", path.replace("/ajax-api/", "/api/")) not in upstream or "ajax" not in path
    ]


def _reads(route: tuple[str, str]) -> bool:
    found = rule(route[0], filled(route[1]))
    return found is not None and found.reads


def _ask(
    scene: Scene, wire: Wire, method: str, base: str, path: str, what: Filled | None = None
) -> Answer:
    """With everything that identifies anything there, wherever upstream may look for it."""
    what = what or scene.other
    target = base + _filled_in(what, path)
    given = _fields(what, path)
    body: bytes | None = None
    if method in {"GET", "DELETE"}:
        target += "?" + urlencode(given, doseq=True)
    if method != "GET":
        body = json.dumps(given).encode()
    forged = {"X_MLFLOW_WORKSPACE": scene.other.ids["space"], "Content_Type": "application/json"}
    return wire.ask(method, target, body, **forged)


def _filled_in(other: Filled, path: str) -> str:
    values = {**other.ids, "mark": other.mark}
    for place, name in _IN_PATH.items():
        for form in (f"<{place}>", f"{{{place}}}"):
            path = path.replace(form, values.get(name, "x1"))
    if "artifact_path" in path:
        return filled(path, "/".join(("workspaces", other.ids["space"], other.ids["place"])))
    return filled(path)


def _fields(other: Filled, path: str) -> dict[str, Any]:
    ids = other.ids
    lists = {
        f"{name}s": [ids[name]]
        for name in ("run_id", "experiment_id", "trace_id", "model_id", "dataset_id")
    }
    parts = path.split("/")
    name = next((f"{_NAMES[p]}{other.mark}" for p in parts if p in _NAMES), ids["name"])
    return {
        **ids,
        **lists,
        "run_uuid": ids["run_id"],
        "request_id": ids["trace_id"],
        "request_ids": [ids["trace_id"]],
        "run_uuids": [ids["run_id"]],
        "experiment_name": f"exp {other.mark}",
        "secret_name": f"se-{other.mark}",
        "name": name,
        "new_name": "stolen",
        "key": other.mark,
        "metric_key": other.mark,
        "source": f"mlflow-artifacts:/workspaces/{ids['space']}/{_root(ids)}",
        "artifact_location": f"mlflow-artifacts:/workspaces/{ids['space']}/{_root(ids)}",
        "value": "stolen",
        "path": ids["artifact_path"],
        "artifact_file_path": ids["artifact_path"],
        "max_results": 100,
        "locations": [
            {
                "type": "MLFLOW_EXPERIMENT",
                "mlflow_experiment": {"experiment_id": ids["experiment_id"]},
            }
        ],
        "query": _QUERY.replace("RUN", ids["run_id"]),
    }


def _root(ids: dict[str, str]) -> str:
    return ids["place"].removesuffix("/" + ids["artifact_path"])


def _state(server: Server) -> dict[str, set[str]]:
    """Every row of upstream's tables but those of the member's workspace, and every file."""
    found: dict[str, set[str]] = {}
    with sqlite3.connect(f"file:{server.home / 'lazur.db'}?mode=ro", uri=True) as db:
        mine = db.execute("SELECT id FROM lazur_workspaces WHERE name = 'mine'").fetchone()[0]
        names = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in names:
            if not name.startswith(("lazur_", "sqlite_")):
                rows = {repr(row) for row in db.execute(f'SELECT * FROM "{name}"')}
                found[name] = {row for row in rows if f"ws-{mine}" not in row}
    db.close()
    files = (server.home / "workspaces" / "theirs").rglob("*")
    found["files"] = {f"{path} {path.read_bytes()!r}" for path in files if path.is_file()}
    return found


def _lost(before: dict[str, set[str]], after: dict[str, set[str]]) -> list[str]:
    return [row for name, rows in before.items() for row in rows - after[name]]
