"""Searches of runs and experiments: as upstream's own server tells them."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection

from lazur.store.mlflow import search as store
from lazur.store.mlflow import sql
from tests.server.mlflow.differential import Pair, get, post

OWN, OTHER, FOREIGN = 7001, 7002, 7003
"""Experiments; the last is of another workspace."""
START = 1_600_000_000_000
GREATEST = 1.7976931348623157e308
TEXTS = ["adam", "Adam", "ADAM x", "sgd", "", "ä b", "Ä b", "50%", "a_b", "a*b", "[a]?", "10", "9"]
STATUSES = ["RUNNING", "FINISHED", "FAILED", "KILLED", "SCHEDULED"]


@pytest.fixture(scope="session")
def filled(pair: Pair) -> Pair:
    """Runs with what makes answers differ: ties, NaN, nothing, several of a kind, other rooms."""
    pair.both(lambda db: _fill(db, random.Random(7)))
    return pair


@pytest.fixture(scope="session")
def many(pair: Pair) -> Pair:
    pair.both(lambda db: _fill_many(db, random.Random(3)))
    return pair


@pytest.fixture(scope="session")
def named(pair: Pair) -> Pair:
    """Experiments whose names begin with `found`."""
    pair.both(lambda db: _fill_experiments(db, random.Random(5)))
    return pair


def search(pair: Pair, **body: Any) -> dict[str, Any]:
    """What both answered."""
    step = post("runs/search", {"experiment_ids": [str(OWN)], "max_results": 5, **body})
    return json.loads(pair.settled(step).body)


def ids(reply: dict[str, Any]) -> list[str]:
    return [run["info"]["run_id"] for run in reply.get("runs", [])]


class TestRuns:
    def test_all_of_them(self, filled: Pair) -> None:
        both = [str(OWN), str(OTHER)]
        found = ids(search(filled, experiment_ids=both, run_view_type="ALL", max_results=1000))
        assert len(found) == 240
        assert len(ids(search(filled, max_results=1000))) < 120

    @pytest.mark.parametrize("view", ["ACTIVE_ONLY", "DELETED_ONLY", "ALL", 1, 2, 3])
    def test_views(self, filled: Pair, view: Any) -> None:
        assert ids(search(filled, run_view_type=view))

    def test_experiments(self, filled: Pair) -> None:
        assert not ids(search(filled, experiment_ids=[]))
        assert not ids(search(filled, experiment_ids=[str(FOREIGN)]))
        assert not ids(search(filled, experiment_ids=["999999999"]))
        twice = search(filled, experiment_ids=[str(OWN), str(OWN), str(FOREIGN)])
        assert ids(twice) == ids(search(filled))

    def test_pages_hold_every_run_once(self, filled: Pair) -> None:
        for order in ([], ["metrics.loss"], ["params.optimizer DESC"], ["tags.absent"]):
            found: list[str] = []
            more: dict[str, str] = {}
            while True:
                reply = search(filled, order_by=order, max_results=17, **more)
                found += ids(reply)
                if "next_page_token" not in reply:
                    break
                more = {"page_token": reply["next_page_token"]}
            assert len(found) == len(set(found)) > 90

    @pytest.mark.parametrize("way", ["", " ASC", " DESC", " asc"])
    @pytest.mark.parametrize(
        "by",
        [
            "metrics.loss",
            "metrics.few",
            "metrics.`odd key`",
            "params.optimizer",
            "tags.team",
            "start_time",
            "attributes.Created",
            "run_name",
            "end_time",
            "status",
            "run_id",
            "user_id",
            "artifact_uri",
        ],
    )
    def test_orders(self, filled: Pair, by: str, way: str) -> None:
        search(filled, order_by=[by + way], max_results=200, run_view_type="ALL")

    @pytest.mark.parametrize("few", [0, 2000])
    def test_filters_and_orders_at_random(
        self, filled: Pair, monkeypatch: pytest.MonkeyPatch, few: int
    ) -> None:
        monkeypatch.setattr(store, "_FEW_RUNS", few)
        chance = random.Random(few)
        full = 0
        for _ in range(150):
            reply = search(
                filled,
                filter=_filter(chance, _run_clause),
                order_by=_orders(chance),
                max_results=chance.choice([1, 3, 50]),
                run_view_type=chance.choice(["ACTIVE_ONLY", "ALL"]),
                page_token=_token(chance.choice([0, 0, 0, 1, 7])),
            )
            full += bool(reply)
        assert full > 40, "filters that nothing fits show nothing"

    @pytest.mark.parametrize(
        "text",
        [
            "metrics.loss",
            "metrics.loss > 'a'",
            "params.optimizer = 1",
            "params.optimizer > 'a'",
            "metrics.loss > 0 OR metrics.loss < 0",
            "(metrics.loss > 0)",
            "metrics.loss > 0 AND",
            "unknown.loss > 0",
            "attributes.unknown = 'a'",
            "status IN ('FINISHED')",
            "params.optimizer IN ('adam')",
            "run_id IN ()",
            "metrics.loss BETWEEN 1 AND 2",
            "params.optimizer = 'it''s'",
            "params.optimizer LIKE 'a\\_b'",
            "params.optimizer = `adam`",
            "metrics.loss > 1e3.5",
            "metrics.loss > 0; DROP TABLE runs",
            "metrics.loss > 0 -- what",
            "param.a.`b` = 'x'",
            "datasets.unknown = 'a'",
            "name = 'a'",
        ],
    )
    def test_what_is_odd_is_left_to_upstream(self, filled: Pair, text: str) -> None:
        step = post("runs/search", {"experiment_ids": [str(OWN)], "filter": text})
        assert filled.play(step) is None

    @pytest.mark.parametrize(
        "more",
        [
            {"max_results": 0},
            {"max_results": 50_001},
            {"max_results": "5"},
            {"order_by": "metrics.loss"},
            {"order_by": ["metrics.loss", "metrics.loss DESC"]},
            {"order_by": ["metrics.loss SIDEWAYS"]},
            {"order_by": ["attributes.`Run name`"]},
            {"order_by": ["datasets.name"]},
            {"experiment_ids": ["x"]},
            {"run_view_type": "SOME"},
            {"page_token": "x"},
            {"unknown": 1},
        ],
    )
    def test_odd_requests_are_left_to_upstream(self, filled: Pair, more: dict[str, Any]) -> None:
        assert filled.play(post("runs/search", {"experiment_ids": [str(OWN)], **more})) is None

    def test_values_of_any_length(self, filled: Pair) -> None:
        """PostgreSQL has no room for long ones in an index."""
        filled.settled(post("experiments/create", {"name": "long values"}, "exp"))
        filled.settled(post("runs/create", {"experiment_id": "{exp}"}, "long"))
        chance = random.Random(1)
        for size in (249, 250, 251, 5000):
            text = "".join(chance.choices("abcdefghijklmnopqrstuvwxyz0123456789é", k=size))
            pairs = [{"key": f"p{size}", "value": text}]
            filled.settled(
                post("runs/log-batch", {"run_id": "{long}", "params": pairs, "tags": pairs})
            )
            for kind in ("params", "tags"):
                wanted = {"experiment_ids": ["{exp}"], "filter": f"{kind}.p{size} = '{text}'"}
                found = filled.ours(post("runs/search", wanted))
                assert found
                assert len(ids(json.loads(found.body))) == 1

    def test_what_upstream_cannot_tell_is_left_to_it(self, pair: Pair) -> None:
        def without_user(db: Connection) -> None:
            _experiment(db, 7010, "ws-1")
            _run(db, "nobody", 7010, user_id=None)

        pair.both(without_user)
        assert pair.play(post("runs/search", {"experiment_ids": ["7010"]})) is None


class TestManyRuns:
    """From some thousands on, searches begin with what is rare, or walk the metric's index."""

    @pytest.mark.parametrize(
        "by",
        [
            ["metrics.loss"],
            ["metrics.loss DESC"],
            ["metrics.loss", "metrics.acc DESC"],
            ["metrics.rare"],
            ["metrics.rare DESC", "params.group"],
            ["params.group", "metrics.loss"],
            [],
        ],
    )
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "metrics.loss < 0.5",
            "metrics.loss < 0.5 AND params.group = 'g1'",
            "params.group = 'g1' AND metrics.rare > 0",
            "params.group != 'g1' AND metrics.rare != 0",
            "tags.odd LIKE 'y%'",
        ],
    )
    def test_orders_and_filters(self, many: Pair, by: list[str], text: str) -> None:
        common = {"experiment_ids": ["7100"], "filter": text, "order_by": by, "max_results": 20}
        search(many, **common)
        search(many, **common, page_token=_token(2480))
        search(many, **common, page_token=_token(30))


