from __future__ import annotations

import pytest

from lazur.errors import SpecError
from lazur.spec.diagnostics import Diagnostic, path_text, raise_if_errors, told

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


class TestTold:
    def test_who_sees_no_file_is_told_the_place_and_what_to_do(self) -> None:
        found = [
            _ERROR,
            Diagnostic("warning", "odd", "jobs.a.x", hint="Write y."),
            Diagnostic("warning", "odd", "x"),
            Diagnostic("warning", "`a.b` is odd", "a.b"),
            Diagnostic("warning", "odd"),
        ]
        assert told(found) == ["jobs.a.x: odd. Write y.", "odd", "`a.b` is odd", "odd"]


class TestRaiseIfErrors:
    def test_warnings_alone_pass(self) -> None:
        raise_if_errors([Diagnostic("warning", "odd")])

    def test_all_errors_are_in_one(self) -> None:
        with pytest.raises(SpecError) as caught:
            raise_if_errors([_ERROR, Diagnostic("warning", "odd"), Diagnostic("error", "other")])
        assert "job.yml:3:4" in caught.value.message
        assert [d["message"] for d in caught.value.details["diagnostics"]] == ["no", "other"]

    def test_slips_of_the_pen_are_said_with_them(self) -> None:
        slip = Diagnostic("warning", "strange", "b.c", hint="Did you mean 'd'?")
        raise_if_errors([slip])
        with pytest.raises(SpecError) as caught:
            raise_if_errors([slip, Diagnostic("warning", "odd", hint="So."), _ERROR])
        found = [d["severity"] for d in caught.value.details["diagnostics"]]
        assert found == ["error", "warning"]
        assert "Did you mean 'd'?" in caught.value.message

    def test_many_are_counted(self) -> None:
        with pytest.raises(SpecError, match="and 5 more"):
            raise_if_errors([_ERROR] * 25)
