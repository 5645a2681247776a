"""What a training script writes, and what it is told: as upstream's own server does it."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.store.mlflow import sql
from tests.server.mlflow.differential import API, Pair, Step, get, post

LONG = "x" * 300


def run(pair: Pair, keep: str = "run", **more: Any) -> None:
    pair.settled(post("runs/create", {"experiment_id": "{exp}", **more}, keep))


@pytest.fixture
def exp(pair: Pair, request: pytest.FixtureRequest) -> None:
    """An experiment of this test's own."""
    pair.settled(post("experiments/create", {"name": request.node.nodeid}, "exp"))


@pytest.fixture(autouse=True)
def _compared(pair: Pair) -> Any:
    yield
    pair.compare_tables()


@pytest.mark.usefixtures("exp")
class TestRuns:
    @pytest.mark.parametrize(
        "more",
        [
            {},
            {"run_name": "mine", "user_id": "ann", "start_time": 1700000000000},
            {"tags": [{"key": "mlflow.runName", "value": "tagged"}, {"key": "b", "value": "é"}]},
            {"tags": [{"key": "z"}, {"key": "a", "value": ""}], "run_name": "first"},
            {"run_name": "same", "tags": [{"key": "mlflow.runName", "value": "same"}]},
            {"run_name": 'quo"te\\ \u2028 \U0001f600'},
        ],
    )
    def test_create_and_get(self, pair: Pair, more: dict[str, Any]) -> None:
        run(pair, **more)
        pair.settled(get("runs/get", run_id="{run}"))
        pair.settled(get("runs/get", run_uuid="{run}"))

    @pytest.mark.parametrize(
        "body",
        [
            {"experiment_id": "999999"},
            {"experiment_id": "nonsense"},
            {"experiment_id": "-1"},
            {},
            {"experiment_id": "{exp}", "run_name": "a", "tags": [{"key": "mlflow.runName"}]},
            {
                "experiment_id": "{exp}",
                "run_name": "a",
                "tags": [{"key": "mlflow.runName", "value": "b"}],
            },
            {"experiment_id": "2"},
        ],
    )
    def test_create_refused(self, pair: Pair, body: dict[str, Any]) -> None:
        pair.play(post("runs/create", body))

    def test_update(self, pair: Pair) -> None:
        run(pair)
        for body in (
            {},
            {"status": "FINISHED", "end_time": 1700000000001},
            {"status": "KILLED"},
            {"run_name": "other"},
            {"run_name": ""},
            {"end_time": 0},
            {"end_time": -5, "status": "SCHEDULED"},
        ):
            pair.settled(post("runs/update", {"run_id": "{run}", "run_uuid": "{run}", **body}))
            pair.settled(get("runs/get", run_id="{run}"))
        pair.settled(post("runs/update", {"run_uuid": "{run}", "status": "RUNNING"}))

    def test_delete_and_restore(self, pair: Pair) -> None:
        run(pair)
        for _ in range(2):
            pair.settled(post("runs/delete", {"run_id": "{run}"}))
            pair.settled(get("runs/get", run_id="{run}"))
        for step in writes("{run}"):
            pair.settled(step)
        for _ in range(2):
            pair.settled(post("runs/restore", {"run_id": "{run}"}))
            pair.settled(get("runs/get", run_id="{run}"))

    def test_a_run_of_another_workspace_is_not_found(self, pair: Pair) -> None:
        run(pair)
        for step in (*writes("{run}"), *ends("{run}"), get("runs/get", run_id="{run}")):
            away = Step(step.method, step.path, step.body, step.query, None, "ws-2")
            answer = pair.settled(away)
            assert answer.status in {400, 404}
        pair.settled(get("runs/get", run_id="{run}"))

    def test_a_run_that_is_not_there(self, pair: Pair) -> None:
        for step in (*writes("nothing"), *ends("nothing")):
            assert pair.settled(step).status == 404

    def test_what_must_be_said(self, pair: Pair) -> None:
        for step in (*writes(""), *ends("")):
            assert pair.settled(step).status == 400
        pair.settled(get("runs/get", run_id=""))


