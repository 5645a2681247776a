from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lazur.errors import Invalid
from lazur.server import doors
from lazur.server.settings import load

WRITTEN = {"issuer": "https://login.example.org/t", "client_id": "lazur"}


def read(environ: dict[str, str] | None = None, **more: Any) -> Any:
    (door,) = doors.read({"entra": {**WRITTEN, **more}}, environ or {})
    return door


class TestRead:
    def test_without_more_it_lets_nobody_new_in(self) -> None:
        door = read()
        assert (door.create_users, dict(door.groups)) == (False, {})
        assert (door.provider.name, door.provider.client_secret) == ("entra", None)

    def test_the_secret_is_in_a_file_or_a_variable(self, tmp_path: Path) -> None:
        file = tmp_path / "secret"
        file.write_text("hidden\n")
        for door in (
            read(client_secret_file=str(file)),
            read({"PROVIDER": "hidden"}, client_secret_env="PROVIDER"),
        ):
            assert door.provider.client_secret == "hidden"
            assert "hidden" not in repr(door)

    @pytest.mark.parametrize(
        "more, said",
        [
            ({"client_secret": "x"}, "does not belong into this file"),
            ({"client_secret_file": "/nowhere/x"}, "cannot be read"),
            ({"client_secret_env": "NOWHERE"}, "no variable 'NOWHERE'"),
            ({"client_secret_env": "A", "client_secret_file": "b"}, "write one of them"),
            ({"create_users": "yes"}, "must be true or false"),
            ({"groups": ["a"]}, "write pairs"),
            ({"groups": {"a": 1}}, "name of a group here"),
            ({"isuer": "x"}, "no setting 'isuer'"),
            ({"issuer": "http://login.example.org"}, "not the address of a provider"),
            ({"algorithms": ["HS256"]}, "only the provider can sign with"),
        ],
    )
    def test_what_is_wrong_is_said_with_its_place(self, more: dict[str, Any], said: str) -> None:
        with pytest.raises(Invalid, match=said) as raised:
            read(**more)
        assert raised.value.message.startswith("[oidc.entra]: ")

    @pytest.mark.parametrize("written", ["x", {"entra": "x"}])
    def test_only_tables(self, written: Any) -> None:
        with pytest.raises(Invalid, match="table"):
            doors.read(written, {})

    @pytest.mark.parametrize(
        "issuer, address",
        [
            ("https://login.example.org/t", "login.example.org:443"),
            ("https://login.example.org:8443", "login.example.org:8443"),
            ("http://[::1]:9000", "[::1]:9000"),
        ],
    )
    def test_its_own_address_may_be_private_and_no_other(self, issuer: str, address: str) -> None:
        assert doors.reached(read(issuer=issuer)) == [address]

    def test_the_file_of_settings_holds_them(self, tmp_path: Path) -> None:
        text = '[oidc.entra]\nissuer = "https://login.example.org/t"\nclient_id = "lazur"\n'
        (tmp_path / "config.toml").write_text(text)
        (door,) = doors.read(load(tmp_path, {}, {}).oidc)
        assert door.provider.issuer == "https://login.example.org/t"
