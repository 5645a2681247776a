from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from lazur.errors import Invalid
from lazur.server.settings import Settings, default_home, described, load


def loaded(
    home: Path, text: str = "", flags: dict[str, Any] | None = None, **env: str
) -> Settings:
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(text)
    return load(home, flags, env)


class TestLoad:
    def test_without_anything_it_is_safe(self, tmp_path: Path) -> None:
        made = load(tmp_path, {}, {})
        assert (made.host, made.tls, made.role, made.scheme) == ("127.0.0.1", False, "all", "http")
        assert made.hosts == {"localhost", "lazur.localhost", "127.0.0.1", "::1"}

    def test_the_later_place_wins(self, tmp_path: Path) -> None:
        file = 'port = 1\nlog_level = "debug"\nmax_body = 1'
        made = loaded(
            tmp_path, file, {"port": "3", "max_url": None}, LAZUR_PORT="2", LAZUR_MAX_BODY="2"
        )
        assert (made.port, made.max_body, made.log_level, made.max_url) == (3, 2, "debug", 16384)

    def test_every_type_is_read_from_text(self, tmp_path: Path) -> None:
        env = {"LAZUR_TLS": "Yes", "LAZUR_ALLOWED_HOSTS": "a.example, b.example,"}
        made = loaded(tmp_path, "", {}, **env, LAZUR_BODY_SECONDS="2.5", LAZUR_ROLE="api")
        assert made.tls is True
        assert made.allowed_hosts == ("a.example", "b.example")
        assert (made.body_seconds, made.role) == (2.5, "api")
        assert {"a.example", "localhost"} <= made.hosts

    def test_lists_and_booleans_of_toml(self, tmp_path: Path) -> None:
        made = loaded(tmp_path, 'tls = true\nallowed_hosts = ["a.example"]')
        assert (made.tls, made.allowed_hosts) == (True, ("a.example",))

    def test_variables_of_clients_and_jobs_are_none_of_ours(self, tmp_path: Path) -> None:
        assert loaded(tmp_path, LAZUR_TOKEN="x", LAZUR_ATTEMPT="y", LAZUR_SERVER="z").port == 0

    @pytest.mark.parametrize(
        "text, said, hint",
        [
            ("prot = 1", "no setting 'prot'", "Did you mean port?"),
            ("allowed-hosts = []", "no setting 'allowed-hosts'", "Did you mean allowed_hosts?"),
            ("zzz = 1", "no setting 'zzz'", "Settings are: "),
            ("home = '/x'", "no setting 'home'", ""),
            ("[limits]\nx = 1", "no setting 'limits'", ""),
            ('port = "abc"', "port = 'abc' is not a whole number", "Port to listen on"),
            ("port = -1", "not a whole number", ""),
            ("port = true", "not a whole number", ""),
            ("port = 1.5", "not a whole number", ""),
            ('tls = "maybe"', "not true or false", ""),
            ('role = "both"', "one of all, api, loops", ""),
            ("allowed_hosts = [1]", "not a list of names", ""),
            ("host = 1", "not text", ""),
            ("body_seconds = 0", "not a number of seconds", ""),
            ("host = x", "not valid TOML", "quotes"),
        ],
    )
    def test_what_is_wrong_is_said_with_its_place(
        self, tmp_path: Path, text: str, said: str, hint: str
    ) -> None:
        with pytest.raises(Invalid, match=re.escape(said)) as caught:
            loaded(tmp_path, text)
        assert "config.toml" in caught.value.message
        assert hint in str(caught.value.hint)

    def test_the_place_may_be_the_environment(self, tmp_path: Path) -> None:
        with pytest.raises(Invalid, match="the environment: port"):
            loaded(tmp_path, LAZUR_PORT="x")

    def test_the_place_may_be_the_command_line(self, tmp_path: Path) -> None:
        with pytest.raises(Invalid, match="the command line: role"):
            loaded(tmp_path, "", {"role": "x"})

    def test_bytes_that_are_no_text(self, tmp_path: Path) -> None:
        (tmp_path / "config.toml").write_bytes(b"\xff")
        with pytest.raises(Invalid, match="cannot be read"):
            load(tmp_path, {}, {})


class TestBind:
    OPEN = ("0.0.0.0", "::", "192.0.2.7", "ml.example.org", "localhost.evil.example")

    @pytest.mark.parametrize("host", OPEN)
    def test_beyond_loopback_it_needs_tls(self, tmp_path: Path, host: str) -> None:
        with pytest.raises(Invalid, match="without encryption"):
            load(tmp_path, {"host": host}, {})

    @pytest.mark.parametrize("host", OPEN)
    def test_or_an_explicit_word(self, tmp_path: Path, host: str) -> None:
        assert load(tmp_path, {"host": host, "tls": True}, {}).host == host
        assert load(tmp_path, {"host": host, "insecure_bind": True}, {}).host == host

    @pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
    def test_loopback_needs_nothing(self, tmp_path: Path, host: str) -> None:
        assert load(tmp_path, {"host": host}, {}).host == host

    def test_a_wildcard_is_no_name_of_ours(self, tmp_path: Path) -> None:
        made = load(tmp_path, {"host": "0.0.0.0", "tls": True}, {})
        assert "0.0.0.0" not in made.hosts
        assert made.client_host() == "127.0.0.1"

    def test_ipv6_stands_in_brackets(self, tmp_path: Path) -> None:
        assert load(tmp_path, {"host": "::1"}, {}).client_host() == "[::1]"


class TestDescribed:
    def test_each_setting_has_a_sentence(self) -> None:
        assert all(text.endswith(".") for _, _, text in described())
        assert {"host", "port", "tls", "role"} <= {name for name, _, _ in described()}


class TestDefaultHome:
    def test_it_is_told_or_in_the_persons_home(self, tmp_path: Path) -> None:
        assert default_home({"LAZUR_HOME": str(tmp_path)}) == tmp_path
        assert default_home({}) == Path.home() / ".lazur"