@pytest.mark.usefixtures("exp")
class TestLogging:
    def test_metrics_in_any_order(self, pair: Pair) -> None:
        run(pair)
        values: list[Any] = [1, 0.1, -0.0, 0, "NaN", "Infinity", "-Infinity", 1e300, 2**53]
        for step, value in enumerate(values):
            for at in (step, -step, 5):
                pair.settled(metric(f"m{step % 4}", value, 1700000000000 - step, at))
        pair.settled(metric("m0", 1, 1700000000000, 0))
        pair.settled(metric("m0", 2, 1700000000000, 0))
        pair.settled(get("runs/get", run_id="{run}"))

    @pytest.mark.parametrize(
        "key, value, timestamp, step",
        [
            ("", 1, 1, 1),
            ("a" * 251, 1, 1, 1),
            ("a//b", 1, 1, 1),
            ("../a", 1, 1, 1),
            ("/a", 1, 1, 1),
            (".", 1, 1, 1),
            ("a\n", 1, 1, 1),
            ("a(b)", 1, 1, 1),
            ("ä:b c", 1, 1, 1),
            ("a", None, 1, 1),
            ("a", 1, None, 1),
            ("a", 1, -1, 1),
            ("a", "NaN", -1, 1),
            ("a", 1, 1, None),
            ("a", 1, 1, -(2**63)),
        ],
    )
    def test_metrics_at_the_edge(
        self, pair: Pair, key: str, value: Any, timestamp: Any, step: Any
    ) -> None:
        run(pair)
        pair.settled(metric(key, value, timestamp, step))
        pair.settled(get("runs/get", run_id="{run}"))

    def test_params(self, pair: Pair) -> None:
        run(pair)
        for key, value in (
            ("a", "1"),
            ("a", "1"),
            ("a", "2"),
            ("b", ""),
            ("b", "x"),
            ("c", "y" * 6001),
            ("c", "y" * 6000),
            (LONG, "1"),
            ("a b", "é\n\t"),
            ("", "1"),
            ("a/../b", "1"),
            ("[", "1"),
        ):
            pair.settled(
                post("runs/log-parameter", {"run_id": "{run}", "key": key, "value": value})
            )
        pair.settled(post("runs/log-parameter", {"run_id": "{run}", "key": "none"}))
        pair.settled(get("runs/get", run_id="{run}"))

    def test_tags(self, pair: Pair) -> None:
        run(pair, tags=[{"key": "z", "value": "1"}])
        for key, value in (
            ("b", "1"),
            ("z", "2"),
            ("z", "2"),
            ("a", "3"),
            ("mlflow.runName", "renamed"),
            ("mlflow.runName", ""),
            ("c", "y" * 8001),
            (LONG, "1"),
            ("", "1"),
            ("x//y", ""),
        ):
            pair.settled(post("runs/set-tag", {"run_id": "{run}", "key": key, "value": value}))
            pair.settled(get("runs/get", run_id="{run}"))
        for key in ("b", "b", "", LONG, "a//b"):
            pair.settled(post("runs/delete-tag", {"run_id": "{run}", "key": key}))
        pair.settled(post("runs/set-tag", {"run_id": "{run}", "key": "b"}))
        pair.settled(get("runs/get", run_id="{run}"))

    def test_batches(self, pair: Pair) -> None:
        run(pair)
        many = [
            {"key": f"k{n % 7}", "value": n / 3, "timestamp": n % 5, "step": n % 11 - 3}
            for n in range(300)
        ]
        for body in (
            {},
            {"metrics": many},
            {"metrics": many[::-1] + many[:3]},
            {"metrics": [], "params": [], "tags": []},
            {"params": [{"key": "b", "value": "1"}, {"key": "a", "value": "2"}]},
            {"params": [{"key": "c", "value": "1"}, {"key": "a", "value": "2"}]},
            {"params": [{"key": "a", "value": "3"}, {"key": "d", "value": "'\"4"}]},
            {"params": [{"key": "e", "value": "3"}, {"key": "e", "value": "3"}]},
            {"params": [{"key": "f"}, {"value": "3"}]},
            {"params": [{"key": "f\x01", "value": "3"}]},
            {"params": [{"key": str(n), "value": "v"} for n in range(101)]},
            {"tags": [{"key": "t", "value": "1"}, {"key": "s", "value": "2"}]},
            {"tags": [{"key": "t", "value": "3"}, {"key": "r", "value": "2"}, {"key": "t"}]},
            {"tags": [{"key": "mlflow.runName", "value": "batch"}, {"key": "q", "value": "2"}]},
            {"tags": [{"key": LONG, "value": "batch"}]},
            {"tags": [{"key": str(n), "value": "v"} for n in range(101)]},
            {"metrics": many * 4},
            {"metrics": [{"key": "a", "value": 1}]},
            {"metrics": [{"key": "a", "timestamp": 1}]},
            {"metrics": [{"value": 1, "timestamp": 1}]},
            {"metrics": [many[0], {"key": "a", "value": 1, "timestamp": -1}]},
            {"metrics": [many[0], {"key": LONG, "value": "NaN", "timestamp": 1}]},
            {"metrics": [{"key": "n", "value": "NaN", "timestamp": 1}] * 3},
            {"metrics": [{"key": "n", "value": 0, "timestamp": 1}]},
            {"metrics": many[:5], "params": [{"key": "g", "value": "1"}], "tags": []},
        ):
            pair.settled(post("runs/log-batch", {"run_id": "{run}", **body}))
            pair.settled(get("runs/get", run_id="{run}"))
            pair.compare_tables()

    def test_run_ids_of_batches(self, pair: Pair) -> None:
        for run_id in ("", "no", "-a", "a b", "a" * 257, "é"):
            pair.settled(post("runs/log-batch", {"run_id": run_id}))
        pair.settled(post("runs/log-batch", {}))

    def test_inputs_and_outputs(self, pair: Pair) -> None:
        run(pair)
        run(pair, "other")
        data = {"name": "d", "digest": "1", "source_type": "local", "source": "{}"}
        tags = [{"key": "mlflow.data.context", "value": "train"}, {"key": "a", "value": "b"}]
        for target in ("{run}", "{other}"):
            for body in (
                {},
                {"datasets": [{"dataset": data, "tags": tags}]},
                {"datasets": [{"dataset": data, "tags": tags[:1]}]},
                {"datasets": [{"dataset": {**data, "digest": "2", "schema": "[]"}}] * 2},
                {"datasets": [{"dataset": {**data, "digest": "3", "profile": ""}}]},
                {"models": [{"model_id": "m-2"}, {"model_id": "m-1"}]},
                {"models": [{"model_id": "m-1"}]},
                {"datasets": [{"dataset": {**data, "name": "n" * 501}}]},
                {"datasets": [{"dataset": {**data, "digest": "n" * 37}}]},
                {"datasets": [{"dataset": data, "tags": [{"key": "a", "value": "x" * 501}]}]},
                {"datasets": [{"dataset": data, "tags": [{"key": "a" * 256}]}]},
            ):
                pair.settled(post("runs/log-inputs", {"run_id": target, **body}))
            for models in ([], [{"model_id": "m-2", "step": 3}, {"model_id": "m-1"}]):
                pair.settled(post("runs/outputs", {"run_id": target, "models": models}))
            pair.settled(get("runs/get", run_id=target))

    def test_models_of_before_there_were_any(self, pair: Pair) -> None:
        run(pair)
        model = (
            '{"artifact_path": "model", "flavors": {"sklearn": {"a": 1, "config": 2}, '
            '"python_function": {"env": {"conda": "x"}}}, "model_uuid": "u", '
            '"utc_time_created": "2026-01-01 00:00:00", "run_id": "%s"}'
        )
        for uuid in ("a", "b"):
            body = {"run_id": "{run}", "model_json": model % uuid}
            pair.settled(post("runs/log-model", body))
        pair.settled(get("runs/get", run_id="{run}"))