class TestExperiments:
    def test_at_random(self, named: Pair) -> None:
        chance = random.Random(13)
        for _ in range(150):
            orders = [
                f"{key}{chance.choice(['', ' ASC', ' DESC'])}"
                for key in chance.sample(["name", "creation_time", "last_update_time"], 2)
            ]
            named.settled(
                post(
                    "experiments/search",
                    {
                        "filter": _narrowed(_filter(chance, _experiment_clause)),
                        "order_by": orders[: chance.randint(0, 2)] or ["experiment_id"],
                        "max_results": chance.choice([1, 4, 100]),
                        "view_type": chance.choice(["ACTIVE_ONLY", "DELETED_ONLY", "ALL"]),
                        "page_token": _token(chance.choice([0, 0, 3])),
                    },
                )
            )

    def test_by_get(self, named: Pair) -> None:
        step = get(
            "experiments/search",
            max_results="3",
            filter="name LIKE 'found%'",
            order_by="name DESC",
            view_type="ALL",
        )
        assert "next_page_token" in named.settled(step).body

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"max_results": 0},
            {"max_results": 50_001},
            {"max_results": 5, "filter": "unknown = 'a'"},
            {"max_results": 5, "filter": "tags.a > 'a'"},
            {"max_results": 5, "order_by": ["tags.a"]},
            {"max_results": 5, "filter": "name like 'a'"},
        ],
    )
    def test_odd_requests_are_left_to_upstream(self, named: Pair, body: dict[str, Any]) -> None:
        assert named.play(post("experiments/search", body)) is None

    @pytest.mark.parametrize(
        "query", [{"filter": "name = 'a\0'"}, {"unknown": "1"}, {"max_results": "-1"}]
    )
    def test_odd_addresses_are_left_to_upstream(self, named: Pair, query: dict[str, str]) -> None:
        assert named.play(get("experiments/search", **{"max_results": "5", **query})) is None


