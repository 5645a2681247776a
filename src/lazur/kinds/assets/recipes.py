"""From an environment as people write it to the Recipe that builders understand. Pure: files come
by `read`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from lazur.engine.recipe import Recipe
from lazur.errors import Invalid, NotFound
from lazur.kinds.assets import conda, curated, dockerfiles, images
from lazur.kinds.assets.requirements import Reader
from lazur.spec import yaml

_BOTH = (
    "An environment is either an `image` (with or without `conda_file`) or a `build` context, not"
    " both."
)


def recipe(spec: Mapping[str, Any], read: Reader | None = None) -> Recipe:
    """What the environment needs. `spec` is the checked mapping of an Environment or
    AnonymousEnvironment; `read` gives a file of its build context by path, or None.

    Raises Invalid when what it asks for cannot be had as Python packages and the author can change
    that. What only an image builder can make is a recipe of kind `image`, whose `reason` says why.
    """
    image, build = spec.get("image"), spec.get("build")
    if image and build:
        raise Invalid(_BOTH, hint="Remove one of the two.")
    if str(spec.get("os_type") or "linux").lower() == "windows":
        return Recipe(kind="image", image=_text(image), reason="it asks for Windows")
    if build:
        return _from_context(cast("Mapping[str, Any]", build), read)
    if spec.get("conda_file"):
        return _from_conda(
            _text(image), spec["conda_file"], read, inexact=curated.is_curated(spec)
        )
    if not image:
        raise Invalid(
            "The environment says neither `image`, nor `conda_file`, nor `build`.",
            hint="Give at least an image, for example `image: python:3.11`.",
        )
    return _from_image(_reference(str(image)))


def _from_conda(image: str | None, document: Any, read: Reader | None, *, inexact: bool) -> Recipe:
    base = images.read(_reference(image)) if image else None
    found = conda.dependencies(_mapping(document), read)
    return Recipe(
        python=found.python or (base.python if base else None),
        exact_python=found.python is not None and not inexact,
        requirements=found.requirements,
        variables=found.variables,
        warnings=found.warnings,
    )


def _mapping(document: Any) -> Mapping[str, Any]:
    if isinstance(document, str):
        document = yaml.load(document).value
    if not isinstance(document, Mapping):
        raise Invalid(
            "The conda file is not a mapping.",
            hint="It starts with `dependencies:` and a list of packages.",
        )
    return cast("Mapping[str, Any]", document)


def _from_image(reference: str) -> Recipe:
    image = images.read(reference)
    base = _curated(image)
    if base:
        return base
    if image.official and image.python:
        return Recipe(python=image.python, exact_python=False)
    python = f"Python {image.python}" if image.python else "the Python of this machine"
    warning = (
        f"The image {reference} was not fetched: the job runs on {python}, without other packages."
        " Add a conda_file to have packages."
    )
    return Recipe(python=image.python, exact_python=False, warnings=[warning])


def _curated(image: images.Image) -> Recipe | None:
    """Images of curated environments hold what those environments list."""
    if not image.curated:
        return None
    try:
        return recipe(curated.get(image.curated))
    except NotFound:
        return None


def _from_context(build: Mapping[str, Any], read: Reader | None) -> Recipe:
    name = str(build.get("dockerfile_path") or "Dockerfile").removeprefix("./")
    context = str(build.get("path") or "").removeprefix("tree:") or None
    data = read(name) if read else None
    if data is None:
        raise Invalid(
            f"The build context has no file {name}.",
            hint="Name it in `build.dockerfile_path`, relative to `build.path`.",
        )
    parsed = dockerfiles.parse(data.decode("utf-8-sig", "replace"), read or _nothing)
    base = images.read(_reference(parsed.base)) if parsed.base else None
    start = _curated(base) if base else None
    if parsed.reason or base is None or not (base.plain or start):
        return Recipe(
            kind="image",
            context=context,
            dockerfile=name,
            variables=parsed.variables,
            reason=parsed.reason
            or f"the Dockerfile starts from {parsed.base}, whose content is not known",
        )
    if parsed.problems:
        raise Invalid(
            f"The build context cannot be built: {'; '.join(parsed.problems)}.",
            hint="Correct the requirements.",
            problems=parsed.problems,
        )
    return _on_base(start or Recipe(python=base.python, exact_python=False), parsed)


def _on_base(base: Recipe, parsed: dockerfiles.Dockerfile) -> Recipe:
    return Recipe(
        python=base.python,
        exact_python=base.exact_python,
        requirements=list(dict.fromkeys(base.requirements + parsed.lines)),
        variables={**base.variables, **parsed.variables},
        warnings=base.warnings + parsed.warnings,
    )


def _nothing(path: str) -> bytes | None:
    del path
    return None


def _reference(image: str) -> str:
    if not images.is_reference(image):
        raise Invalid(
            f"{image!r} is not the name of an image.",
            hint=(
                "Image names look like `python:3.11` or"
                " `mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04`."
            ),
        )
    return image


def _text(value: Any) -> str | None:
    return str(value) if value else None
