from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.cli.conftest import Cli


class TestLifecycle:
    def test_starts_says_where_it_is_and_stops(self, alone: Cli) -> None:
        assert alone.ok("server", "status")["status"] == "stopped"
        assert alone.ok("server", "start")["status"] == "running"
        assert alone.ok("server", "status")["pid"] == alone.pid()
        assert alone("server", "stop").code == 0
        assert alone.ok("server", "status")["status"] == "stopped"
        assert not (alone.home / "server.json").exists()

    def test_starts_with_the_settings_that_are_given(self, alone: Cli, free_port: int) -> None:
        given = ("server", "start", "--port", str(free_port), "--tls")
        assert alone.ok(*given)["url"] == f"https://127.0.0.1:{free_port}"
        again = alone(*given)
        assert again.code == 1
        assert "lazur server stop" in again.err

    def test_a_wrong_setting_is_said(self, alone: Cli) -> None:
        done = alone("server", "start", "--log-level", "loud")
        assert done.code == 1
        assert "log_level = 'loud'" in done.err

    def test_many_commands_at_once_start_one(self, alone: Cli) -> None:
        with ThreadPoolExecutor(6) as pool:
            pids = list(pool.map(lambda _: alone.ok("server", "start")["pid"], range(6)))
        assert len(set(pids)) == 1

    def test_the_token_is_printed_alone(self, lazur: Cli) -> None:
        lazur.ok("server", "start")
        assert lazur("server", "token").out.strip() == (lazur.home / "token").read_text().strip()


class TestLogin:
    def test_another_home_signs_in_by_address_and_token(self, lazur: Cli, alone: Cli) -> None:
        url = lazur.ok("server", "start")["url"]
        secret = (lazur.home / "token").read_text()
        done = alone("login", "--server", url, "--token", "-", given=secret)
        assert done.code == 0, done.err
        assert secret.strip() not in done.out + done.err
        assert alone.ok("workspace", "list", "--query", "[].name") == ["default"] or alone.ok(
            "workspace", "show"
        )
        assert not (alone.home / "server.json").exists()

    def test_a_wrong_token_is_not_kept(self, lazur: Cli, alone: Cli) -> None:
        url = lazur.ok("server", "start")["url"]
        assert alone("login", "--server", url, "--token", "wrong").code == 1
        assert not (alone.home / "credentials.toml").exists()


class TestConfigure:
    def test_a_default_workspace_is_used(self, lazur: Cli) -> None:
        assert lazur("configure", "--defaults", "workspace=nowhere", "group=rg").code == 0
        try:
            assert "nowhere" in lazur("job", "list").err
            shown = lazur.ok("configure", "-l", "--query", "[?name=='workspace'].value")
            assert shown == ["nowhere"]
        finally:
            lazur("configure", "--defaults", "workspace=", "group=")
        assert lazur.ok("configure", "-l") == []

    def test_a_default_format_is_used(self, alone: Cli) -> None:
        alone("configure", "--defaults", "output=yaml")
        assert alone("version").out.startswith("lazur: ")

    @pytest.mark.parametrize("word", ["workspaec=x", "workspace"])
    def test_refuses_what_is_no_default(self, alone: Cli, word: str) -> None:
        assert alone("configure", "--defaults", word).code == 1

    def test_a_repository_cannot_bring_its_own(self, alone: Cli) -> None:
        """Else it could have our token sent to a server of its choice."""
        (alone.folder / ".lazur").mkdir()
        for name in ("config", "defaults.toml"):
            text = '[defaults]\nserver = "http://127.0.0.1:9"\n[core]\noutput = "none"\n'
            (alone.folder / ".lazur" / name).write_text(text)
        assert json.loads(alone("version").out)["lazur"]
        assert alone.ok("configure", "-l") == []