def _token(offset: int) -> str:
    return base64.b64encode(b'{"offset": %d}' % offset).decode() if offset else ""


def _filter(chance: random.Random, clause: Callable[[random.Random], str]) -> str:
    link = chance.choice([" AND ", " and ", "  And\n"])
    return link.join(clause(chance) for _ in range(chance.choice([0, 1, 1, 2, 3])))


def _orders(chance: random.Random) -> list[str]:
    keys = ["metrics.loss", "metric.few", "params.optimizer", "tag.team", "start_time", "status"]
    return [
        key + chance.choice(["", " ASC", " DESC"])
        for key in chance.sample(keys, chance.randint(0, 3))
    ]


def _run_clause(chance: random.Random) -> str:
    kind = chance.choice([_by_metric, _by_text, _by_text, _by_attribute, _by_presence, _by_data])
    return kind(chance)


def _by_metric(chance: random.Random) -> str:
    key = chance.choice(["metrics.loss", "metric.few", "metrics.`odd key`", 'metrics."acc/top1"'])
    value = chance.choice(["0", "-1", "0.25", "1e-3", "1.5E2", "1", "-0.5"])
    return f"{key}{chance.choice(['', ' '])}{_compare(chance)} {value}"


def _by_text(chance: random.Random) -> str:
    key = chance.choice(["params.optimizer", "parameter.lr", "tags.team", "tags.`mlflow.user`"])
    return _matched(chance, key)


def _by_attribute(chance: random.Random) -> str:
    if chance.random() < 0.3:
        key = chance.choice(["start_time", "attributes.end_time", "attr.created"])
        return f"{key} {_compare(chance)} {START + chance.randint(0, 20)}"
    if chance.random() < 0.3:
        several = ", ".join(f"'run-{chance.randint(0, 239):03}'" for _ in range(9))
        return f"run_id {chance.choice(['IN', 'NOT IN', 'not in'])} ({several})"
    if chance.random() < 0.3:
        return f"status {chance.choice(['=', '!='])} '{chance.choice(STATUSES)}'"
    key = chance.choice(["run_name", "attributes.`Run name`", "user_id", "run.artifact_uri"])
    return _matched(chance, key)


