"""Our program as a job's command starts it: real processes in a folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lazur.runtime import parallel

PROGRAM = str(Path(parallel.__file__).parent)


@dataclass
class Driver:
    folder: Path
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    variables: dict[str, str] = field(default_factory=dict[str, str])
    attempt: int = 1
    python: str = sys.executable

    def __post_init__(self) -> None:
        self.input = self.folder / "input"
        self.input.mkdir(parents=True)
        (self.folder / "artifacts" / "logs").mkdir(parents=True)
        self.target = self.folder / "all.txt"

    def files(self, count: int) -> None:
        for number in range(count):
            (self.input / f"f{number:03}.txt").write_text(f"{number}\n")

    def script(self, text: str) -> None:
        self.text = textwrap.dedent(text)

    def start(self, *arguments: str, node: int = 0) -> subprocess.Popen[str]:
        work = self.folder / str(self.attempt) / "wd"
        work.mkdir(parents=True, exist_ok=True)
        (work / "score.py").write_text(self.text)
        asked = {"entry_script": "score.py", "workers": 2, **self.settings}
        env = {
            **os.environ,
            "LAZUR_PARALLEL": json.dumps(asked),
            "AZUREML_LOGDIRECTORY_PATH": str(self.folder / "artifacts" / "logs"),
            "AZUREML_CR_EXECUTION_WORKING_DIR_PATH": str(work),
            "AZUREML_CR_NODE_RANK": str(node),
            "PYTHONUNBUFFERED": "1",
            # Where the tables' reader is offered in an environment of a job.
            "PYTHONPATH": str(Path(PROGRAM).parent.parent),
            **self.variables,
        }
        argv = [self.python, PROGRAM, str(self.input), str(self.target), *arguments]
        return subprocess.Popen(argv, env=env, cwd=work, stdout=subprocess.PIPE, text=True)

    def run(self, *arguments: str) -> tuple[int, str]:
        """Exit code and log."""
        with self.start(*arguments) as process:
            said, _ = process.communicate(timeout=120)
        return process.returncode, said

    @property
    def lines(self) -> list[str]:
        return self.target.read_text().splitlines()

    def ledger(self) -> list[dict[str, Any]]:
        path = self.folder / "artifacts" / "system_logs" / "parallel" / "ledger.jsonl"
        if not path.exists():
            return []
        whole = path.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def progress(self) -> dict[str, Any]:
        path = self.folder / "artifacts" / "system_logs" / "parallel" / "progress.json"
        return json.loads(path.read_text())

    def logs(self) -> str:
        folder = self.folder / "artifacts" / "user_logs"
        return "\n".join(path.read_text() for path in sorted(folder.rglob("*.txt")))
