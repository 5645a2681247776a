from __future__ import annotations

import json
import math
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazur.engine.search import grid, sobol
from lazur.engine.search.laws import Choice, Law, Normal, RandInt, Uniform
from lazur.engine.search.sampling import Sampling, Tried, suggest
from lazur.engine.search.space import Draw, Space, flat

TREE = Choice(
    (
        {"name": "svm", "c": Uniform(-4, 4, base=10)},
        {"name": "tree", "depth": RandInt(30), "leaf": Choice((1, {"min": Uniform(0, 1)}))},
    )
)
MIXED = Space(
    {"lr": Uniform(-6, 0, base=10), "model": TREE, "n": RandInt(200), "noise": Normal(0, 1)}
)


def _run(sampling: Sampling, space: Space, count: int) -> list[Tried]:
    history: list[Tried] = []
    for number in range(count):
        draw = suggest(sampling, space, history)
        assert draw is not None
        history.append(Tried(draw, math.sin(number)))
    return history


class TestSuggest:
    @pytest.mark.parametrize(
        "sampling",
        [
            Sampling("random", "1"),
            Sampling("random", "1", "sobol"),
            Sampling("bayesian", "1"),
        ],
    )
    def test_the_same_history_gives_the_same_next_trial(self, sampling: Sampling):
        history = _run(sampling, MIXED, 30)
        for number in range(30):
            kept = json.loads(json.dumps([t.draw for t in history[:number]]))
            again = [Tried(d, t.loss) for d, t in zip(kept, history[:number], strict=True)]
            assert suggest(sampling, MIXED, again) == history[number].draw

    @pytest.mark.parametrize("rule", ["random", "sobol"])
    def test_seeds_differ(self, rule: str):
        one, other = (_run(Sampling("random", s, rule), MIXED, 3) for s in ("1", "2"))
        assert one != other

    @pytest.mark.parametrize("algorithm", ["random", "bayesian"])
    @given(st.integers(0, 1 << 30))
    def test_only_what_was_chosen_is_drawn(self, algorithm: str, seed: int):
        for tried in _run(Sampling(algorithm, str(seed)), MIXED, 14)[-3:]:
            model = MIXED.values(tried.draw)["model"]
            assert set(model) == (
                {"name", "c"} if model["name"] == "svm" else {"name", "depth", "leaf"}
            )
            assert ("model.c" in tried.draw) == (model["name"] == "svm")
            assert all(0 <= share < 1 for share in tried.draw.values())

    def test_sobol_fills_the_square_more_evenly_than_chance(self):
        space = Space({"x": Uniform(0, 1), "y": Uniform(0, 1)})

        def empty(rule: str) -> float:
            counts = []
            for seed in range(20):
                points = [
                    space.values(t.draw)
                    for t in _run(Sampling("random", str(seed), rule), space, 64)
                ]
                cells = {(int(p["x"] * 8), int(p["y"] * 8)) for p in points}
                counts.append(64 - len(cells))
            return sum(counts)

        assert empty("sobol") == 0
        assert empty("random") > 20 * 15

    def test_more_dimensions_than_directions_are_drawn_by_chance(self):
        space = Space({f"x{i}": Uniform(0, 1) for i in range(sobol.DIMENSIONS + 2)})
        assert (
            len(_run(Sampling("random", "1", "sobol"), space, 2)[1].draw) == sobol.DIMENSIONS + 2
        )

    def test_bayesian_without_any_result_goes_on_filling_the_space(self):
        history = [Tried(t.draw, None) for t in _run(Sampling("random", "1"), MIXED, 12)]
        assert suggest(Sampling("bayesian", "1"), MIXED, history) is not None

    def test_a_metric_that_is_no_number_is_no_result(self):
        history = [Tried(t.draw, math.nan) for t in _run(Sampling("random", "1"), MIXED, 12)]
        assert suggest(Sampling("bayesian", "1"), MIXED, history) is not None

    def test_bayesian_bears_hundreds_of_trials(self):
        history = _run(Sampling("random", "1"), MIXED, 600)
        assert suggest(Sampling("bayesian", "1"), MIXED, history) is not None


