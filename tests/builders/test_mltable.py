"""What takes the place of Azure's mltable where that cannot be had."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest

from lazur.builders import _bytecode, _mltable
from lazur.builders.venv import Venv
from lazur.engine.recipe import Recipe
from lazur.testing.builders import never


def run(prefix: Path, code: str) -> str:
    told = subprocess.run(
        [prefix / "bin" / "python", "-c", code], check=True, capture_output=True, text=True
    )
    return told.stdout.strip()


class TestInstead:
    SAID = ("× No solution found", "we only found wheels for `azureml-dataprep-native` (v41.0.0)")

    def test_ours_takes_the_place_of_what_cannot_be_had(self) -> None:
        lines = ["MLTable==1.6.1", "azureml_dataprep[pandas]==5.1", "pandas<3", "scipy"]
        kept, left_out = _mltable.instead(lines, self.SAID)
        assert kept == ["pandas<3", "scipy", "pyarrow", "PyYAML"]
        assert left_out == lines[:2]

    def test_another_reason_is_none_of_its_business(self) -> None:
        assert _mltable.instead(["mltable", "nix"], ["nix was not found"])[1] == []

    def test_who_did_not_ask_for_it_gets_no_other(self) -> None:
        assert _mltable.instead(["azureml-dataprep"], self.SAID)[1] == []


@pytest.mark.slow
@pytest.mark.network
class TestEnvironment:
    def test_a_version_that_is_not_for_this_python(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """There never was one of that number: as on a Python or a machine without a wheel."""
        monkeypatch.setattr(_bytecode, "start", lambda lock, prefix: None)
        recipe = Recipe(requirements=["mltable==0.0.999", "PyYAML"])
        built = Venv(str(tmp_path / "root")).build(recipe, io.BytesIO(), never)
        assert any("mltable==0.0.999 cannot be installed" in note for note in built.warnings)
        code = "import mltable, pandas, pyarrow; print(mltable.__file__)"
        assert "lazur-packages" in run(Path(built.prefix), code)

    def test_a_script_for_azure_runs_in_one_with_pandas(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(_bytecode, "start", lambda lock, prefix: None)
        table = "paths: [{file: a.csv}]\ntransformations: [read_delimited]\n"
        (tmp_path / "MLTable").write_text(table)
        (tmp_path / "a.csv").write_text("n\n5\n7\n")
        recipe = Recipe(requirements=["pandas", "pyarrow", "PyYAML"])
        built = Venv(str(tmp_path / "root")).build(recipe, io.BytesIO(), never)
        code = (
            f"import mltable; print(mltable.load({str(tmp_path)!r}).to_pandas_dataframe().n.sum())"
        )
        assert run(Path(built.prefix), code) == "12"
