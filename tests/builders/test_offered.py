"""`import mltable` and `import azureml.core` in an environment that did not ask for them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lazur.builders import _offered

WHERE = "import mltable; print(mltable.__file__)"


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    made = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", made], check=True)
    _offered.offer(made)
    return made


def run(prefix: Path, code: str) -> str:
    told = subprocess.run(
        [prefix / "bin" / "python", "-c", code], check=True, capture_output=True, text=True
    )
    return told.stdout.strip()


class TestOffer:
    def test_it_is_a_copy_of_ours(self, prefix: Path) -> None:
        assert run(prefix, WHERE).startswith(f"{prefix}/lib/lazur-packages-")
        code = "import azureml.core; print(azureml.core.__file__)"
        assert run(prefix, code).startswith(f"{prefix}/lib/lazur-packages-")

    def test_whoever_may_read_the_environment_may_read_it(self, prefix: Path) -> None:
        ours = next(prefix.glob("lib/lazur-packages-*"))
        assert ours.stat().st_mode == (prefix / "lib").stat().st_mode

    def test_it_says_what_it_needs(self, prefix: Path) -> None:
        code = (
            "import mltable\n"
            "try: mltable.from_parquet_files([{'file': 'x'}]).show()\n"
            "except ImportError as error: print(error)"
        )
        assert "Add it to the environment: pip install pyarrow" in run(prefix, code)

    def test_one_that_is_installed_comes_first(self, prefix: Path) -> None:
        packages = next(prefix.glob("lib/python3*/site-packages"))
        (packages / "mltable.py").write_text("")
        assert run(prefix, WHERE) == str(packages / "mltable.py")

    @pytest.mark.parametrize("extends", ["", "pkgutil"])
    def test_parts_of_microsofts_come_first(self, prefix: Path, extends: str) -> None:
        """Some of its packages have an `azureml/__init__.py`, and some have none."""
        theirs = next(prefix.glob("lib/python3*/site-packages")) / "azureml"
        (theirs / "mlflow").mkdir(parents=True)
        (theirs / "mlflow" / "__init__.py").write_text("VERSION = 'theirs'")
        if extends:
            text = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)"
            (theirs / "__init__.py").write_text(text)

        code = "import azureml.mlflow as m, azureml.core as c; print(m.VERSION, c.VERSION)"
        assert run(prefix, code) == "theirs 1.0"

    def test_whose_core_it_is_can_be_told(self, prefix: Path) -> None:
        assert not _offered.is_microsofts(prefix)
        theirs = next(prefix.glob("lib/python3*/site-packages")) / "azureml" / "core"
        theirs.mkdir(parents=True)
        (theirs / "__init__.py").write_text("")
        assert _offered.is_microsofts(prefix)

    def test_nothing_is_imported_unless_it_is_asked_for(self, prefix: Path) -> None:
        code = "import sys; print([m for m in sys.modules if 'azureml' in m or 'mltable' in m])"
        assert run(prefix, code) == "[]"

    def test_twice_is_once(self, prefix: Path) -> None:
        before = sorted((prefix / "lib").iterdir())
        _offered.offer(prefix)
        assert sorted((prefix / "lib").iterdir()) == before


class TestRefresh:
    def test_another_versions_stay_beside_ours(self, prefix: Path) -> None:
        """Jobs that run have theirs until they end."""
        ours = next(prefix.glob("lib/lazur-packages-*"))
        old = ours.with_name("lazur-packages")
        ours.rename(old)
        packages = next(prefix.glob("lib/python3*/site-packages"))
        shutil.move(packages / "lazur_packages.pth", packages / "lazur_mltable.pth")
        assert not _offered.is_offered(prefix)
        _offered.offer(prefix)

        assert _offered.is_offered(prefix)
        assert run(prefix, WHERE).startswith(str(ours))
        assert old.is_dir()
        assert not (packages / "lazur_mltable.pth").exists()
