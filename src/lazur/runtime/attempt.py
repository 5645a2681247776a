"""The attempt at work: its folder, its phases, its warnings and its notes."""

from __future__ import annotations

import os
import time

from lazur.runtime.documents import append_line, render
from lazur.runtime.plan import Plan, load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Attempt:
    def __init__(self, folder: str, private: dict[str, Any] | None = None) -> None:
        self.folder = folder
        self.plan: Plan = load(folder, private)
        self.wd = folder + "/wd"
        self.artifacts = self.plan.artifacts
        self.warnings: list[str] = []

    def phase(self, name: str) -> None:
        line = render({"name": name, "start": time.time()})
        self._append(self.folder + "/phases.jsonl", line)

    def detail(self, name: str, text: str) -> None:
        """What is worth knowing about a phase."""
        self._append(self.folder + "/phases.jsonl", render({"name": name, "detail": text}))

    def warn(self, text: str) -> None:
        """For the person who owns the job; part of the exit."""
        self.warnings.append(text)
        self.note("warning: " + text)

    def note(self, text: str) -> None:
        """For whoever looks into what the runtime did. Never holds values of variables: they may
        be secrets."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ ", time.gmtime())
        self._append(self.artifacts + "/system_logs/runtime.log", stamp + text)

    def say(self, text: str) -> None:
        """Into the user's own log: where the command itself could not begin, and what is moved for
        it from and to stores elsewhere."""
        self._append(self.artifacts + "/user_logs/" + self.main_log, "lazur: " + text)

    @property
    def main_log(self) -> str:
        """The log that people follow: of rank 0 where there are several."""
        plan = self.plan
        several = plan.distribution is not None or plan.nodes > 1
        return "std_log_process_0.txt" if several else "std_log.txt"

    def _append(self, path: str, line: str) -> None:
        """A full disk must not end a job that itself writes nothing."""
        try:
            append_line(path, line)
        except OSError as error:
            text = "not all of the job's own records could be written: %s" % error.strerror
            if text not in self.warnings:
                self.warnings.append(text)

    def make_folders(self) -> None:
        for name in ("user_logs", "system_logs", "outputs", "logs"):
            os.makedirs(self.artifacts + "/" + name, mode=0o700, exist_ok=True)
        os.makedirs(self.wd, mode=0o700, exist_ok=True)
