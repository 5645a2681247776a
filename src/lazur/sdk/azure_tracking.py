"""What was tracked in a workspace of Azure: experiments and their runs, in files that `lazur run
import` takes.

They are asked for in MLflow's protocol, at the address that the workspace has for it: it is what
people's own scripts log with, it is the same in every release, and it has each point of a metric
with its step and its time. What lies beside a run, the run history tells.

Runs in the Python of the user's that has Azure's client, and imports nothing else of Lazur but
`azure_bundle` and `azure_tables`, which come with it.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from lazur.sdk.azure_bundle import Bundle
from lazur.sdk.azure_tables import tables

KEY, TEXT, LABEL = 250, 8000, 5000
"""Characters that a name, a value, and a value of an experiment's tag, has at most here."""
_AT_ONCE = 8
_RUNS = 50
"""In one file, and fewer where artifacts make it large."""
_LARGE = 256 << 20
_PAGE = 100
_STATES = ("SCHEDULED", "RUNNING", "FINISHED", "FAILED", "KILLED")
_SOURCES = ("NOTEBOOK", "JOB", "LOCAL", "PROJECT")
_NOT_THERE = (404, 501)
_NO_PATH = re.compile(r"[\x00-\x1f\x7f\\]|(?:^|/)\.{0,2}(?:/|$)")
"""As lazur/engine/paths.py: one of them, and nothing of the file would be taken."""
_FETCHED = "fetched.json"
Note = Callable[[str], object]
Run = dict[str, Any]
"""As MLflow tells it: `info` and `data`."""
Table = tuple[str, bytes]
"""A path among a run's files, and what is there."""


