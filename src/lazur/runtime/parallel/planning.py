"""From the input to mini-batches. A plan is made once for a job, before anything runs: attempts
that come after a kill go on with it, so that nothing is cut in two ways."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

from lazur.runtime.parallel.settings import Size, Wrong

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lazur.runtime.parallel.paths import Paths
    from lazur.runtime.parallel.settings import Settings

_READS = re.compile(r"^\s*-?\s*read_\w+", re.MULTILINE)


class Batch:
    """`files` are paths beneath the input; of a table, the rows are found by the number."""

    def __init__(self, number: int, data: dict[str, Any]) -> None:
        self.number = number
        self.items: int = data["items"]
        self.files: list[str] | None = data.get("files")
        self.key: dict[str, Any] | None = data.get("key")

    def claim(self) -> dict[str, Any]:
        """What a worker is told."""
        told: dict[str, Any] = {"i": self.number, "n": self.items}
        if self.files is not None:
            told["f"] = self.files
        if self.key is not None:
            told["k"] = self.key
        return told


class Cutting:
    """A table on its way into mini-batches. A process of its own does that, so that its rows are
    not held by the one that stays."""

    def __init__(self, root: str) -> None:
        here = os.path.dirname(os.path.abspath(__file__))
        argv = [sys.executable, here, root, *sys.argv[3:]]
        variables = {**os.environ, "LAZUR_ROLE": "cut"}
        self._root = root
        self._process = subprocess.Popen(argv, env=variables, stdout=subprocess.PIPE)

    def wait(self) -> None:
        """Until it is cut. Raises Wrong."""
        try:
            said, _ = self._process.communicate()
        except BaseException:
            self._process.kill()
            raise
        code = self._process.returncode
        if code:
            told = said.decode("utf-8", "replace").strip().split("\n")
            why = told[-1] or "its process ended with code %d" % code
            raise Wrong("the table %s could not be cut into mini-batches: %s" % (self._root, why))


def begin(settings: Settings, paths: Paths, root: str) -> Cutting | None:
    """Make the plan, unless an earlier attempt has made it. Of a table, that takes until the
    answer says so. Raises Wrong."""
    if os.path.exists(paths.plan) and (not _is_table(settings, root) or _ready(paths)):
        return None
    if settings.type == "mltable":
        return Cutting(root)
    _make(settings, paths, root)
    return None


def made(paths: Paths) -> list[Batch]:
    """The plan. Raises Wrong."""
    with open(paths.plan, encoding="utf-8") as file:
        found = [Batch(number, json.loads(line)) for number, line in enumerate(file)]
    if not found:
        raise Wrong("the input has nothing in it: there are no mini-batches to run")
    return found


def write(path: str, batches: list[dict[str, Any]]) -> None:
    """Whole or not at all. One that is there must be the same: its ledger goes by it."""
    text = "".join(json.dumps(batch, separators=(",", ":")) + "\n" for batch in batches)
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            if file.read() != text:
                raise Wrong(
                    "the input has changed since the job began, and this attempt cannot go on "
                    "with its mini-batches: submit the job again"
                )
        return
    draft = path + ".draft"
    with open(draft, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)


def cut_files(files: list[tuple[str, int]], settings: Settings) -> list[dict[str, Any]]:
    if settings.keys:
        return _by_folders(files, settings.keys)
    size = Size(settings.size, tabular=False)
    cut: list[dict[str, Any]] = []
    held = 0
    for path, length in files:
        full = (
            held >= size.bytes
            if size.bytes is not None
            else bool(cut) and cut[-1]["items"] == size.count
        )
        if not cut or full:
            cut.append({"items": 0, "files": []})
            held = 0
        cut[-1]["files"].append(path)
        cut[-1]["items"] += 1
        held += length
    return cut


def group_files(keyed: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Files with the same key, in the order in which the keys first appear."""
    groups: dict[str, dict[str, Any]] = {}
    for path, key in keyed:
        group = groups.setdefault(json.dumps(key), {"items": 0, "files": [], "key": key})
        group["files"].append(path)
        group["items"] += 1
    return list(groups.values())


def _make(settings: Settings, paths: Paths, root: str) -> None:
    if "://" in root or root.startswith("azureml:"):
        raise Wrong(
            "files can be cut into mini-batches where they lie on the node, and the input is %s: "
            "give it the mode ro_mount or download, not direct" % root
        )
    write(paths.plan, cut_files(_listed(root), settings))


def _is_table(settings: Settings, root: str) -> bool:
    if settings.type != "mltable":
        return False
    file = root if os.path.isfile(root) else root + "/MLTable"
    try:
        with open(file, encoding="utf-8") as stream:
            return bool(_READS.search(stream.read()))
    except OSError:
        return True  # it lies elsewhere; who reads it knows


def _ready(paths: Paths) -> bool:
    return os.path.exists(paths.table) or os.path.exists(paths.files_only)


def _listed(root: str) -> list[tuple[str, int]]:
    """All files, by their paths beneath `root`; hidden ones are no data."""
    if os.path.isfile(root):
        return [("", os.path.getsize(root))]
    if not os.path.isdir(root):
        raise Wrong("the input %s is not there" % root)
    found: list[tuple[str, int]] = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if not name.startswith("."):
                path = os.path.join(folder, name)
                found.append((os.path.relpath(path, root), os.stat(path).st_size))
    return sorted(found)


def _by_folders(files: list[tuple[str, int]], keys: list[str]) -> list[dict[str, Any]]:
    return group_files([(path, _key(path, keys)) for path, _ in files])


def _key(path: str, keys: list[str]) -> dict[str, Any]:
    """`Store=1000/Brand=tropicana/x.csv`, or folders in the order of the keys."""
    folders = path.split("/")[:-1]
    named = dict(part.split("=", 1) for part in folders if "=" in part)
    if all(key in named for key in keys):
        return {key: named[key] for key in keys}
    if not named and len(folders) >= len(keys):
        return dict(zip(keys, folders))
    raise Wrong(
        "partition_keys: %s, but the file %s lies in no folder that tells them: files are "
        "partitioned by folders such as %s"
        % (", ".join(keys), path or "of the input", "/".join("%s=…" % key for key in keys))
    )
