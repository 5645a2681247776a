"""What a hyperparameter may be."""

from __future__ import annotations

from typing import Any


def choice(*options: Any) -> dict[str, Any]:
    several = len(options) == 1 and isinstance(options[0], list | tuple | range)
    return {"type": "choice", "values": list(options[0] if several else options)}


def randint(upper: int) -> dict[str, Any]:
    return {"type": "randint", "upper": upper}


def uniform(min_value: float, max_value: float) -> dict[str, Any]:
    return {"type": "uniform", "min_value": min_value, "max_value": max_value}


def quniform(min_value: float, max_value: float, q: float) -> dict[str, Any]:
    return {"type": "quniform", "min_value": min_value, "max_value": max_value, "q": q}


def loguniform(min_value: float, max_value: float) -> dict[str, Any]:
    return {"type": "loguniform", "min_value": min_value, "max_value": max_value}


def qloguniform(min_value: float, max_value: float, q: float) -> dict[str, Any]:
    return {"type": "qloguniform", "min_value": min_value, "max_value": max_value, "q": q}


def normal(mu: float, sigma: float) -> dict[str, Any]:
    return {"type": "normal", "mu": mu, "sigma": sigma}


def qnormal(mu: float, sigma: float, q: float) -> dict[str, Any]:
    return {"type": "qnormal", "mu": mu, "sigma": sigma, "q": q}


def lognormal(mu: float, sigma: float) -> dict[str, Any]:
    return {"type": "lognormal", "mu": mu, "sigma": sigma}


def qlognormal(mu: float, sigma: float, q: float) -> dict[str, Any]:
    return {"type": "qlognormal", "mu": mu, "sigma": sigma, "q": q}
