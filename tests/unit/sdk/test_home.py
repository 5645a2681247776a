from __future__ import annotations

from pathlib import Path

import pytest

import lazur
from lazur.errors import Invalid, Unauthenticated
from lazur.sdk import home as homes
from lazur.sdk.client import connect


class TestFind:
    def test_takes_the_argument_then_the_variable_then_the_persons_folder(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("LAZUR_HOME", "/somewhere")
        assert homes.find(tmp_path) == tmp_path
        assert homes.find() == Path("/somewhere")
        monkeypatch.setenv("LAZUR_HOME", "")
        assert homes.find() == Path.home() / ".lazur"

    def test_makes_nothing(self) -> None:
        assert not homes.find().exists()


class TestDefaults:
    def test_come_back_as_they_were_written(self, home: Path) -> None:
        sections = {
            "defaults": {"workspace": 'odd "name" \\ ü', "n": 1},
            "core": {"no_color": True},
        }
        homes.save_defaults(home, sections)
        assert homes.defaults(home) == sections

    def test_a_broken_file_is_named(self, home: Path) -> None:
        (home / "defaults.toml").write_text("workspace")
        with pytest.raises(Invalid, match=r"defaults\.toml"):
            homes.defaults(home)


class TestTokens:
    def test_lie_in_a_file_that_only_its_owner_reads(self, home: Path) -> None:
        homes.save_token(home, "https://a.example/", "one")
        homes.save_token(home, "https://b.example", "two")
        assert (home / "credentials.toml").stat().st_mode & 0o777 == 0o600
        assert homes.token_for(home, "https://a.example") == "one"

    def test_go_to_their_own_server_only(self, home: Path) -> None:
        homes.save_token(home, "https://a.example", "one")
        assert homes.token_for(home, "https://a.example.evil.org") is None
        with pytest.raises(Unauthenticated, match="evil"):
            connect("https://a.example.evil.org")

    def test_can_be_forgotten(self, home: Path) -> None:
        homes.save_token(home, "https://a.example", "one")
        homes.save_token(home, "https://a.example", None)
        assert homes.token_for(home, "https://a.example") is None


class TestConnect:
    """Without a server: an address that is given is not asked until it is needed."""

    def test_arguments_win_over_variables_and_those_over_defaults(
        self, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        homes.save_token(home, "https://saved.example", "s")
        homes.save_defaults(
            home, {"defaults": {"server": "https://saved.example", "workspace": "saved"}}
        )
        assert (connect().url, connect().workspace_name) == ("https://saved.example", "saved")
        monkeypatch.setenv("LAZUR_SERVER", "https://told.example")
        monkeypatch.setenv("LAZUR_TOKEN", "t")
        monkeypatch.setenv("LAZUR_WORKSPACE", "told")
        assert (connect().url, connect().workspace_name) == ("https://told.example", "told")
        client = connect("https://given.example", "g", "given")
        assert (client.url, client.workspace_name) == ("https://given.example", "given")
        assert client.http.address.token == "g"

    def test_a_client_that_is_made_finds_its_server_likewise(self, home: Path) -> None:
        homes.save_token(home, "https://saved.example", "s")
        homes.save_defaults(home, {"defaults": {"server": "https://saved.example"}})
        client = lazur.Client()
        assert (client.url, client.workspace_name) == ("https://saved.example", "default")
        assert lazur.Client(workspace="lab").workspace_name == "lab"
        with pytest.raises(Invalid, match="text, this is a object") as caught:
            lazur.Client(object(), "subscription", "group", "lab")  # pyright: ignore[reportArgumentType]
        assert "lazur azure env" in (caught.value.hint or "")

    def test_the_homes_own_token_stays_with_its_own_server(self, home: Path) -> None:
        (home / "token").write_text("owner")
        with pytest.raises(Unauthenticated):
            connect("https://elsewhere.example")