class TestExperiments:
    def test_create_and_get(self, pair: Pair) -> None:
        tags = [{"key": "b", "value": "1"}, {"key": "a", "value": "é"}]
        pair.settled(post("experiments/create", {"name": "one é", "tags": tags}, "one"))
        pair.settled(post("experiments/create", {"name": "two", "tags": tags[::-1]}, "two"))
        pair.settled(post("experiments/create", {"name": "one é"}, "away", "ws-2"))
        for key, value in (("b", "2"), ("c", "3"), ("", "1"), ("a//b", "1"), (LONG, "")):
            body = {"experiment_id": "{one}", "key": key, "value": value}
            pair.settled(post("experiments/set-experiment-tag", body))
        for which in ("{one}", "{two}", "{away}", "9999", "x", ""):
            pair.settled(get("experiments/get", experiment_id=which))
        for name in ("one é", "two", "none", ""):
            pair.settled(get("experiments/get-by-name", experiment_name=name))
        pair.settled(get("experiments/get-by-name", "ws-2", experiment_name="two"))

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"name": ""},
            {"name": "n" * 501},
            {"name": "tagged", "tags": [{"key": "a//b"}]},
            {"name": "tagged", "tags": [{"key": "a", "value": "v" * 20001}]},
        ],
    )
    def test_create_refused(self, pair: Pair, body: dict[str, Any]) -> None:
        assert pair.settled(post("experiments/create", body)).status == 400

    @pytest.mark.usefixtures("exp")
    def test_a_deleted_experiment_takes_no_runs(self, pair: Pair) -> None:
        def delete(db: Any) -> None:
            sql.execute(
                db,
                "UPDATE experiments SET lifecycle_stage = 'deleted' WHERE name LIKE :name",
                {"name": "%test_a_del%"},
            )

        pair.both(delete)
        pair.settled(post("runs/create", {"experiment_id": "{exp}"}))
        pair.settled(get("experiments/get", experiment_id="{exp}"))
        body = {"experiment_id": "{exp}", "key": "a", "value": "b"}
        pair.settled(post("experiments/set-experiment-tag", body))
        pair.settled(post("logged-models", {"experiment_id": "{exp}"}))