class TestGrid:
    def test_the_first_changes_most_slowly(self):
        space = Space({"a": Choice(("x", "y")), "b": RandInt(2)})
        values = [space.values(t.draw) for t in _run(Sampling("grid", ""), space, 4)]
        assert [(v["a"], v["b"]) for v in values] == [("x", 0), ("x", 1), ("y", 0), ("y", 1)]

    def test_it_ends(self):
        space = Space({"a": Choice(("x", "y")), "fixed": 3})
        history = _run(Sampling("grid", ""), space, 2)
        assert suggest(Sampling("grid", ""), space, history) is None

    def test_every_combination_of_nested_choices_is_there_once(self):
        inner = Choice(({"min": Choice((1, 2, 3))}, "none"))
        space = Space(
            {
                "m": Choice(({"name": "a", "leaf": inner}, {"name": "b", "d": RandInt(3)}, "c")),
                "q": Uniform(0, 4, q=2),
            }
        )
        history: list[Tried] = []
        while (draw := suggest(Sampling("grid", ""), space, history)) is not None:
            history.append(Tried(draw, None))
        made = {json.dumps(space.values(t.draw)) for t in history}
        assert len(made) == len(history) == (4 + 3 + 1) * 3

    @pytest.mark.parametrize("law", [Uniform(0, 1), Normal(0, 1)])
    def test_what_has_no_end_has_no_size_however_deep(self, law: Law):
        assert grid.size(Space({"x": law})) is None
        assert grid.size(Space({"n": RandInt(3), "m": Choice(("a", {"x": law}))})) is None

    def test_its_size_is_known_before_it_begins(self):
        assert grid.size(Space({"n": RandInt(3), "m": Choice(("a", {"k": RandInt(2)}))})) == 9


class TestPaths:
    def test_options_may_share_a_name(self):
        shared = Choice(({"a": RandInt(2)}, {"a": RandInt(9), "b": RandInt(2)}, "none"))
        assert [path for path, _ in Space({"m": shared, "fixed": 3}).paths()] == [
            "m",
            "m.a",
            "m.b",
        ]


class TestFlat:
    def test_what_is_inside_has_a_path_and_the_whole_is_json(self):
        values = {"lr": 0.1, "model": {"name": "tree", "leaf": {"min": 2}}}
        assert flat(values) == {
            "lr": 0.1,
            "model": '{"name": "tree", "leaf": {"min": 2}}',
            "model.name": "tree",
            "model.leaf": '{"min": 2}',
            "model.leaf.min": 2,
        }


class TestSobol:
    def test_each_dimension_visits_each_cell_once(self):
        for dimension in range(sobol.DIMENSIONS):
            cells = {int(sobol.point(k, dimension) * 256) for k in range(256)}
            assert len(cells) == 256


def _sphere(values: dict[str, float]) -> float:
    return sum((value - 1.3) ** 2 for value in values.values())


def _valley(values: dict[str, float]) -> float:
    x, y = values["x"], values["y"]
    bent = y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6
    return bent**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def _boosting(values: dict[str, float]) -> float:
    wrong = {"gbdt": 0.0, "dart": 0.3, "rf": 1.0}[str(values["kind"])]
    return (math.log10(values["lr"]) + 2) ** 2 + wrong + ((values["n"] - 37) / 40) ** 2


class TestBayesian:
    """Against chance on functions whose least is known; `bench/search.py` compares with Optuna."""

    @pytest.mark.parametrize(
        "function, laws",
        [
            (_sphere, {f"x{i}": Uniform(-5, 5) for i in range(5)}),
            (_valley, {"x": Uniform(-5, 10), "y": Uniform(0, 15)}),
            (
                _boosting,
                {
                    "lr": Uniform(-6, 0, base=10),
                    "kind": Choice(("gbdt", "dart", "rf")),
                    "n": RandInt(200),
                },
            ),
        ],
    )
    def test_it_finds_better_values_than_chance(self, function, laws: dict[str, Law]):
        space = Space(laws)

        def best(algorithm: str, seed: int) -> float:
            history: list[Tried] = []
            for _ in range(60):
                draw: Draw | None = suggest(Sampling(algorithm, str(seed)), space, history)
                assert draw is not None
                history.append(Tried(draw, function(space.values(draw))))
            return min(t.loss for t in history if t.loss is not None)

        ours, chance = ([best(a, s) for s in range(7)] for a in ("bayesian", "random"))
        assert median(ours) < 0.6 * median(chance)
