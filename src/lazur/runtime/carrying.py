"""Data from and to stores outside of the site, by way of the carrier: a program of the server's
that has the vendors' clients, and gets the credentials through a pipe."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time

from lazur.runtime.folders import remove
from lazur.runtime.plan import Canceled, Input, Output, Unkept, Unprepared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lazur.runtime.attempt import Attempt

_TRIES = 3
"""A carrier that dies without a word is started anew, and goes on where it was."""
_FIRST_WORD = 5.0
_EVERY = 15.0
"""Seconds until progress is told in the job's log, and between two words of it."""
_GLANCE = 0.5
_UNITS = ("bytes", "KB", "MB", "GB", "TB")


class Failed(Exception):
    """The text is for people."""


def fetch(attempt: Attempt, wanted: Input) -> str:
    """Path of a folder with the input's files, which are read-only and linked to the cache."""
    uri = str(wanted.source.remote)
    into = "%s/downloads/INPUT_%s" % (attempt.folder, wanted.name)
    cache = (attempt.plan.cache or attempt.folder + "/cache") + "/remote"
    label = "input %s" % wanted.name
    try:
        done = _carry(attempt, uri, label, {"do": "fetch", "into": into, "cache": cache}, into)
    except Failed as error:
        place = "" if shown(uri) in str(error) else " (%s)" % shown(uri)
        raise Unprepared("the input %s%s: %s" % (wanted.name, place, error)) from None
    if done.get("warning"):
        attempt.note("%s: %s" % (label, done["warning"]))
    text = "%s: %s from %s%s" % (label, _amount(done), shown(uri), _cached(done))
    if wanted.mode in ("ro_mount", "eval_mount"):
        text += "; downloaded, and shown read-only: nothing is mounted over the network"
    attempt.say(text)
    attempt.detail("inputs", text)
    return into


def send(attempt: Attempt, output: Output, folder: str) -> None:
    """A folder, or the one file in it. Readers see it whole or not at all."""
    label = "output %s" % output.name
    asked = {
        "do": "send",
        "folder": folder,
        "file": output.file,
        "journal": "%s/sent.%s" % (attempt.folder, output.name),
    }
    try:
        done = _carry(attempt, output.destination, label, asked, None)
    except Failed as error:
        text = "the output %s could not be sent to %s: %s"
        raise Unkept(text % (output.name, shown(output.destination), error)) from None
    text = "%s: %s to %s" % (label, _amount(done), shown(output.destination))
    attempt.say(text)
    attempt.detail("finalizing", text)


def shown(uri: str) -> str:
    """Without a query, which may hold a signature."""
    return uri.partition("?")[0]


def _carry(
    attempt: Attempt, uri: str, label: str, asked: dict[str, Any], into: str | None
) -> dict[str, Any]:
    carrier, store = attempt.plan.carrier, attempt.plan.private.stores.get(uri)
    if carrier is None or store is None:
        raise Failed("this node was not told how to reach it: submit the job again")
    asked = {"store": store, "rule": carrier.rule, "limit": carrier.limit, **asked}
    for number in range(1, _TRIES + 1):
        if into and os.path.isdir(into):
            remove(into)
        last = _Run(attempt, label, carrier.argv).follow(asked)
        if "done" in last:
            return last["done"]
        if "error" in last:
            error = last["error"]
            raise Failed(" ".join(filter(None, (error["message"], error["hint"]))))
        attempt.note("%s: the carrier ended without a word (%d of %d)" % (label, number, _TRIES))
    raise Failed("what moves the data ended without a word; see system_logs/runtime.log")


class _Run:
    """One carrier process, which ends when this one does: its standard input is closed then."""

    def __init__(self, attempt: Attempt, label: str, argv: list[str]) -> None:
        self._attempt = attempt
        self._label = label
        self._process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "LAZUR_ATTEMPT": attempt.plan.key},
            cwd="/",
            start_new_session=True,
        )
        self._tell_at = time.monotonic() + _FIRST_WORD

    def follow(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Its last word; empty when it died without one."""
        process = self._process
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(asked).encode("ascii") + b"\n")
            process.stdin.flush()
            return self._last_word()
        except BrokenPipeError:
            return {}
        finally:
            process.kill()
            process.wait()

    def _last_word(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        fd = self._process.stdout.fileno()
        rest = b""
        while True:
            if os.path.exists(self._attempt.folder + "/cancel"):
                raise Canceled
            if not select.select([fd], [], [], _GLANCE)[0]:
                continue
            data = os.read(fd, 1 << 16)
            if not data:
                return {}
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                word: dict[str, Any] = json.loads(line.decode("ascii"))
                if "progress" not in word:
                    return word
                self._tell(*word["progress"])

    def _tell(self, files: int, size: int, total_files: int, total_size: int) -> None:
        if time.monotonic() < self._tell_at:
            return
        self._tell_at = time.monotonic() + _EVERY
        share = 100 * size // total_size if total_size else 0
        text = "%s: %d %% of %s, %d of %d files"
        said = (self._label, share, _size(total_size), files, total_files)
        self._attempt.say(text % said)


def _amount(done: dict[str, Any]) -> str:
    files = "1 file" if done["files"] == 1 else "%d files" % done["files"]
    return "%s, %s" % (files, _size(done["bytes"]))


def _cached(done: dict[str, Any]) -> str:
    if not done["cached_files"]:
        return ""
    if done["cached_files"] == done["files"]:
        return " (all in this node's cache)"
    return " (%d files, %s in this node's cache)" % (
        done["cached_files"],
        _size(done["cached_bytes"]),
    )


def _size(size: float) -> str:
    units = list(_UNITS)
    while size >= 1024 and len(units) > 1:
        size, units = size / 1024, units[1:]
    return "%s %s" % (("%.1f" % size).replace(".0", ""), units[0])
