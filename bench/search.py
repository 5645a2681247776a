"""What `bayesian` finds within 100 trials of functions whose least is known, beside chance, and
beside Optuna's TPE where Optuna is installed (`uv run --with optuna python -m bench search`).

A figure is how far the best trial is above the least, the median over seeds.
"""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import math
import os
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

from bench.harness import Result, Row
from lazur.engine.search.laws import Choice, Law, RandInt, Uniform
from lazur.engine.search.sampling import Sampling, Tried, suggest
from lazur.engine.search.space import Space

QUICK = bool(os.environ.get("BENCH_QUICK"))
_TRIALS = 30 if QUICK else 100
_SEEDS = 3 if QUICK else 15
Function = Callable[[dict[str, Any]], float]


def _branin(v: dict[str, Any]) -> float:
    bent = v["y"] - 5.1 / (4 * math.pi**2) * v["x"] ** 2 + 5 / math.pi * v["x"] - 6
    return bent**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(v["x"]) + 10 - 0.397887


_HEIGHTS = (1.0, 1.2, 3.0, 3.2)
_SLOPES = (
    (10, 3, 17, 3.5, 1.7, 8),
    (0.05, 10, 17, 0.1, 8, 14),
    (3, 3.5, 1.7, 10, 17, 8),
    (17, 8, 0.05, 10, 0.1, 14),
)
_PEAKS = (
    (0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886),
    (0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991),
    (0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650),
    (0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381),
)


def _hartmann(v: dict[str, Any]) -> float:
    def peak(i: int) -> float:
        return sum(_SLOPES[i][j] * (v[f"x{j}"] - _PEAKS[i][j]) ** 2 for j in range(6))

    return 3.32237 - sum(height * math.exp(-peak(i)) for i, height in enumerate(_HEIGHTS))


def _sphere(v: dict[str, Any]) -> float:
    return sum(value**2 for value in v.values())


def _rosenbrock(v: dict[str, Any]) -> float:
    x = list(v.values())
    return math.log1p(sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in itertools.pairwise(x)))


def _boosting(v: dict[str, Any]) -> float:
    wrong = {"gbdt": 0.0, "dart": 0.3, "rf": 1.0}[v["kind"]]
    rate = (math.log10(v["lr"]) + 2) ** 2
    return rate + wrong + ((v["n"] - 37) / 40) ** 2 + (0.0 if v["act"] == "relu" else 0.5)


def _nested(v: dict[str, Any]) -> float:
    m = v["model"]
    if m["name"] == "svm":
        return 0.2 + (math.log10(m["c"]) - 1) ** 2
    return (m["depth"] - 7) ** 2 / 20 + abs(m["lr"] - 0.3) * 2


_MODELS = Choice(
    (
        {"name": "svm", "c": Uniform(-4, 4, base=10)},
        {"name": "tree", "depth": RandInt(30), "lr": Uniform(0, 1)},
    )
)
FUNCTIONS: dict[str, tuple[Function, dict[str, Law]]] = {
    "Branin": (_branin, {"x": Uniform(-5, 10), "y": Uniform(0, 15)}),
    "Hartmann, 6 dimensions": (_hartmann, {f"x{i}": Uniform(0, 1) for i in range(6)}),
    "sphere, 5 dimensions": (_sphere, {f"x{i}": Uniform(-5, 5) for i in range(5)}),
    "Rosenbrock's logarithm, 4 dimensions": (
        _rosenbrock,
        {f"x{i}": Uniform(-2, 2) for i in range(4)},
    ),
    "a mixture of kinds": (
        _boosting,
        {
            "lr": Uniform(-6, 0, base=10),
            "kind": Choice(("gbdt", "dart", "rf")),
            "n": RandInt(200),
            "act": Choice(("tanh", "relu", "gelu", "elu")),
        },
    ),
    "nested choices": (_nested, {"model": _MODELS}),
}


def measure() -> list[Result]:
    return [_compared(title, *parts) for title, parts in FUNCTIONS.items()]


def _compared(title: str, function: Function, laws: dict[str, Law]) -> Result:
    space = Space(laws)
    contenders: dict[str, Callable[[int], float]] = {
        "chance": lambda seed: _ours(Sampling("random", str(seed)), space, function),
        "sobol": lambda seed: _ours(Sampling("random", str(seed), "sobol"), space, function),
        "bayesian": lambda seed: _ours(Sampling("bayesian", str(seed)), space, function),
        "bayesian, 4 at a time": lambda seed: _ours(
            Sampling("bayesian", str(seed)), space, function, 4
        ),
    }
    if importlib.util.find_spec("optuna") is not None:
        contenders["Optuna's TPE"] = lambda seed: _optuna(seed, laws, function)
    rows: list[Row] = []
    for name, contender in contenders.items():
        began = time.perf_counter()
        found = [contender(seed) for seed in range(_SEEDS)]
        took = (time.perf_counter() - began) / _SEEDS
        label = f"{name} ({1000 * took / _TRIALS:.1f} ms a trial)"
        middle = statistics.median(found)
        rows.append(Row(label, middle, min(found), max(found), None, None, found))
    met = QUICK or rows[2].median < rows[0].median
    return Result(f"{title}: the best of {_TRIALS} trials", "above the least", rows, None, met)


def _ours(sampling: Sampling, space: Space, function: Function, at_once: int = 1) -> float:
    history: list[Tried] = []
    for number in range(_TRIALS):
        known = [
            t if i <= number - at_once else Tried(t.draw, None) for i, t in enumerate(history)
        ]
        draw = suggest(sampling, space, known)
        assert draw is not None
        history.append(Tried(draw, function(space.values(draw))))
    return min(t.loss for t in history if t.loss is not None)


def _optuna(seed: int, laws: dict[str, Law], function: Function) -> float:
    optuna: Any = importlib.import_module("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def value(trial: Any, name: str, law: Any) -> Any:
        match law:
            case Choice(options) if isinstance(options[0], dict):
                index = trial.suggest_categorical(name, range(len(options)))
                return {
                    k: value(trial, f"{name}.{index}.{k}", v) for k, v in options[index].items()
                }
            case Choice(options):
                return trial.suggest_categorical(name, options)
            case RandInt(upper):
                return trial.suggest_int(name, 0, upper - 1)
            case Uniform(low, high, None):
                return trial.suggest_float(name, low, high)
            case Uniform(low, high, float(base)) | Uniform(low, high, int(base)):
                return trial.suggest_float(name, base**low, base**high, log=True)
            case _:
                return law

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
        study.optimize(
            lambda trial: function({k: value(trial, k, law) for k, law in laws.items()}),
            n_trials=_TRIALS,
        )
    return float(study.best_value)
