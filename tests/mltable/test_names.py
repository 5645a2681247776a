"""The package under its other name, in a Python without ours."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import lazur.mltable
from lazur.mltable import _optional

PACKAGE = Path(lazur.mltable.__file__).parent


class TestNames:
    def test_it_answers_to_mltable_without_lazur(self, tmp_path: Path) -> None:
        (tmp_path / "mltable").symlink_to(PACKAGE)
        (tmp_path / "a.csv").write_text("a\n7\n")
        code = (
            "import sys, mltable, mltable.mltable;"
            "t = mltable.from_delimited_files([{'file': 'a.csv'}]);"
            "heavy = {'pandas', 'pyarrow', 'yaml', 'lazur'} & set(sys.modules);"
            "assert not heavy, heavy;"
            "assert mltable.mltable.MLTable is mltable.MLTable;"
            "print(t.to_pandas_dataframe()['a'].tolist())"
        )
        told = subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            cwd=tmp_path,
            env={"PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
        )
        assert told.stdout == "[7]\n"

    @pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=lambda path: path.name)
    def test_imports_are_relative_or_of_the_standard_library(self, path: Path) -> None:
        for node in ast.walk(ast.parse(path.read_text(), feature_version=(3, 8))):
            if isinstance(node, ast.Import):
                assert {
                    alias.name.split(".")[0] for alias in node.names
                } <= sys.stdlib_module_names
            elif isinstance(node, ast.ImportFrom) and not node.level:
                assert (node.module or "").split(".")[0] in sys.stdlib_module_names

    def test_what_is_missing_is_named(self) -> None:
        with pytest.raises(lazur.mltable.MissingPackage, match="pip install no_such_thing"):
            _optional.need("no_such_thing.inner", "This")
