from __future__ import annotations

import sys

import pytest

from lazur import shell
from lazur.errors import BackendError


class TestRun:
    def test_arguments_are_never_read_by_a_shell(self) -> None:
        ran = shell.run(
            [sys.executable, "-c", "import sys; print(sys.argv[1])", "$(id); *"], timeout=60
        )
        assert (ran.code, ran.out, ran.err) == (0, "$(id); *\n", "")

    def test_a_failure_tells_what_was_said(self) -> None:
        with pytest.raises(BackendError, match="ended with code 3: why"):
            shell.run(["sh", "-c", "echo why >&2; exit 3"], timeout=60)

    def test_a_failure_may_be_wanted(self) -> None:
        assert shell.run(["sh", "-c", "exit 3"], timeout=60, check=False).code == 3

    def test_a_missing_program_is_named(self) -> None:
        with pytest.raises(BackendError, match="no-such-program is not on this machine"):
            shell.run(["no-such-program"], timeout=60)

    def test_too_long_is_an_error(self) -> None:
        with pytest.raises(BackendError, match=r"did not end within 0\.1 seconds"):
            shell.run(["sleep", "100"], timeout=0.1)

    def test_nothing_can_be_read_from_it(self) -> None:
        assert shell.run(["cat"], timeout=60).out == ""