def _by_presence(chance: random.Random) -> str:
    key = chance.choice(["params.optimizer", "params.lr", "tags.team", "tag.absent"])
    return f"{key} IS {chance.choice(['', 'NOT '])}NULL"


def _by_data(chance: random.Random) -> str:
    key = chance.choice(["dataset.name", "datasets.digest", "dataset.context"])
    if chance.random() < 0.3:
        return f"{key} {chance.choice(['IN', 'NOT IN'])} ('mnist', 'd1', 'train')"
    return _matched(chance, key, ["mnist", "cifar", "d0", "d1", "train", "eval"])


def _matched(chance: random.Random, key: str, texts: list[str] = TEXTS) -> str:
    text = chance.choice(texts)
    operator = chance.choice(["=", "!=", "LIKE", "ILIKE", "like", "ilike"])
    if operator.upper().endswith("LIKE"):
        cut = chance.randint(0, len(text))
        text = chance.choice([f"{text[:cut]}%", f"%{text[cut:]}%", f"_{text[1:]}", text])
    return f"{key} {operator} '{text}'"


def _experiment_clause(chance: random.Random) -> str:
    if chance.random() < 0.2:
        key = chance.choice(["creation_time", "attribute.last_update_time"])
        return f"{key} {_compare(chance)} {START + chance.randint(0, 9)}"
    if chance.random() < 0.2:
        return f"tags.team IS {chance.choice(['', 'NOT '])}NULL"
    return (
        _matched(chance, chance.choice(["tags.team", "tag.`odd key`"]))
        .replace("ilike", "ILIKE")
        .replace(" like ", " LIKE ")
    )


def _narrowed(text: str) -> str:
    """To experiments of this test's own."""
    return " AND ".join(part for part in ("name LIKE 'found%'", text) if part)


def _compare(chance: random.Random) -> str:
    return chance.choice(["=", "!=", "<", "<=", ">", ">="])


def _fill(db: Connection, chance: random.Random) -> None:
    for number, space in ((OWN, "ws-1"), (OTHER, "ws-1"), (FOREIGN, "ws-2")):
        _experiment(db, number, space)
        for data in range(3):
            _dataset(
                db, f"data-{number}-{data}", number, ["mnist", "cifar", "é"][data], f"d{data}"
            )
    for number in range(260):
        run = f"run-{number:03}"
        experiment = (OWN, OTHER)[number % 2] if number < 240 else FOREIGN
        _run(
            db,
            run,
            experiment,
            name=chance.choice([None, "", *TEXTS]),
            user_id=chance.choice(TEXTS),
            status=chance.choice(STATUSES),
            start_time=START + chance.randint(0, 20),
            end_time=chance.choice([None, 0, START + chance.randint(0, 20)]),
            lifecycle_stage=chance.choice(["active", "active", "active", "deleted"]),
            artifact_uri=chance.choice([None, "", "mlflow-artifacts:/a", "a_b"]),
        )
        _measured(db, chance, run)
        _described(db, chance, run)
        _used(db, chance, run, experiment)


def _measured(db: Connection, chance: random.Random, run: str) -> None:
    values = [0.0, -0.0, 1.0, 0.25, -1.0, 1e-7, GREATEST, -GREATEST, chance.uniform(-1, 1)]
    for key, share in (("loss", 0.8), ("few", 0.05), ("odd key", 0.5), ("acc/top1", 0.5)):
        if chance.random() < share:
            nan = chance.random() < 0.15
            _metric(db, run, key, 0.0 if nan else chance.choice(values), nan)


def _described(db: Connection, chance: random.Random, run: str) -> None:
    for table, keys in (
        ("params", ["optimizer", "lr", "ö"]),
        ("tags", ["team", "mlflow.runName", "mlflow.user"]),
    ):
        for key in keys:
            if chance.random() < 0.7:
                _text(db, table, run, key, chance.choice(TEXTS))


