"""Event files, as jobs write them."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event  # pyright: ignore[reportAttributeAccessIssue]
from tensorboard.compat.proto.summary_pb2 import (
    Summary,  # pyright: ignore[reportAttributeAccessIssue]
)
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
from tensorboard.summary.writer.event_file_writer import EventFileWriter


class Events:
    """What a training script does; `step` goes on from call to call."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writer = EventFileWriter(str(folder), flush_secs=3600)
        self._step = 0

    def log(self, tag: str, values: Iterable[float]) -> None:
        for value in values:
            self._add(Summary.Value(tag=tag, simple_value=value))
            self._step += 1
        self._writer.flush()

    def add(self, value: Any) -> None:
        """A `Summary.Value` of any kind."""
        self._add(value)
        self._writer.flush()

    def _add(self, value: Any) -> None:
        summary = Summary(value=[value])
        self._writer.add_event(Event(wall_time=time.time(), step=self._step, summary=summary))

    def close(self) -> None:
        self._writer.close()

    @property
    def file(self) -> Path:
        (found,) = self.folder.glob("*tfevents*")
        return found


def write(folder: Path, tag: str, values: Iterable[float]) -> Path:
    events = Events(folder)
    events.log(tag, values)
    events.close()
    return events.file


def claim(folder: Path, size: int, *, there: int) -> None:
    """A record that says it is `size` bytes long, of which `there` are."""
    folder.mkdir(parents=True, exist_ok=True)
    length = struct.pack("<Q", size)
    with (folder / "events.out.tfevents.claim").open("wb") as file:
        file.write(length + struct.pack("<I", masked_crc32c(length)))
        file.truncate(12 + there)
