"""What `run` returns, on its way into the one file of `append_row_to`.

Each worker appends to a file of its own and says where a mini-batch's rows lie in it. At the end
those that the ledger names are copied, in the mini-batches' order, into a draft that is renamed:
the file is whole, or it is not there.
"""

from __future__ import annotations

import json
import os
from contextlib import ExitStack

from lazur.runtime.parallel import scripts
from lazur.runtime.parallel.settings import Wrong

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from lazur.runtime.parallel.settings import Settings

DEFAULT_NAME = "parallel_run_step.txt"
"""Azure's, in an output that is a folder."""


_FULL = 1 << 20


class Spool:
    def __init__(self, path: str, asked: Settings) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._name = os.path.basename(path)
        self._asked = asked
        self._end = 0
        self._waiting: list[bytes] = []
        self._held = 0

    @property
    def full(self) -> bool:
        """Whether it holds so much that it should be written now."""
        return self._held >= _FULL

    def add(self, returned: Any) -> dict[str, Any]:
        """Where it will lie, for the ledger, once it is written."""
        text, header = self._rendered(returned)
        data = text.encode("utf-8", "surrogateescape")
        told: dict[str, Any] = {"f": self._name, "o": self._end, "l": len(data)}
        self._waiting.append(data)
        self._held += len(data)
        self._end += len(data)
        if header and self._asked.header:
            told["h"] = header
        return {**told, **scripts.counted(returned)}

    def write(self) -> None:
        """All that was added since the last time. Raises OSError, and then none of it counts."""
        data, self._held = memoryview(b"".join(self._waiting)), 0
        self._waiting.clear()
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except OSError:
            self._end = os.fstat(self._fd).st_size
            raise

    def _rendered(self, returned: Any) -> tuple[str, str]:
        if hasattr(returned, "to_csv") and hasattr(returned, "columns"):
            sep = self._asked.separator
            header = returned.head(0).to_csv(sep=sep, index=False) if self._asked.header else ""
            return returned.to_csv(sep=sep, index=False, header=False), header
        if returned is None:
            return "", ""
        if isinstance(returned, (dict, str, bytes)):
            returned = [returned]
        return "".join(_line(item) + "\n" for item in returned), ""


def merge(kept: str, entries: Iterable[dict[str, Any]], target: str) -> int:
    """How many bytes the file has. Raises Wrong, and leaves what was there before."""
    if not os.path.isabs(target):
        raise Wrong(
            "append_row_to: %s is no place on the node: give the output another mode than direct"
            % target
        )
    place = os.path.join(target, DEFAULT_NAME) if os.path.isdir(target) else target
    folder, name = os.path.split(place)
    draft = os.path.join(folder, ".%s.draft" % name)
    os.makedirs(folder, exist_ok=True)
    try:
        with open(draft, "wb") as file:
            _copy(kept, entries, file)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        os.replace(draft, place)
    except OSError as error:
        raise Wrong("the results could not be merged into %s: %s" % (place, error)) from None
    return size


def forget(kept: str) -> None:
    """The workers' own files, once nobody needs them."""
    for name in os.listdir(kept):
        if name.startswith("rows-"):
            os.unlink(os.path.join(kept, name))


def is_whole(kept: str, entry: dict[str, Any]) -> bool:
    """Whether the rows that the ledger names are there: a power cut may take them."""
    if "f" not in entry:
        return True
    try:
        return os.path.getsize(os.path.join(kept, entry["f"])) >= entry["o"] + entry["l"]
    except OSError:
        return False


def _copy(kept: str, entries: Iterable[dict[str, Any]], file: Any) -> None:
    headed, name, source = False, "", None
    with ExitStack() as sources:
        for entry in entries:
            if not headed and entry.get("h"):
                file.write(entry["h"].encode())
                headed = True
            if not entry.get("l"):
                continue
            if entry["f"] != name:
                sources.close()
                name = entry["f"]
                source = sources.enter_context(open(os.path.join(kept, name), "rb"))
            _copy_part(source, entry["o"], entry["l"], file)


def _copy_part(source: Any, offset: int, length: int, file: Any) -> None:
    source.seek(offset)
    if length < 1 << 20:
        file.write(source.read(length))
        return
    left = length
    while left:
        part = source.read(min(left, 1 << 20))
        if not part:
            raise Wrong("the results of a mini-batch are cut short")
        file.write(part)
        left -= len(part)


def _line(item: Any) -> str:
    if isinstance(item, bytes):
        return item.decode("utf-8", "replace")
    return json.dumps(item, default=str) if isinstance(item, dict) else str(item)
