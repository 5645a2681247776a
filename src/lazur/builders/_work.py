"""What all steps of one build share: where they work, what they say, and how they run uv."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from lazur.builders import _causes, _uv
from lazur.builders._places import Places
from lazur.engine.recipe import Recipe


@dataclass
class Work:
    places: Places
    key: str
    recipe: Recipe
    gpu: bool
    log: BinaryIO
    cancelled: Callable[[], bool]
    turn: int
    """Descriptor of the lock: uv inherits it, and so holds it when this process is killed."""
    cwd: Path
    env: dict[str, str]
    fence: list[str]
    warnings: list[str] = field(default_factory=list[str])
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    began: float = field(default_factory=time.monotonic)

    @property
    def prefix(self) -> Path:
        return self.places.prefix(self.key)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        spent = self.seconds.get(name, 0.0) + time.monotonic() - began
        self.seconds[name] = round(spent, 3)

    def say(self, text: str) -> None:
        self.log.write(f"[{time.monotonic() - self.began:7.2f} s] {text}\n".encode())
        self.log.flush()

    def warn(self, text: str) -> None:
        self.warnings.append(text)
        self.say(f"warning: {text}")

    def uv(
        self,
        arguments: Sequence[str],
        *,
        out: Path | None = None,
        log: BinaryIO | None = None,
        more: Mapping[str, str] | None = None,
    ) -> _uv.Ended:
        return _uv.run(
            arguments,
            env={**self.env, **(more or {})},
            cwd=self.cwd,
            log=log or self.log,
            cancelled=self.cancelled,
            out=out,
            keep=[self.turn],
            before=self.fence,
        )

    def must(self, phase: str, python: str, arguments: Sequence[str]) -> None:
        """Raises BuildFailed with the cause."""
        ended = self.uv(arguments)
        if ended.code:
            raise _causes.failed(phase, ended.tail, python)