class Tracking:
    def __init__(self, wire: Any, home: str, top: Path, note: Note, *, artifacts: bool) -> None:
        """`wire` asks and fetches: azure_wire.py. `home`: the workspace's id in Azure."""
        self.left_out: list[str] = []
        self.experiments: list[dict[str, Any]] = []
        self._failed: list[str] = []
        self._no_tables = ""
        self._wire = wire
        self._home = home
        self._folder = top / "runs"
        self._note = note
        self._artifacts = artifacts
        self._fetched: dict[str, str] = {}
        self._pool = ThreadPoolExecutor(_AT_ONCE)

    def fetch(self, names: Iterable[str] = ()) -> None:
        """Of these experiments, or of all, what is new since the last time. Once."""
        try:
            self._fetch_all(list(names))
        finally:
            self._pool.shutdown()
            self._wire.close()

    def files(self) -> list[str]:
        """As workspace.json names them."""
        return [f"runs/{path.name}" for path in sorted(self._folder.glob("[0-9]*.zip"))]

    def _fetch_all(self, wanted: list[str]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._fetched = self._known()
        found = [one for one in self._experiments() if not wanted or one["name"] in wanted]
        self.experiments = [said(one) for one in found]
        missing = sorted(set(wanted) - {one["name"] for one in found})
        self.left_out += [f"experiments/{name}: there is none of this name" for name in missing]
        self._fetch(run for one in found for run in self._news(one))
        self.left_out += [self._no_tables] if self._no_tables else []

    def _known(self) -> dict[str, str]:
        """Of runs that are in a file, what they looked like."""
        place = self._folder / _FETCHED
        return json.loads(place.read_text()) if place.exists() else {}

    def _experiments(self) -> Iterator[dict[str, Any]]:
        asked = {"view_type": "ALL", "max_results": _PAGE}
        return self._pages("experiments/search", asked, "experiments")

    def _news(self, experiment: dict[str, Any]) -> Iterator[tuple[str, Run]]:
        asked = {
            "experiment_ids": [experiment["experiment_id"]],
            "run_view_type": "ALL",
            "max_results": _PAGE,
        }
        self._note(f"experiments/{experiment['name']}")
        for run in self._pages("runs/search", asked, "runs"):
            if is_archived(experiment):
                run["info"]["lifecycle_stage"] = experiment["lifecycle_stage"]
            if self._fetched.get(run_id(run)) != self._look(run):
                yield str(experiment["name"]), run

    def _look(self, run: Run) -> str:
        text = json.dumps([run, self._artifacts], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _fetch(self, runs: Iterator[tuple[str, Run]]) -> None:
        waiting: list[tuple[str, Run]] = []
        for found in runs:
            waiting.append(found)
            if len(waiting) == _RUNS:
                self._bundle(waiting)
                waiting = []
        self._bundle(waiting)

    def _bundle(self, runs: list[tuple[str, Run]]) -> None:
        """In as many files as it takes."""
        ready = list(zip(runs, self._pool.map(self._beside, [run for _, run in runs])))
        while ready:
            ready = self._one_bundle(ready)

    def _one_bundle(self, ready: list[Any]) -> list[Any]:
        name = (
            f"{1 + max((int(p.stem) for p in self._folder.glob('[0-9]*.zip')), default=0):05}.zip"
        )
        bundle = Bundle(self._folder / name, self._home, "azure")
        looks: dict[str, str] = {}
        count = 0
        try:
            while count < len(ready) and bundle.size < _LARGE:
                (experiment, run), beside = ready[count]
                count += 1
                if self._one(bundle, experiment, run, *beside):
                    looks[run_id(run)] = self._look(run)
            bundle.close()
        finally:
            bundle.discard()
        self._remember(looks)
        self._note(f"runs/{name}: {count} runs")
        return ready[count:]

    def _one(
        self, bundle: Bundle, experiment: str, run: Run, points: Any, found: list[Table] | Lost
    ) -> bool:
        """Whether all of it came: if not, it is named, and asked for anew the next time."""
        before = len(self._failed)
        told = f"experiments/{experiment}/{run_id(run)}"
        files = self._told_of_tables(told, found) if isinstance(found, Lost) else found
        if isinstance(points, Exception):
            self._failed.append(f"{told}: its metrics' history: {points}")
            points = [[key, step, at, value, nan] for key, value, at, step, nan in latest(run)]
        made, lost = document(run, experiment)
        self.left_out += [f"{told}: {what}" for what in lost]
        bundle.add_run(made, points)
        for path, content in files:
            bundle.add(f"runs/{run_id(run)}/artifacts/{path}", [content])
        if self._artifacts:
            self._add_artifacts(bundle, told, run, {path for path, _ in files})
        self.left_out += self._failed[before:]
        return len(self._failed) == before

    def _told_of_tables(self, told: str, why: Lost) -> list[Table]:
        """A workspace that does not tell them at all is named once."""
        if why.status in _NOT_THERE:
            self._no_tables = f"experiments: the tables among their metrics: {why}"
        else:
            self._failed.append(f"{told}: the tables among its metrics: {why}")
        return []

    def _add_artifacts(self, bundle: Bundle, told: str, run: Run, there: set[str]) -> None:
        whose = str(run["info"]["experiment_id"]), run_id(run)
        try:
            paths = sorted(set(self._wire.artifacts(*whose)) - there)
        except Lost as error:
            self._failed.append(f"{told}: its artifacts: {error}")
            return
        for path in paths:
            if _NO_PATH.search(path):
                self.left_out.append(f"{told}/{path!a}: it is no path that can be used here")
                continue
            self._note(f"{told}/{path}")
            try:
                with self._wire.artifact(*whose, path) as chunks:
                    bundle.add(f"runs/{run_id(run)}/artifacts/{path}", chunks, zipfile.ZIP_STORED)
            except Lost as error:
                self._failed.append(f"{told}/{path}: {error}")

    def _remember(self, looks: dict[str, str]) -> None:
        self._fetched.update(looks)
        draft = self._folder / ("." + _FETCHED)
        draft.write_text(json.dumps(self._fetched))
        draft.replace(self._folder / _FETCHED)

    def _beside(self, run: Run) -> tuple[list[list[Any]] | Lost, list[Table] | Lost]:
        return self._points(run), self._tables(run)

    def _tables(self, run: Run) -> list[Table] | Lost:
        """Metrics that MLflow does not tell, or why they do not come."""
        known = {one["key"] for one in run.get("data", {}).get("metrics") or []}
        metrics, values = self._wire.metrics(run_id(run)), partial(self._wire.values, run_id(run))
        try:
            return list(tables(metrics, known, values))
        except Lost as error:
            return error

    def _points(self, run: Run) -> list[list[Any]] | Lost:
        """Every point of every metric, or why they do not come."""
        found: list[list[Any]] = []
        try:
            for key in sorted({one["key"] for one in run.get("data", {}).get("metrics", [])}):
                if len(key) <= KEY:
                    found += self._history(run_id(run), key)
        except Lost as error:
            return error
        return found

    def _history(self, run: str, key: str) -> Iterator[list[Any]]:
        asked = {"run_id": run, "run_uuid": run, "metric_key": key}
        for one in self._pages("metrics/get-history", asked, "metrics", "GET"):
            value, nan = number(one.get("value", 0.0))
            yield [key, whole(one.get("step")), whole(one.get("timestamp")), value, nan]

    def _pages(
        self, path: str, asked: dict[str, Any], what: str, method: str = "POST"
    ) -> Iterator[dict[str, Any]]:
        token, seen = "", set()
        while token not in seen:
            seen.add(token)
            query = {**asked, "page_token": token} if token else asked
            page = self._wire.mlflow(method, path, query)
            yield from page.get(what) or []
            token = page.get("next_page_token") or ""
            if not token:
                return


class Lost(Exception):
    """What Azure does not give, and why."""

    def __init__(self, why: str, status: int = 0) -> None:
        super().__init__(why)
        self.status = status


def said(experiment: dict[str, Any]) -> dict[str, Any]:
    """Of an experiment, what people wrote."""
    tags, _ = texts(experiment.get("tags") or [], "tag")
    own = {k: v[:LABEL] for k, v in tags.items() if not k.startswith("mlflow.")}
    note = tags.get("mlflow.note.content")
    more: dict[str, Any] = {"description": note[:LABEL]} if note else {}
    more |= {"tags": own} if own else {}
    more |= {"archived": True} if is_archived(experiment) else {}
    return {"name": str(experiment["name"])[:256], **more}


def is_archived(told: dict[str, Any]) -> bool:
    """An experiment, or the `info` of a run."""
    return told.get("lifecycle_stage") == "deleted"


def document(run: Run, experiment: str) -> tuple[dict[str, Any], list[str]]:
    """A run in the form of `lazur run export`, and what of it has no place."""
    info, data = run["info"], run.get("data", {})
    params, lost = texts(data.get("params") or [], "param")
    tags, more = texts(data.get("tags") or [], "tag")
    long = [one["key"][:60] for one in data.get("metrics") or [] if len(one["key"]) > KEY]
    state = info.get("status") if info.get("status") in _STATES else None
    kind = tags.get("mlflow.source.type")
    made = {
        "id": run_id(run),
        "experiment": experiment[:256],
        "name": info.get("run_name") or tags.get("mlflow.runName") or run_id(run),
        "source_type": kind if kind in _SOURCES else "UNKNOWN",
        "source_name": tags.get("mlflow.source.name", ""),
        "entry_point_name": "",
        "source_version": "",
        "user_id": info.get("user_id") or tags.get("mlflow.user") or "",
        "status": state or ("FINISHED" if info.get("end_time") else "RUNNING"),
        "start_time": whole(info.get("start_time")) or None,
        "end_time": whole(info.get("end_time")) or None,
        "params": params,
        "tags": tags,
        "latest": latest(run),
        "inputs": [],
        "models": [],
        "links": [],
        "archived": is_archived(info),
    }
    tags.setdefault("mlflow.runName", str(made["name"]))
    if made["status"] in ("SCHEDULED", "RUNNING"):
        more.append("it goes on there: import again when it is over")
    return made, [*lost, *more, *(f"metric {key!r}: its name is too long" for key in long)]


def latest(run: Run) -> list[list[Any]]:
    """The last point of each metric: name, value, time, step, whether it is not a number."""
    made: list[list[Any]] = []
    for one in run.get("data", {}).get("metrics") or []:
        value, nan = number(one.get("value", 0.0))
        at, step = whole(one.get("timestamp")), whole(one.get("step"))
        if len(one["key"]) <= KEY:
            made.append([one["key"], value, at, step, nan])
    return made


def texts(pairs: list[dict[str, Any]], what: str) -> tuple[dict[str, str], list[str]]:
    """As they are kept here. A value that is cut is better than none."""
    found = {str(one["key"]): str(one.get("value") or "") for one in pairs}
    long = [key for key in found if len(key) > KEY]
    cut = [key for key, value in found.items() if len(value) > TEXT and key not in long]
    lost = [f"{what} {key[:60]!r}: its name is too long" for key in long]
    lost += [f"{what} {key!r}: all after {TEXT} characters" for key in cut]
    return {key: value[:TEXT] for key, value in found.items() if key not in long}, lost


def number(value: Any) -> tuple[float, bool]:
    """JSON has no words for some; both sides keep the largest number in the place of infinity."""
    found = float(value)
    if found != found:
        return 0.0, True
    most = 1.7976931348623157e308
    return max(-most, min(most, found)), False


def whole(value: Any) -> int:
    """Of 64 bits, which JSON may hold as a text."""
    return int(value or 0)


def run_id(run: Run) -> str:
    return str(run["info"].get("run_id") or run["info"]["run_uuid"])
