"""The venv builder, on tiny packages of its own and without an index."""

from __future__ import annotations

import contextlib
import io
import os
import platform
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lazur.builders import _bytecode, _fence, _turns
from lazur.builders.venv import Venv
from lazur.engine.contracts import Builder, Built
from lazur.engine.recipe import Recipe
from lazur.errors import BuildFailed
from lazur.testing.builders import BuilderContract, never
from tests.builders import packages

SLEEPS = "import time\ntime.sleep(60)\n"


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages that a person's pip would use; there is no index."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    for name in [n for n in os.environ if n.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "no-pyenv"))
    packages.wheel(folder, "alpha", "1.0", needs="Requires-Dist: beta>=2\n")
    packages.wheel(folder, "beta", "2.1")
    packages.wheel(folder, "beta", "1.0")
    packages.source(folder, "sleeper", "1.0", backend=SLEEPS)
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


@pytest.fixture(autouse=True)
def _no_background(monkeypatch: pytest.MonkeyPatch) -> None:
    """Temporary folders are deleted sooner than a compiler would end."""
    monkeypatch.setattr(_bytecode, "start", lambda lock, prefix: None)


@pytest.fixture
def venv(shelf: Path, root: Path) -> Venv:
    return Venv(str(root))


def build(venv: Venv, recipe: Recipe) -> tuple[Built, str]:
    log = io.BytesIO()
    return venv.build(recipe, log, never), log.getvalue().decode()


def run(built: Built, code: str) -> str:
    done = subprocess.run(
        [f"{built.prefix}/bin/python", "-c", code], capture_output=True, check=True, text=True
    )
    return done.stdout.strip()


class TestContract(BuilderContract):
    @pytest.fixture
    def make(self, shelf: Path, root: Path) -> Callable[[], Builder]:
        return lambda: Venv(str(root))

    @pytest.fixture
    def recipe(self) -> Recipe:
        return Recipe(requirements=["alpha"])

    @pytest.fixture
    def slow(self) -> Recipe:
        return Recipe(requirements=["sleeper"])


class TestContractOfAnEmptyEnvironment(BuilderContract):
    @pytest.fixture
    def make(self, shelf: Path, root: Path) -> Callable[[], Builder]:
        return lambda: Venv(str(root))

    @pytest.fixture
    def slow(self) -> Recipe:
        return Recipe(requirements=["sleeper"])


class TestBuild:
    def test_dependencies_are_resolved_locked_and_hashed(self, venv: Venv) -> None:
        built, log = build(venv, Recipe(requirements=["alpha==1.0"]))
        assert "beta==2.1" in built.lock
        assert built.lock.count("--hash=sha256:") == 2
        assert run(built, "import alpha, beta; print('ok')") == "ok"
        assert " + alpha==1.0" in log

    def test_console_scripts_run_from_their_final_place(self, venv: Venv) -> None:
        built, _ = build(venv, Recipe(requirements=["alpha"]))
        done = subprocess.run([f"{built.prefix}/bin/alpha-tool"], capture_output=True, check=True)
        assert done.stdout == b"alpha 1.0\n"

    def test_files_are_shared_with_the_cache(self, venv: Venv, root: Path) -> None:
        built, _ = build(venv, Recipe(requirements=["alpha"]))
        (module,) = Path(built.prefix).glob("lib/python*/site-packages/alpha.py")
        assert module.stat().st_nlink > 1

    def test_no_requirements_need_no_resolution(self, venv: Venv) -> None:
        built, _ = build(venv, Recipe())
        assert built.lock == ""
        assert "resolve" not in built.seconds

    def test_times_are_given_by_phase(self, venv: Venv) -> None:
        built, _ = build(venv, Recipe(requirements=["alpha"]))
        assert set(built.seconds) == {"python", "resolve", "install"}
        assert all(seconds >= 0 for seconds in built.seconds.values())

    def test_a_tampered_package_is_refused(self, venv: Venv, shelf: Path, root: Path) -> None:
        """The kept lock no longer fits, so it is resolved anew; a lock that lies is never used."""
        recipe = Recipe(requirements=["beta==2.1"])
        first, _ = build(venv, recipe)
        venv.remove(venv.key(recipe))
        shutil.rmtree(root / "uv-cache")
        packages.wheel(shelf, "beta", "2.1", code="def main():\n    print('other')\n")
        second, log = build(venv, recipe)
        assert "Hash mismatch" in log
        assert second.lock != first.lock

    def test_a_pruned_environment_comes_back_with_the_same_versions(
        self, venv: Venv, shelf: Path
    ) -> None:
        recipe = Recipe(requirements=["beta"])
        build(venv, recipe)
        venv.remove(venv.key(recipe))
        packages.wheel(shelf, "beta", "3.0")
        again, _ = build(venv, recipe)
        assert "beta==2.1" in again.lock
        assert "resolve" not in again.seconds

    def test_what_only_an_image_builder_can_make_is_refused_with_the_reason(
        self, venv: Venv
    ) -> None:
        with pytest.raises(BuildFailed, match="apt-get"):
            build(venv, Recipe(kind="image", reason="line 2 runs apt-get"))

    def test_an_option_is_not_taken_from_a_requirement(self, venv: Venv, tmp_path: Path) -> None:
        """Even if a recipe is not checked: requirements travel in a file, never as arguments."""
        canary = tmp_path / "canary"
        with pytest.raises(BuildFailed):
            build(venv, Recipe(requirements=[f"$(touch {canary})"]))
        with pytest.raises(BuildFailed):
            build(venv, Recipe(requirements=["alpha; touch x", f"`touch {canary}`"]))
        assert not canary.exists()

    def test_pre_releases_are_taken_when_allowed(self, venv: Venv, shelf: Path) -> None:
        packages.wheel(shelf, "beta", "9.0rc1")
        built, _ = build(venv, Recipe(requirements=["beta", "--pre"]))
        assert "beta==9.0rc1" in built.lock


