from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from lazur.sdk import git
from lazur.sdk.git import look, without_credentials

IDENTITY = ["-c", "user.name=a", "-c", "user.email=a@example.org"]


def run(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *IDENTITY, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "train.py").write_text("print(1)\n")
    (folder / "readme").write_text("x\n")
    run(folder, "init", "-q", "-b", "main")
    run(folder, "add", ".")
    run(folder, "commit", "-q", "-m", "first")
    run(folder, "remote", "add", "origin", "https://user:token@example.org/team/code.git?key=1")
    return folder


class TestLook:
    def test_a_clean_folder(self, repository: Path) -> None:
        found = look(repository / "src", {})
        assert found is not None
        assert found.properties() == {
            "mlflow.source.git.repoURL": "https://example.org/team/code.git",
            "mlflow.source.git.branch": "main",
            "mlflow.source.git.commit": run(repository, "rev-parse", "HEAD"),
            "azureml.git.dirty": "False",
        }
        assert found.diff is None

    def test_uncommitted_changes_can_be_applied_again(self, repository: Path) -> None:
        (repository / "src" / "train.py").write_text("print(2)\n")
        found = look(repository / "src", {})
        assert found is not None
        assert found.dirty == "True"
        assert found.diff is not None
        run(repository, "checkout", "-q", ".")
        (repository / "patch").write_bytes(found.diff)
        run(repository, "apply", "patch")
        assert (repository / "src" / "train.py").read_text() == "print(2)\n"

    def test_staged_changes_are_uncommitted_too(self, repository: Path) -> None:
        (repository / "src" / "new.py").write_text("new\n")
        run(repository, "add", ".")
        found = look(repository / "src", {})
        assert found is not None
        assert b"+new" in (found.diff or b"")

    def test_an_untracked_file_makes_it_dirty(self, repository: Path) -> None:
        (repository / "src" / "new.py").touch()
        found = look(repository / "src", {})
        assert found is not None
        assert (found.dirty, found.diff) == ("True", None)

    def test_changes_elsewhere_are_not_of_this_folder(self, repository: Path) -> None:
        (repository / "readme").write_text("y\n")
        found = look(repository / "src", {})
        assert found is not None
        assert (found.dirty, found.diff) == ("False", None)

    def test_a_large_difference_is_cut(
        self, repository: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(git, "MAX_DIFF", 2000)
        (repository / "src" / "train.py").write_text("line\n" * 200_000)
        found = look(repository / "src", {})
        assert found is not None
        assert found.diff is not None
        assert len(found.diff) < 2100
        assert found.diff.endswith(b"larger than this\n")

    def test_of_a_binary_file_only_the_fact_is_kept(self, repository: Path) -> None:
        (repository / "src" / "train.py").write_bytes(bytes(range(256)) * 100)
        found = look(repository / "src", {})
        assert found is not None
        assert b"Binary files" in (found.diff or b"")
        assert len(found.diff or b"") < 500

    def test_a_detached_head_has_no_branch(self, repository: Path) -> None:
        run(repository, "checkout", "-q", "--detach")
        found = look(repository, {})
        assert found is not None
        assert found.branch is None
        assert found.commit == run(repository, "rev-parse", "HEAD")

    def test_a_repository_without_commits(self, tmp_path: Path) -> None:
        run(tmp_path, "init", "-q", "-b", "main")
        (tmp_path / "a").touch()
        run(tmp_path, "add", ".")
        found = look(tmp_path, {})
        assert found is not None
        assert (found.commit, found.branch, found.dirty, found.diff) == (
            None,
            "main",
            "True",
            None,
        )

    def test_the_remote_is_the_one_that_the_branch_follows(self, repository: Path) -> None:
        run(repository, "remote", "add", "fork", "git@example.org:me/code.git")
        run(repository, "update-ref", "refs/remotes/fork/main", "HEAD")
        run(repository, "branch", "-q", "--set-upstream-to=fork/main")
        found = look(repository, {})
        assert found is not None
        assert found.remote == "git@example.org:me/code.git"

    def test_outside_of_a_repository_no_git_is_started(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        program = tmp_path / "git"
        program.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
        program.chmod(0o755)
        assert look(tmp_path, {}) is None
        assert not (tmp_path / "started").exists()

    def test_without_git_there_is_nothing_to_say(
        self, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        assert look(repository, {}) is None

    def test_variables_come_first(self, repository: Path, tmp_path: Path) -> None:
        said = {
            "AZUREML_GIT_BRANCH": "release",
            "AZUREML_GIT_BUILD_ID": "7",
            "AZUREML_GIT_BUILD_URI": "https://ci.example.org/7",
        }
        found = look(repository, said)
        assert found is not None
        properties = found.properties()
        assert properties["mlflow.source.git.branch"] == "release"
        assert properties["azureml.git.build_id"] == "7"
        assert properties["mlflow.source.git.commit"]
        alone = look(tmp_path, said)
        assert alone is not None
        assert alone.commit is None
        assert alone.build_uri == "https://ci.example.org/7"

    def test_a_hook_of_another_repository_does_not_mislead(
        self, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = tmp_path / "other"
        other.mkdir()
        run(other, "init", "-q", "-b", "elsewhere")
        monkeypatch.setenv("GIT_DIR", str(other / ".git"))
        found = look(repository, {})
        assert found is not None
        assert found.branch == "main"

    @pytest.mark.parametrize(
        "setting",
        [
            "core.fsmonitor",
            "core.pager",
            "diff.external",
            "diff.evil.command",
            "diff.evil.textconv",
            "pager.status",
            "pager.diff",
        ],
    )
    def test_programs_in_the_repositorys_configuration_are_not_run(
        self, repository: Path, tmp_path: Path, setting: str
    ) -> None:
        run(repository, "config", setting, f"touch {tmp_path}/ran; false")
        (repository / "src" / ".gitattributes").write_text("*.py diff=evil\n")
        (repository / "src" / "train.py").write_text("print(2)\n")
        found = look(repository / "src", {})
        assert found is not None
        assert found.diff
        assert not (tmp_path / "ran").exists()

    def test_the_index_is_not_touched(self, repository: Path) -> None:
        os.utime(repository / "src" / "train.py", (1, 1))
        before = (repository / ".git" / "index").stat().st_mtime_ns
        look(repository, {})
        assert (repository / ".git" / "index").stat().st_mtime_ns == before


class TestWithoutCredentials:
    @pytest.mark.parametrize(
        "url,shown",
        [
            ("https://user:token@host/a.git", "https://host/a.git"),
            ("https://token@host:8443/a.git", "https://host:8443/a.git"),
            ("https://host/a.git?access_token=x#y", "https://host/a.git"),
            ("ssh://git:word@host:22/a.git", "ssh://git@host:22/a.git"),
            ("ssh://git@host/a.git", "ssh://git@host/a.git"),
            ("git@host:a.git", "git@host:a.git"),
            ("/srv/a.git", "/srv/a.git"),
        ],
    )
    def test_shows_the_place_only(self, url: str, shown: str) -> None:
        assert without_credentials(url) == shown
