from __future__ import annotations

import subprocess
import sys

import pytest

import lazur


def modules_after(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


class TestImport:
    def test_of_lazur_brings_nothing_else(self) -> None:
        assert {m for m in modules_after("import lazur") if m.startswith("lazur")} == {"lazur"}

    def test_of_pipelines_is_written_as_with_azures_client(self) -> None:
        """`from azure.ai.ml.dsl import pipeline`; nothing else may have been imported before."""
        code = "from lazur.dsl import condition, do_while, group, parallel_for, pipeline"
        check = "import lazur; assert lazur.pipeline is pipeline and lazur.dsl.group is group"
        slow = {"pydantic", "yaml", "lazur.sdk.http"}
        assert modules_after(f"{code}; {check}") & slow == set()

    def test_of_sweeps_is_written_as_with_azures_client(self) -> None:
        code = "from lazur.sweep import Choice, SweepJob; import lazur"
        found = modules_after(f"{code}; assert lazur.SweepJob is SweepJob and lazur.sweep.Choice")
        assert found & {"pydantic", "yaml", "lazur.sdk.http"} == set()

    def test_of_the_client_brings_nothing_slow(self) -> None:
        """Each of these takes a good part of what a whole command may."""
        slow = {"httpx", "pydantic", "fastapi", "sqlalchemy", "asyncio", "knack", "requests"}
        assert modules_after("import lazur; lazur.connect") & slow == set()

    def test_of_the_command_line_brings_no_client(self) -> None:
        found = modules_after("import lazur.cli.app")
        assert not {"lazur.sdk.http", "http.client", "pydantic", "yaml"} & found


class TestNames:
    def test_all_names_are_there(self) -> None:
        for name in lazur._HOME_OF:
            assert getattr(lazur, name) is not None
            assert name in dir(lazur)

    def test_another_name_is_an_attribute_error(self) -> None:
        with pytest.raises(AttributeError, match="no_such_name"):
            _ = lazur.no_such_name
