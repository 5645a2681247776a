"""The environments of the built-in registry `azureml`: names people's YAML already uses, with
recipes of our own.

The packages are those that the public scripts need, without Microsoft's own client packages;
MLflow takes their place.
"""

from __future__ import annotations

import copy
import difflib
import re
import sys
from collections.abc import Mapping
from typing import Any

from lazur.errors import NotFound
from lazur.kinds.assets.curated.shelf import ALIASES, NOT_SHIPPED, SHELF

REGISTRY = "azureml"
_PREFIX = "azureml-"
_MACHINE = re.compile(r"-ubuntu\d\d\.\d\d(-py\d+)?(-cuda[\d.]+)?(-[cg]pu)?$")
"""What old names end with: `AzureML-sklearn-1.0-ubuntu20.04-py38-cpu`."""


def names() -> list[str]:
    return sorted(SHELF)


def versions(name: str) -> list[str]:
    """Oldest first. Raises NotFound."""
    return list(SHELF[canonical(name)])


def get(name: str, version: str | None = None) -> dict[str, Any]:
    """The spec of an environment, as its YAML would say it. `version` None means the label
    `latest`.

    Old names (`AzureML-sklearn-1.5`) give the environment under its new one. Raises NotFound.
    """
    found = canonical(name)
    known = SHELF[found]
    chosen = version or list(known)[-1]
    if chosen not in known:
        raise NotFound(
            f"The environment {found} of the registry {REGISTRY} has no version {chosen}.",
            hint=(
                f"Here it has: {', '.join(known)}. Refer to it by its label: "
                f"azureml://registries/{REGISTRY}/environments/{found}/labels/latest"
            ),
        )
    return {"name": found, "version": chosen, **copy.deepcopy(known[chosen])}


def serving(name: str, version: str | None = None) -> dict[str, Any]:
    """As `get`; but where Microsoft's count of builds is asked for, which goes on while the
    packages stay, ours serves. Raises NotFound."""
    is_count = version is not None and version.isascii() and version.isdigit()
    return get(name, None if is_count and version not in versions(name) else version)


def has(name: str) -> bool:
    try:
        canonical(name)
    except NotFound:
        return False
    return True


def is_alias(name: str) -> bool:
    """Whether an environment of another name serves for it."""
    return _MACHINE.sub("", name.lower().removeprefix(_PREFIX)) not in SHELF


def labels(name: str) -> dict[str, str]:
    return {"latest": versions(name)[-1]}


def is_curated(spec: Mapping[str, Any]) -> bool:
    """Whether the packages of `spec` are those of a curated environment, untouched."""
    known = SHELF.get(str(spec.get("name")), {}).get(str(spec.get("version")))
    return known is not None and spec.get("conda_file") == known["conda_file"]


def canonical(name: str) -> str:
    """Raises NotFound, with the reason where we know one."""
    short = name.lower().removeprefix(_PREFIX)
    for known in (short, _MACHINE.sub("", short)):
        found = ALIASES.get(known, known)
        if found in SHELF:
            return found
    found = short
    for start, reason in NOT_SHIPPED.items():
        if found.startswith(start):
            raise NotFound(
                f"The environment {name} is not shipped with Lazur: {reason}.", hint=_ALTERNATIVE
            )
    raise NotFound(f"The registry {REGISTRY} has no environment {name}.", hint=_others(found))


def _others(found: str) -> str:
    """Of the same library, or of nearly the same name. None of them is taken unasked: another
    version of a library may do another thing."""
    libraries = set(_LIBRARY.findall(found)) - _NO_LIBRARY
    same = [name for name in names() if libraries & set(_LIBRARY.findall(_contents(name)))]
    if same:
        same.sort(key=_release)
        nearest = min(same, key=lambda name: _distance(name, found))
        return (
            f"It has: {', '.join(same)}. Where your code runs with it too, write azureml://"
            f"registries/{REGISTRY}/environments/{nearest}/labels/latest; or else register an"
            f" environment of your own: {_REGISTER}"
        )
    close = difflib.get_close_matches(found, names(), 1)
    return f"Did you mean {close[0]}?" if close else f"It has: {', '.join(names())}."


def _distance(name: str, found: str) -> tuple[int, float]:
    """By the version; where that says nothing, by the letters."""
    return abs(_release(name) - _release(found)), -difflib.SequenceMatcher(
        None, found, name
    ).ratio()


def _release(name: str) -> int:
    """By which versions of one library are near to each other. Of no version: the newest."""
    found = _RELEASE.search(name)
    return int(found[1]) * 1000 + int(found[2]) if found else sys.maxsize


_RELEASE = re.compile(r"(\d{1,3})\.(\d{1,3})")


def _contents(name: str) -> str:
    """Its name and, of what it is made for, those that the name leaves out."""
    return " ".join([name, *next(iter(SHELF[name].values()))["tags"]]).lower()


_LIBRARY = re.compile(r"[a-z]{3,}")
_NO_LIBRARY = {"acpt", "cpu", "cuda", "gpu", "inference", "training", "ubuntu"}

_REGISTER = "lazur environment create --file env.yml"
_ALTERNATIVE = f"Register an environment of your own with the packages it needs: {_REGISTER}"
