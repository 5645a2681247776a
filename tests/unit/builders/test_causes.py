"""What uv really says, and what people read."""

from __future__ import annotations

import pytest

from lazur.builders import _causes

NO_VERSION = """\
error: No solution found when resolving dependencies
  cause: Because there is no version of six==99 and you require six==99, nothing can be done."""
OLDER_UV = """\
  × No solution found when resolving dependencies:
  ╰─▶ Because sixxyzzy was not found in the package registry and you require sixxyzzy, …"""
PYTHON = """\
error: No solution found when resolving dependencies
  cause: Because the current Python version (3.10.13) does not satisfy Python>=3.11 and
         numpy==2.4.0 depends on Python>=3.11, we can conclude that numpy==2.4.0 cannot be used."""
NETWORK = """\
error: Failed to fetch: https://u:p@h.test/simple/six/
  cause: error sending request for url (https://h.test/simple/six/)
  cause: dns error"""
DENIED = """\
error: Failed to fetch: `https://h.test/simple/six/`
  cause: HTTP status client error (401 Unauthorized) for url (https://h.test/simple/six/)"""
HASH = """\
error: Failed to download `six==1.17.0`
  cause: Hash mismatch for `six==1.17.0`"""
BUILD = """\
error: Failed to build `pandas==0.25.3`
  cause: The build backend returned an error"""
CASES = [
    (NO_VERSION, "There is no six==99 for Python 3.10.13"),
    (OLDER_UV, "There is no package sixxyzzy"),
    (PYTHON, "do not fit together: Because the current Python version"),
    (NETWORK, "The network could not be reached: h.test"),
    (DENIED, "The index refused access: h.test"),
    (HASH, "What the index gave for six==1.17.0 is not what the lock says"),
    (BUILD, "pandas==0.25.3 has no wheel for Python 3.10.13"),
    ("error: failed to write: No space left on device (os error 28)", "The disk is full"),
    ("error: something new", "something new"),
    ("", "uv failed"),
]


class TestFailed:
    @pytest.mark.parametrize("said, message", CASES)
    def test_the_cause_is_told_in_a_sentence(self, said: str, message: str) -> None:
        error = _causes.failed("resolve", said.splitlines(), "3.10.13")
        assert message in error.message
        assert error.hint
        assert error.details["log_tail"] == said

    def test_credentials_of_an_index_are_not_repeated(self) -> None:
        error = _causes.failed("resolve", NETWORK.splitlines(), "3.10.13")
        assert "u:p" not in error.message
