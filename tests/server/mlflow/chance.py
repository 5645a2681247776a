"""Calls by chance: what training scripts send, and what nobody in their right mind does.

Names come from small pools, so that calls meet each other: the same key again, another value for
it, a run that was deleted. One seed makes the same calls for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from tests.server.mlflow.differential import API, Step, get, post

_KEYS = ("a", "b", "loss", "A", "val/acc", "a b", "ä", "x" * 250, "mlflow.runName")
_ODD_KEYS = ("", "x" * 251, "a//b", "../a", "/a", ".", "a\n", "a(b)", "%", "mlflow.note.content")
_TEXTS = ("", "1", "2", "two words", "é\u2028\U0001f600", 'quo"te\\', "0.1", "%s", "x" * 500)
_ODD_TEXTS = ("x" * 501, "y" * 6000, "y" * 6001, "z" * 8000, "z" * 8001, "\t\n\x01\x7f")
_NUMBERS = (0, 1, -1, 0.5, -0.0, 1.5, 0.1, 1e-300, 1e300, 3, 2**53, "NaN", "Infinity", "-Infinity")
_ODD_NUMBERS = (2**63 - 1, 2**63, -(2**63), "1", "", "nan", True, None, [], 1e308, 1.0, "0x1")
_TIMES = (0, 1, 2, 1700000000000, 1700000000001)
_ODD_TIMES = (-1, 2**63 - 1, 2**63, 1.0, 1.5, "1", None, True)
_STATUSES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")
_ODD_STATUSES = ("", "running", "DONE", None, 1, 2, 9)
_STAGES = ("LOGGED_MODEL_READY", "LOGGED_MODEL_PENDING", "LOGGED_MODEL_UPLOAD_FAILED", "x", 2)
_BODIES = (b"", b"{}", b"[]", b"null", b"{", b'"x"', b'{"run_id": 1}', b'{"run_id": "\\ud800"}')
_ODD = 0.08
"""How often something is odd, each time that something is chosen."""


class Chance:
    """Steps in experiment `{exp}`, which the caller has made."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._runs = 0
        self._models = 0
        self._experiments = 0

    def step(self) -> Step:
        kinds = [kind for kind, weight in self._kinds() for _ in range(weight)]
        made = self._pick(kinds)()
        return self._spoiled(made) if self._rarely() else made

    def _kinds(self) -> list[tuple[Callable[[], Step], int]]:
        return [
            (self._create_run, 3),
            (self._get_run, 6),
            (self._update_run, 2),
            (self._end_run, 2),
            (self._log_metric, 8),
            (self._log_param, 5),
            (self._set_tag, 5),
            (self._delete_tag, 2),
            (self._log_batch, 6),
            (self._log_inputs, 3),
            (self._log_outputs, 1),
            (self._log_model, 1),
            (self._history, 2),
            (self._create_experiment, 1),
            (self._set_experiment_tag, 2),
            (self._get_experiment, 2),
            (self._create_model, 2),
            (self._change_model, 4),
            (self._get_model, 3),
        ]

    def _create_run(self) -> Step:
        self._runs += 1
        body = {"experiment_id": self._experiment(), "tags": self._pairs(_TEXTS, 3)}
        body |= self._maybe("run_name", self._text) | self._maybe("user_id", self._text)
        body |= self._maybe("start_time", self._time)
        return post("runs/create", body, f"run{self._runs}")

    def _get_run(self) -> Step:
        return get("runs/get", **{self._pick(("run_id", "run_id", "run_uuid")): self._run()})

    def _update_run(self) -> Step:
        body = self._to_run() | self._maybe("run_name", self._text)
        body |= self._maybe("status", lambda: self._chosen(_STATUSES, _ODD_STATUSES))
        return post("runs/update", body | self._maybe("end_time", self._time))

    def _end_run(self) -> Step:
        path = self._pick(("runs/delete", "runs/restore", "runs/restore"))
        return post(path, {"run_id": self._run()})

    def _log_metric(self) -> Step:
        body = self._to_run() | self._metric()
        if self._rarely():
            body |= self._maybe("model_id", self._model) | self._maybe("dataset_name", self._text)
        return post("runs/log-metric", body)

    def _log_param(self) -> Step:
        return post("runs/log-parameter", self._to_run() | self._pair(_TEXTS))

    def _set_tag(self) -> Step:
        return post("runs/set-tag", self._to_run() | self._pair(_TEXTS))

    def _delete_tag(self) -> Step:
        return post("runs/delete-tag", {"run_id": self._run(), "key": self._key()})

    def _log_batch(self) -> Step:
        body: dict[str, Any] = {"run_id": self._run()}
        most = self._chosen((0, 1, 4, 30), (1000, 1001))
        body |= {"metrics": [self._metric() for _ in range(self._random.randint(0, most))]}
        body |= {"params": self._pairs(_TEXTS, self._chosen((0, 2), (101,)))}
        body |= {"tags": self._pairs(_TEXTS, self._chosen((0, 3), (101,)))}
        return post("runs/log-batch", {k: v for k, v in body.items() if v or self._rarely()})

    def _log_inputs(self) -> Step:
        datasets = [
            {"dataset": self._dataset(), "tags": self._pairs(_TEXTS, 2)}
            for _ in range(self._random.randint(0, 2))
        ]
        models = [{"model_id": self._known()} for _ in range(self._random.randint(0, 2))]
        return post(
            "runs/log-inputs", {"run_id": self._run(), "datasets": datasets, "models": models}
        )

    def _log_outputs(self) -> Step:
        models = [
            {"model_id": self._known(), "step": self._chosen((0, 1), (-1, "1", None))}
            for _ in range(self._random.randint(0, 2))
        ]
        return post("runs/outputs", {"run_id": self._run(), "models": models})

    def _log_model(self) -> Step:
        model = '{"run_id": "r", "artifact_path": "%s", "flavors": {"f": {"config": 1, "k": [2]}},'
        model += ' "utc_time_created": "2026-01-01 00:00:00", "model_uuid": "u"}'
        path = self._pick(("model", "other"))
        text = self._chosen((model % path,), ("", "{}", "[1]", "x"))
        return post("runs/log-model", {"run_id": self._run(), "model_json": text})

    def _history(self) -> Step:
        query = {"run_id": self._run(), "metric_key": self._key()}
        if self._rarely():
            query["max_results"] = self._pick(("0", "1", "-1", "x", "3"))
        return get("metrics/get-history", **query)

    def _create_experiment(self) -> Step:
        self._experiments += 1
        name = f"by chance {self._experiments} {self._random.random()}"
        body = {"name": name, "tags": self._pairs(_TEXTS, 2)}
        return post("experiments/create", body, f"exp{self._experiments}")

    def _set_experiment_tag(self) -> Step:
        body = {"experiment_id": self._experiment(), **self._pair(_TEXTS)}
        return post("experiments/set-experiment-tag", body)

    def _get_experiment(self) -> Step:
        return get("experiments/get", experiment_id=self._experiment())

    def _create_model(self) -> Step:
        self._models += 1
        body: dict[str, Any] = {"experiment_id": self._experiment()}
        body |= self._maybe("name", self._text) | self._maybe("model_type", self._text)
        body |= self._maybe("source_run_id", self._run)
        body |= {"params": self._pairs(_TEXTS, 2), "tags": self._pairs(_TEXTS, 2)}
        return post("logged-models", body, f"model{self._models}")

    def _change_model(self) -> Step:
        model = self._model()
        path, own = f"{API}logged-models/{model}", {"model_id": model}
        which = self._random.randrange(3)
        if which == 0:
            return Step("PATCH", path, {**own, "status": self._pick(_STAGES)})
        if which == 1:
            return Step("PATCH", f"{path}/tags", {**own, "tags": self._pairs(_TEXTS, 3)})
        return Step("POST", f"{path}/params", {**own, "params": self._pairs(_TEXTS, 3)})

    def _get_model(self) -> Step:
        return Step("GET", f"{API}logged-models/{self._model()}")

    def _spoiled(self, step: Step) -> Step:
        """From elsewhere, with a field too few, too many or of another kind, or no JSON at all."""
        if self._random.random() < 0.3:
            return Step(step.method, step.path, step.body, step.query, None, "ws-2")
        if not isinstance(step.body, dict):
            return step
        body: dict[str, Any] = dict(step.body)
        how = self._random.randrange(4)
        key = self._pick(sorted(body)) if body else "run_id"
        if how == 0:
            body.pop(key, None)
        elif how == 1:
            body["unheard_of"] = 1
        elif how == 2:
            body[key] = self._pick((None, 1, [], {}, [None], "", True, [{}]))
        else:
            return Step(step.method, step.path, self._pick(_BODIES), step.query, None, step.space)
        return Step(step.method, step.path, body, step.query, step.keep, step.space)

    def _run(self) -> str:
        return self._named("run", self._runs, ("", "nothing", "-a", "a b", "0" * 32, "a" * 257))

    def _model(self) -> str:
        return self._named("model", self._models, ("m-0", "m-" + "0" * 32, "x"))

    def _known(self) -> str:
        """A model whose id is the same on both sides: they are answered in the order of ids."""
        return self._pick(("m-1", "m-2", "m-3", "x", ""))

    def _experiment(self) -> str:
        odd = ("999999", "x", "", "-1", "01")
        return "{exp}" if self._often() else self._named("exp", self._experiments, odd)

    def _named(self, kind: str, count: int, odd: tuple[str, ...]) -> str:
        """Mostly one of the newest, so that calls meet."""
        if not count or self._rarely():
            return self._pick(odd)
        return f"{{{kind}{self._random.randint(max(1, count - 3), count)}}}"

    def _to_run(self) -> dict[str, Any]:
        run = self._run()
        return {"run_id": run, "run_uuid": run} if self._often() else {"run_id": run}

    def _metric(self) -> dict[str, Any]:
        metric: dict[str, Any] = {"key": self._key(), "value": self._number()}
        return metric | {"timestamp": self._time()} | self._maybe("step", self._time)

    def _dataset(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "name": self._pick(("d", "e", "")),
            "digest": self._pick(("1", "2")),
            "source_type": "local",
            "source": self._text(),
        }
        return found | self._maybe("schema", self._text) | self._maybe("profile", self._text)

    def _pairs(self, values: tuple[str, ...], most: int) -> list[dict[str, Any]]:
        return [self._pair(values) for _ in range(self._random.randint(0, most))]

    def _pair(self, values: tuple[str, ...]) -> dict[str, Any]:
        return {"key": self._key(), "value": self._chosen(values, (*_ODD_TEXTS, None, 1))}

    def _key(self) -> str:
        return self._chosen(_KEYS, _ODD_KEYS)

    def _text(self) -> str:
        return self._chosen(_TEXTS, _ODD_TEXTS)

    def _number(self) -> Any:
        return self._chosen(_NUMBERS, _ODD_NUMBERS)

    def _time(self) -> Any:
        return self._chosen(_TIMES, _ODD_TIMES)

    def _maybe(self, name: str, value: Callable[[], Any]) -> dict[str, Any]:
        return {name: value()} if self._often() else {}

    def _chosen(self, usual: tuple[Any, ...], odd: tuple[Any, ...]) -> Any:
        return self._pick(odd if self._rarely() else usual)

    def _pick(self, items: Any) -> Any:
        return self._random.choice(items)

    def _rarely(self) -> bool:
        return self._random.random() < _ODD

    def _often(self) -> bool:
        return self._random.random() < 0.6
