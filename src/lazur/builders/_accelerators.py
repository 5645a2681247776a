"""What depends on whether this machine has an NVIDIA GPU: CUDA builds are several gigabytes that
no CPU uses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

_CUDA_EXTRAS = re.compile(r"^(and-cuda|cuda\d*(-local|-pip)?|cuda\d+[_-].*|gpu)$")
_WITH_CUDA_EXTRAS = {"tensorflow", "jax"}


def has_gpu() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidiactl").exists()


def without_cuda(lines: Iterable[str]) -> list[str]:
    """`tensorflow[and-cuda]` as `tensorflow`."""
    return [_plain(line) for line in lines]


def local_torch(
    lines: Iterable[str], python: str, environ: Mapping[str, str]
) -> tuple[str | None, bool]:
    """The newest CPU build of torch in the folders of find-links, as a pin (`torch==2.13.0+cpu`),
    when it fits; and whether torch is named by the requirements at all."""
    asked = [
        parsed
        for line in lines
        if not line.startswith("-")
        for parsed in [Requirement(line)]
        if canonicalize_name(parsed.name) == "torch"
    ]
    if any(parsed.url for parsed in asked):
        return None, False
    fitting = [
        version
        for version in _builds(environ.get("UV_FIND_LINKS", ""), python)
        if all(parsed.specifier.contains(version.public, prereleases=True) for parsed in asked)
    ]
    return (f"torch=={max(fitting)}" if fitting else None), bool(asked)


def _plain(line: str) -> str:
    if line.startswith("-") or "[" not in line:
        return line
    parsed = Requirement(line)
    if canonicalize_name(parsed.name) in _WITH_CUDA_EXTRAS:
        parsed.extras = {extra for extra in parsed.extras if not _CUDA_EXTRAS.match(extra)}
    return str(parsed)


def _builds(links: str, python: str) -> Iterable[Version]:
    tag = "cp" + "".join(python.split(".")[:2])
    for folder in links.replace(",", " ").split():
        for wheel in Path(folder.removeprefix("file://")).glob("torch-*.whl"):
            try:
                _, version, _, tags = parse_wheel_filename(wheel.name)
            except InvalidWheelFilename:
                continue
            if version.local == "cpu" and any(found.interpreter == tag for found in tags):
                yield version
