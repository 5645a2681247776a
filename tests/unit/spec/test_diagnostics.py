from __future__ import annotations

import pytest

from lazur.errors import SpecError
from lazur.spec.diagnostics import Diagnostic, path_text, raise_if_errors

_ERROR = Diagnostic("error", "no", "a.b", 3, 4, "  a: x", "Do y.", "job.yml")


class TestDiagnostic:
    def test_it_reads_as_an_editor_would_show_it(self) -> None:
        assert _ERROR.render() == "job.yml:3:4: error: no\n    a: x\n     ^\n  Do y."

    def test_without_a_file_the_path_says_where(self) -> None:
        assert Diagnostic("warning", "odd", "a[0].b").render() == "a[0].b: warning: odd"

    def test_it_survives_the_wire(self) -> None:
        assert Diagnostic.from_dict(_ERROR.to_dict()) == _ERROR

    def test_paths(self) -> None:
        assert path_text(("jobs", "a", "files", 2, "x")) == "jobs.a.files[2].x"


class TestRaiseIfErrors:
    def test_warnings_alone_pass(self) -> None:
        raise_if_errors([Diagnostic("warning", "odd")])

    def test_all_errors_are_in_one(self) -> None:
        with pytest.raises(SpecError) as caught:
            raise_if_errors([_ERROR, Diagnostic("warning", "odd"), Diagnostic("error", "other")])
        assert "job.yml:3:4" in caught.value.message
        assert [d["message"] for d in caught.value.details["diagnostics"]] == ["no", "other"]

    def test_many_are_counted(self) -> None:
        with pytest.raises(SpecError, match="and 5 more"):
            raise_if_errors([_ERROR] * 25)