class TestPython:
    def test_an_absent_one_is_an_error_that_lists_those_present(self, venv: Venv) -> None:
        with pytest.raises(BuildFailed, match=r"3\.99") as caught:
            build(venv, Recipe(python="3.99"))
        assert platform.python_version() in str(caught.value.hint)

    def test_a_bare_image_runs_on_the_closest(self, venv: Venv) -> None:
        built, log = build(venv, Recipe(python="3.99", exact_python=False))
        assert len(built.warnings) == 1
        assert "closest" in built.warnings[0]
        assert built.warnings[0] in log

    def test_another_patch_level_serves_with_a_warning(self, venv: Venv) -> None:
        major, minor = sys.version_info[:2]
        built, _ = build(venv, Recipe(python=f"{major}.{minor}.99"))
        assert "serves for it" in built.warnings[0]


class TestFailure:
    def test_an_unknown_package_is_named(self, venv: Venv) -> None:
        with pytest.raises(BuildFailed) as caught:
            build(venv, Recipe(requirements=["gamma"]))
        assert "gamma" in caught.value.message
        assert caught.value.details["phase"] == "resolve"
        assert "gamma" in caught.value.details["log_tail"]

    def test_a_version_that_does_not_exist_tells_which_does(self, venv: Venv) -> None:
        with pytest.raises(BuildFailed) as caught:
            build(venv, Recipe(requirements=["beta==9"]))
        assert "beta==9" in caught.value.message
        assert "beta 2.1" in str(caught.value.hint)

    def test_a_conflict_is_told_in_a_sentence(self, venv: Venv) -> None:
        with pytest.raises(BuildFailed, match=r"do not fit together.*beta") as caught:
            build(venv, Recipe(requirements=["alpha", "beta<2"]))
        assert "Loosen" in str(caught.value.hint)

    def test_a_source_that_does_not_build_says_so(self, venv: Venv, shelf: Path) -> None:
        packages.source(shelf, "broken", "1.0", backend="raise RuntimeError('no compiler')\n")
        with pytest.raises(BuildFailed, match="broken") as caught:
            build(venv, Recipe(requirements=["broken"]))
        assert "no compiler" in caught.value.details["log_tail"]

    def test_an_unreachable_index_is_told_apart(
        self, venv: Venv, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
        monkeypatch.setenv("UV_HTTP_RETRIES", "0")
        with pytest.raises(BuildFailed, match=r"network.*127\.0\.0\.1") as caught:
            build(venv, Recipe(requirements=["gamma"]))
        assert "proxy" in str(caught.value.hint)

    def test_nothing_is_left_behind(self, venv: Venv, root: Path) -> None:
        with pytest.raises(BuildFailed):
            build(venv, Recipe(requirements=["gamma"]))
        assert [p for p in (root / "envs").iterdir() if not p.name.startswith(".")] == []
        assert list((root / "envs" / ".tmp").iterdir()) == []


class TestCancel:
    def test_the_whole_process_group_ends(self, venv: Venv, shelf: Path, tmp_path: Path) -> None:
        note = tmp_path / "pid"
        packages.source(
            shelf,
            "stubborn",
            "1.0",
            backend=(
                "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
                f"open({str(note)!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)\n"
            ),
        )
        with pytest.raises(BuildFailed, match="canceled"):
            venv.build(Recipe(requirements=["stubborn"]), io.BytesIO(), _written(note))
        assert _gone(int(note.read_text()))

    def test_the_next_build_works(self, venv: Venv) -> None:
        with pytest.raises(BuildFailed, match="canceled"):
            venv.build(Recipe(requirements=["sleeper"]), io.BytesIO(), lambda: True)
        assert build(venv, Recipe(requirements=["alpha"]))[0].python


class TestTogether:
    def test_two_who_ask_at_once_build_once(self, shelf: Path, root: Path) -> None:
        recipe = Recipe(requirements=["alpha"])
        logs = [io.BytesIO() for _ in range(3)]
        made: list[Built] = []

        def ask(log: io.BytesIO) -> None:
            made.append(Venv(str(root)).build(recipe, log, never))

        threads = [threading.Thread(target=ask, args=(log,)) for log in logs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(made) == 3
        assert made[0] == made[1] == made[2]
        assert sum(b"Ready." in log.getvalue() for log in logs) == 1

    def test_who_waits_says_so_and_can_be_canceled(self, venv: Venv, shelf: Path) -> None:
        with _Another(venv, Recipe(requirements=["sleeper"])) as pid:
            log = io.BytesIO()
            with pytest.raises(BuildFailed, match="canceled"):
                venv.build(
                    Recipe(requirements=["sleeper"]), log, lambda: b"waiting" in log.getvalue()
                )
            assert str(pid) in log.getvalue().decode()


class TestKilled:
    def test_a_killed_builder_leaves_nothing_that_counts(self, venv: Venv, root: Path) -> None:
        recipe = Recipe(requirements=["sleeper"])
        with _Another(venv, recipe) as pid:
            os.kill(pid, signal.SIGKILL)
        _kill_orphans(root)
        assert venv.find(venv.key(recipe)) is None
        _wait_until_free(root, venv.key(recipe))
        build(venv, Recipe(requirements=["alpha"]))
        left = {p.name for p in (root / "envs").iterdir() if not p.name.startswith(".")}
        assert left == {venv.key(Recipe(requirements=["alpha"]))}
        assert list((root / "envs" / ".tmp").iterdir()) == []

    def test_half_an_environment_is_built_anew(self, venv: Venv, root: Path) -> None:
        recipe = Recipe(requirements=["beta"])
        half = root / "envs" / venv.key(recipe)
        (half / "bin").mkdir(parents=True)
        (half / "bin" / "python").write_text("broken")
        assert venv.find(venv.key(recipe)) is None
        assert run(build(venv, recipe)[0], "import beta; print('ok')") == "ok"

    def test_a_moved_root_is_built_anew(self, venv: Venv, root: Path, tmp_path: Path) -> None:
        recipe = Recipe(requirements=["beta"])
        build(venv, recipe)
        root.rename(tmp_path / "moved")
        moved = Venv(str(tmp_path / "moved"))
        assert moved.find(moved.key(recipe)) is None
        assert build(moved, recipe)[0].prefix.startswith(str(tmp_path / "moved"))


class TestSecrets:
    def test_scripts_of_packages_see_no_variables_of_the_server(
        self, venv: Venv, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen = tmp_path / "seen"
        packages.source(
            shelf,
            "nosy",
            "1.0",
            backend=f"import os\nopen({str(seen)!r}, 'w').write(repr(dict(os.environ)))\n",
        )
        monkeypatch.setenv("LAZUR_TOKEN", "hunter2")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
        monkeypatch.setenv("DATABASE_PASSWORD", "hunter2")
        with pytest.raises(BuildFailed):
            build(venv, Recipe(requirements=["nosy"]))
        assert "hunter2" not in seen.read_text()
        assert "LAZUR" not in seen.read_text()

    @pytest.mark.skipif(not _fence.possible(), reason="this kernel has no Landlock")
    @pytest.mark.parametrize("inner", ["", "envs"])
    def test_scripts_of_packages_cannot_touch_the_servers_files(
        self, shelf: Path, tmp_path: Path, inner: str
    ) -> None:
        """S24. The canary proves that the script ran, and that other files stay open to it."""
        home, seen = tmp_path / "home", tmp_path / "seen"
        (home / inner).mkdir(parents=True)
        (home / "token").write_text("hunter2")
        (home / "tls").mkdir()
        (home / "tls" / "key.pem").write_text("hunter2")
        (tmp_path / "link").symlink_to(home)
        seen.write_text("")
        packages.source(shelf, "thief", "1.0", backend=_thief(home, tmp_path / "link", seen))
        with pytest.raises(BuildFailed):
            build(Venv(str(home / inner)), Recipe(requirements=["thief"]))
        said = seen.read_text()
        assert "hunter2" not in said
        assert said.count("PermissionError") >= 4, said
        assert (home / "token").read_text() == "hunter2"

    def test_a_fenced_build_works(self, shelf: Path, tmp_path: Path) -> None:
        (tmp_path / "home").mkdir()
        (tmp_path / "home" / "token").write_text("hunter2")
        built, _ = build(Venv(str(tmp_path / "home")), Recipe(requirements=["alpha"]))
        (module,) = Path(built.prefix).glob("lib/python*/site-packages/alpha.py")
        assert module.stat().st_nlink > 1

    def test_working_folders_are_private(self, venv: Venv, root: Path) -> None:
        build(venv, Recipe())
        for folder in (root, root / "envs", root / "envs" / ".tmp", root / "uv-cache"):
            assert folder.stat().st_mode & 0o077 == 0


class TestBytecode:
    def test_it_is_compiled_in_the_background(
        self, venv: Venv, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
        built, _ = build(venv, Recipe(requirements=["beta"]))
        _bytecode.compile_all(root / "envs" / ".locks" / "bytecode", Path(built.prefix))
        assert (Path(built.prefix) / _bytecode.MARKER).exists()
        assert list(Path(built.prefix).glob("lib/python*/site-packages/__pycache__/beta.*.pyc"))

    def test_what_was_removed_meanwhile_does_not_come_back(self, tmp_path: Path) -> None:
        _bytecode.compile_all(tmp_path / "lock", tmp_path / "gone")
        assert not (tmp_path / "gone").exists()


def _thief(home: Path, link: Path, seen: Path) -> str:
    tries = [
        f"open({str(home / 'token')!r}).read()",
        f"open({str(home / 'tls' / 'key.pem')!r}).read()",
        f"open({str(link / 'token')!r}).read()",
        f"open({str(home / 'token')!r}, 'w').write('mine')",
    ]
    return "".join(
        f"try:\n    said = str({code})\nexcept OSError as error:\n    said = repr(error)\n"
        f"open({str(seen)!r}, 'a').write(said)\n"
        for code in tries
    )


def _written(note: Path) -> Callable[[], bool]:
    return lambda: note.exists() and note.read_text() != ""


def _gone(pid: int) -> bool:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


class _Another:
    """Another process that builds, and is in the middle of it."""

    def __init__(self, venv: Venv, recipe: Recipe) -> None:
        code = (
            "import io, sys\nfrom lazur.builders.venv import Venv\n"
            "from lazur.engine.recipe import Recipe\n"
            f"Venv({venv.root!r}).build(Recipe(requirements={recipe.requirements!r}), "
            "sys.stdout.buffer, lambda: False)\n"
        )
        self._process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)

    def __enter__(self) -> int:
        assert self._process.stdout
        for line in self._process.stdout:
            if b"Resolving" in line:
                break
        return self._process.pid

    def __exit__(self, *error: object) -> None:
        assert self._process.stdout
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


def _kill_orphans(root: Path) -> None:
    """uv outlived its builder; on a real machine it would end by itself. It may be starting
    others."""
    while orphans := list(_orphans(root)):
        for pid in orphans:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert all(_gone(pid) for pid in orphans)


def _wait_until_free(root: Path, key: str) -> None:
    """One that was just being started is not known as an orphan yet, and holds the lock too."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with _turns.tried(root / "envs" / ".locks" / key) as mine:
            if mine:
                return
        _kill_orphans(root)
        time.sleep(0.02)
    raise AssertionError("something still builds")


def _orphans(root: Path) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if f"UV_CACHE_DIR={root}/".encode() in (entry / "environ").read_bytes():
                    yield int(entry.name)


@pytest.mark.network
class TestIndex:
    def test_packages_come_from_an_index_too(self, root: Path) -> None:
        built, _ = build(Venv(str(root)), Recipe(requirements=["six"]))
        assert run(built, "import six; print(six.PY3)") == "True"
        assert "--hash=sha256:" in built.lock