def _used(db: Connection, chance: random.Random, run: str, experiment: int) -> None:
    for data in range(3):
        if chance.random() < 0.3:
            use = f"use-{run}-{data}"
            _link(db, use, ("DATASET", f"data-{experiment}-{data}"), ("RUN", run))
            for name in chance.sample(["mlflow.data.context", "odd", "a"], chance.randint(0, 2)):
                _insert(
                    db,
                    "input_tags",
                    input_uuid=use,
                    name=name,
                    value=chance.choice(["train", "eval"]),
                )
    if chance.random() < 0.2:
        _link(db, f"out-{run}", ("RUN_OUTPUT", run), ("MODEL_OUTPUT", f"m-{run}"), 3)


def _fill_many(db: Connection, chance: random.Random) -> None:
    _experiment(db, 7100, "ws-1")
    for number in range(2500):
        run = f"many-{number:04}"
        _run(db, run, 7100, start_time=START + number // 3)
        if number % 10:
            nan = number % 50 == 1
            _metric(
                db, run, "loss", 0.0 if nan else chance.choice([0.1, 0.2, chance.random()]), nan
            )
        _metric(db, run, "acc", chance.choice([0.5, 0.75]), False)
        if number % 300 == 7:
            _metric(db, run, "rare", float(number % 3), number % 600 == 7)
        _text(db, "params", run, "group", f"g{number % 7}")
        _text(db, "tags", run, "odd", "yes" if number % 2 else "no")


def _fill_experiments(db: Connection, chance: random.Random) -> None:
    for number in range(40):
        _experiment(
            db,
            7200 + number,
            chance.choice(["ws-1", "ws-1", "ws-2"]),
            name=f"found {chance.choice(TEXTS)} {number}",
            lifecycle_stage=chance.choice(["active", "active", "deleted"]),
            creation_time=chance.choice([None, START + chance.randint(0, 9)]),
            last_update_time=chance.choice([None, START + chance.randint(0, 9)]),
        )
        for key in ("team", "odd key"):
            if chance.random() < 0.6:
                _insert(
                    db,
                    "experiment_tags",
                    experiment_id=7200 + number,
                    key=key,
                    value=chance.choice(TEXTS),
                )


def _experiment(db: Connection, number: int, space: str, **more: Any) -> None:
    values = {
        "name": f"search {number}",
        "artifact_location": f"mlflow-artifacts:/{number}",
        "lifecycle_stage": "active",
        "creation_time": START,
        "last_update_time": START,
        **more,
    }
    _insert(db, "experiments", experiment_id=number, workspace=space, **values)


def _run(db: Connection, run: str, experiment: int, **more: Any) -> None:
    values = {
        "name": run,
        "user_id": "ann",
        "status": "FINISHED",
        "start_time": START,
        "lifecycle_stage": "active",
        "source_type": "UNKNOWN",
        **more,
    }
    _insert(db, "runs", run_uuid=run, experiment_id=experiment, **values)


def _metric(db: Connection, run: str, key: str, value: float, nan: bool) -> None:
    _insert(
        db,
        "latest_metrics",
        run_uuid=run,
        key=key,
        value=value,
        timestamp=START,
        step=1,
        is_nan=nan,
    )


def _text(db: Connection, table: str, run: str, key: str, value: str) -> None:
    _insert(db, table, run_uuid=run, key=key, value=value)


def _dataset(db: Connection, uuid: str, experiment: int, name: str, digest: str) -> None:
    _insert(
        db,
        "datasets",
        dataset_uuid=uuid,
        experiment_id=experiment,
        name=name,
        digest=digest,
        dataset_source_type="code",
        dataset_source='{"a": "é"}',
        dataset_schema=None,
        dataset_profile="",
    )


def _link(
    db: Connection, uuid: str, source: tuple[str, str], target: tuple[str, str], step: int = 0
) -> None:
    _insert(
        db,
        "inputs",
        input_uuid=uuid,
        source_type=source[0],
        source_id=source[1],
        destination_type=target[0],
        destination_id=target[1],
        step=step,
    )


def _insert(db: Connection, table: str, **values: Any) -> None:
    names = ", ".join(values)
    told = ", ".join(f":{name}" for name in values)
    sql.execute(db, f"INSERT INTO {table} ({names}) VALUES ({told})", values)
