from __future__ import annotations

from pathlib import Path

import pytest

from lazur.builders import _pip_settings


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr(_pip_settings, "MACHINE", tmp_path / "etc" / "pip.conf")
    return {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path / "xdg")}


def write(home: Path, text: str, where: str = ".config/pip/pip.conf") -> None:
    path = home / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


class TestAsUv:
    def test_variables_are_told_in_uvs_words(self, environ: dict[str, str]) -> None:
        environ.update(
            PIP_INDEX_URL="https://i.test/simple",
            PIP_EXTRA_INDEX_URL="https://e.test/simple https://f.test/simple",
            PIP_FIND_LINKS="/srv/a /srv/b",
            PIP_TRUSTED_HOST="i.test",
            PIP_CERT="/srv/ca.pem",
        )
        told = _pip_settings.as_uv(environ)
        assert told["UV_DEFAULT_INDEX"] == "https://i.test/simple"
        assert told["UV_INDEX"] == "https://e.test/simple https://f.test/simple"
        assert told["UV_FIND_LINKS"] == "/srv/a,/srv/b"
        assert told["UV_INSECURE_HOST"] == "i.test"
        assert told["SSL_CERT_FILE"] == "/srv/ca.pem"

    def test_the_users_file_is_read(self, environ: dict[str, str], tmp_path: Path) -> None:
        write(tmp_path, "[global]\nfind_links = /srv/a\n  /srv/b\n[install]\nno-binary = x\n")
        told = _pip_settings.as_uv(environ)
        assert told["UV_FIND_LINKS"] == "/srv/a,/srv/b"
        assert told["UV_NO_BINARY_PACKAGE"] == "x"

    def test_later_files_and_then_variables_win(
        self, environ: dict[str, str], tmp_path: Path
    ) -> None:
        write(tmp_path, "[global]\nindex-url = https://old.test\n", ".pip/pip.conf")
        write(tmp_path, "[global]\nindex-url = https://new.test\n")
        assert _pip_settings.as_uv(environ)["UV_DEFAULT_INDEX"] == "https://new.test"
        environ["PIP_INDEX_URL"] = "https://variable.test"
        assert _pip_settings.as_uv(environ)["UV_DEFAULT_INDEX"] == "https://variable.test"

    def test_what_uv_was_told_already_stays(self, environ: dict[str, str]) -> None:
        environ.update(PIP_INDEX_URL="https://pip.test", UV_DEFAULT_INDEX="https://uv.test")
        assert "UV_DEFAULT_INDEX" not in _pip_settings.as_uv(environ)

    def test_more_indexes_are_searched_as_pip_does(self, environ: dict[str, str]) -> None:
        environ["PIP_EXTRA_INDEX_URL"] = "https://e.test"
        assert _pip_settings.as_uv(environ)["UV_INDEX_STRATEGY"] == "unsafe-best-match"
        environ["UV_INDEX_STRATEGY"] = "first-index"
        assert "UV_INDEX_STRATEGY" not in _pip_settings.as_uv(environ)

    def test_the_null_file_switches_files_off(
        self, environ: dict[str, str], tmp_path: Path
    ) -> None:
        write(tmp_path, "[global]\nindex-url = https://x.test\n")
        environ["PIP_CONFIG_FILE"] = "/dev/null"
        assert "UV_DEFAULT_INDEX" not in _pip_settings.as_uv(environ)

    def test_a_damaged_file_is_passed_over(self, environ: dict[str, str], tmp_path: Path) -> None:
        write(tmp_path, "index-url = no section\n")
        assert "UV_DEFAULT_INDEX" not in _pip_settings.as_uv(environ)


class TestAsLines:
    @pytest.mark.parametrize(
        "value, lines", [("1", ["--no-index"]), ("true", ["--no-index"]), ("0", [])]
    )
    def test_no_index(self, environ: dict[str, str], value: str, lines: list[str]) -> None:
        assert _pip_settings.as_lines({**environ, "PIP_NO_INDEX": value}) == lines
