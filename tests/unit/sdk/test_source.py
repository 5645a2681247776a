from __future__ import annotations

from pathlib import Path

import pytest

from lazur.errors import LazurError, NotFound
from lazur.sdk.source import Source, read

TEXT = "command: echo\nenvironment: azureml:mine@nope\ninputs:\n  a:\n    path: azureml:b:1\n"


@pytest.fixture
def source(tmp_path: Path) -> Source:
    path = tmp_path / "job.yml"
    path.write_text(TEXT)
    return read(path)


class TestLocated:
    @pytest.mark.parametrize(
        "field, place", [("environment", "2:14"), ("inputs.a.path", "5:11"), ("compute", "1:1")]
    )
    def test_an_error_of_the_server_points_into_the_file(
        self, source: Source, field: str, place: str
    ) -> None:
        error = source.located(NotFound("no such label", hint="See.", field=field))
        assert isinstance(error, NotFound)
        assert f"job.yml:{place}: error: no such label" in error.message
        assert error.hint == "See."

    def test_a_value_from_elsewhere_stands_in_no_line(self, source: Source) -> None:
        source.spec["environment"] = "azureml:other:1"
        error = source.located(NotFound("no such version", field="environment"))
        assert error.message == "no such version"

    @pytest.mark.parametrize("details", [{}, {"field": None}, {"field": ["a"]}])
    def test_other_errors_stay_as_they_are(self, source: Source, details: dict[str, str]) -> None:
        assert source.located(LazurError("full", **details)).message == "full"