@pytest.mark.usefixtures("exp")
class TestModels:
    def test_from_begin_to_end(self, pair: Pair) -> None:
        run(pair)
        params = [{"key": "b", "value": "1"}, {"key": "a", "value": "2"}]
        made = {
            "experiment_id": "{exp}",
            "name": "net",
            "model_type": "agent",
            "source_run_id": "{run}",
        }
        pair.settled(post("logged-models", {**made, "params": params, "tags": params}, "model"))
        pair.settled(post("logged-models", {"experiment_id": "{exp}"}, "plain"))
        for which in ("{model}", "{plain}", "m-0"):
            one = f"{API}logged-models/{which}"
            more = [{"key": "c", "value": "3"}, {"key": "0", "value": ""}]
            pair.settled(
                post(f"logged-models/{which}/params", {"model_id": which, "params": more})
            )
            pair.settled(post(f"logged-models/{which}/params", {"params": more}))
            for tags in (more, [{"key": "0", "value": "x"}, {"key": "0", "value": "y"}], []):
                pair.settled(Step("PATCH", one + "/tags", {"model_id": which, "tags": tags}))
            scored = {"model_id": which, "dataset_name": "d", "dataset_digest": "1"}
            if which != "m-0":
                pair.settled(metric("acc", 0.5, 1, 1, **scored))
                pair.settled(metric("loss", 2, 3, 1, model_id=which))
                batch = [{"key": "f1", "value": 1, "timestamp": n, **scored} for n in (1, 2)]
                pair.settled(post("runs/log-batch", {"run_id": "{run}", "metrics": batch}))
            body = {"model_id": which, "status": "LOGGED_MODEL_READY"}
            pair.settled(Step("PATCH", one, body))
            pair.settled(Step("GET", one))
            away = Step("GET", one, space="ws-2")
            assert pair.settled(away).status == 404

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"experiment_id": "9999"},
            {"experiment_id": "x"},
            {"experiment_id": "{exp}", "name": "a/b"},
            {"experiment_id": "{exp}", "name": "it's"},
        ],
    )
    def test_create_refused(self, pair: Pair, body: dict[str, Any]) -> None:
        pair.settled(post("logged-models", body))


def metric(key: str, value: Any, timestamp: Any, step: Any, **more: Any) -> Step:
    body = {"run_id": "{run}", "key": key, "value": value, "timestamp": timestamp, "step": step}
    return post("runs/log-metric", {**body, **more})


def writes(run_id: str) -> list[Step]:
    return [
        post("runs/log-metric", {"run_id": run_id, "key": "a", "value": 1, "timestamp": 1}),
        post("runs/log-parameter", {"run_id": run_id, "key": "a", "value": "1"}),
        post("runs/set-tag", {"run_id": run_id, "key": "a", "value": "1"}),
        post("runs/delete-tag", {"run_id": run_id, "key": "a"}),
        post("runs/log-batch", {"run_id": run_id, "tags": [{"key": "a", "value": "1"}]}),
        post("runs/log-inputs", {"run_id": run_id, "models": [{"model_id": "m"}]}),
        post("runs/outputs", {"run_id": run_id, "models": [{"model_id": "m"}]}),
        post("runs/update", {"run_id": run_id, "status": "FAILED"}),
    ]


def ends(run_id: str) -> list[Step]:
    return [
        post("runs/delete", {"run_id": run_id}),
        post("runs/restore", {"run_id": run_id}),
        get("runs/get", run_id=run_id),
    ]
