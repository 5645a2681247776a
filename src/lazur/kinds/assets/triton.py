"""The layout of a model that NVIDIA Triton serves: `<model>/config.pbtxt`, `<model>/1/model.onnx`,
with the model's folder, or a folder of such, at the top."""

from __future__ import annotations

from collections.abc import Iterable

from lazur.errors import Invalid

_CONFIG = "config.pbtxt"
_COMPLETED = ("model.onnx", "model.plan", "model.savedmodel", "model.graphdef", "model.xml")
"""What Triton serves without a configuration: it finds out the rest by itself."""
_HINT = (
    "Triton reads <model>/config.pbtxt and <model>/<version>/<file>, as in "
    "densenet/config.pbtxt and densenet/1/model.onnx; versions are numbers."
)


def check(files: Iterable[str]) -> None:
    """`files`: paths below the asset's. Raises Invalid for what Triton would not load."""
    paths = sorted(files)
    if not paths:
        raise Invalid("The Triton model has no files.", hint=_HINT)
    parts = [path.split("/") for path in paths]
    if any(_is_version(one[0]) or one == [_CONFIG] for one in parts):
        _check_model("the model", parts)
        return
    models = {
        one[0]: [rest[1:] for rest in parts if rest[0] == one[0]] for one in parts if one[1:]
    }
    if not models:
        raise Invalid(f"The Triton model is one file, {paths[0]!r}.", hint=_HINT)
    for name, inside in models.items():
        _check_model(repr(name), inside)


def _check_model(name: str, parts: list[list[str]]) -> None:
    versions = {one[0] for one in parts if len(one) > 1 and _is_version(one[0])}
    top = ", ".join(sorted({one[0] for one in parts})[:5])
    if not versions:
        raise Invalid(
            f"{name} has no version: a folder called 1, 2, …. It holds {top}.", hint=_HINT
        )
    if [_CONFIG] in parts:
        return
    if not any(one[1] in _COMPLETED for one in parts if one[0] in versions):
        raise Invalid(f"{name} has no config.pbtxt. It holds {top}.", hint=_HINT)


def _is_version(name: str) -> bool:
    return name.isascii() and name.isdigit() and not name.startswith("0")
