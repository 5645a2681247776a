"""HTTPS beside HTTP: where it is, and that it is there again."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from lazur.server.secure import Secure
from lazur.server.settings import Settings

OWN = "http://127.0.0.1:8765"


class Listening:
    def __init__(self, settings: Settings) -> None:
        self.sockets: list[socket.socket] = []
        self.certificates: list[tuple[str, str]] = []
        self.secure = Secure(settings, self.listen)

    async def listen(self, sock: socket.socket, certificate: tuple[str, str]) -> None:
        self.sockets.append(sock)
        self.certificates.append(certificate)

    @property
    def ports(self) -> list[int]:
        return [sock.getsockname()[1] for sock in self.sockets]

    def close(self) -> None:
        for sock in self.sockets:
            sock.close()


class TestSecure:
    @pytest.mark.parametrize(
        "host, name",
        [
            ("localhost:8765", "localhost"),
            ("ml.example.org", "ml.example.org"),
            ("[::1]:1", "[::1]"),
        ],
    )
    def test_it_is_told_by_the_name_that_the_caller_used(
        self, tmp_path: Path, host: str, name: str
    ) -> None:
        there = Listening(Settings(home=tmp_path))
        url = asyncio.run(there.secure.url(OWN, host))
        assert url == f"https://{name}:{there.ports[0]}"
        assert all(Path(path).exists() for path in there.certificates[0])
        there.close()

    def test_many_who_ask_at_once_open_one(self, tmp_path: Path) -> None:
        there = Listening(Settings(home=tmp_path))

        async def ask() -> set[str]:
            return set(await asyncio.gather(*(there.secure.url(OWN, "localhost") for _ in "abc")))

        assert len(asyncio.run(ask())) == len(there.ports) == 1
        there.close()

    def test_after_a_restart_it_is_where_it_was(self, tmp_path: Path) -> None:
        first, second = Listening(Settings(home=tmp_path)), Listening(Settings(home=tmp_path))
        asyncio.run(first.secure.resume())
        assert first.ports == []
        asyncio.run(first.secure.url(OWN, "localhost"))
        before = first.ports
        first.close()
        asyncio.run(second.secure.resume())
        assert second.ports == before
        second.close()

    @pytest.mark.parametrize("text", ["99999\n", "-1", "0", "soon", ""])
    def test_a_port_that_is_none_is_forgotten(self, tmp_path: Path, text: str) -> None:
        there = Listening(Settings(home=tmp_path))
        (tmp_path / "tls").mkdir()
        (tmp_path / "tls" / "port").write_text(text)
        asyncio.run(there.secure.resume())
        assert len(there.ports) == 1
        there.close()

    def test_of_several_proxies_it_is_the_one_that_the_caller_knows(self, tmp_path: Path) -> None:
        origins = ("https://a.example.org", "https://b.example.org")
        behind = Listening(Settings(home=tmp_path, allowed_origins=origins))
        for host, url in (("b.example.org", origins[1]), ("localhost:8765", origins[0])):
            assert asyncio.run(behind.secure.url(OWN, host)) == url

    def test_where_https_is_spoken_already_nothing_is_opened(self, tmp_path: Path) -> None:
        spoken = Listening(Settings(home=tmp_path, tls=True))
        assert asyncio.run(spoken.secure.url("https://here:1", "x")) == "https://here:1"
        behind = Listening(Settings(home=tmp_path, allowed_origins=("https://ml.example.org",)))
        assert asyncio.run(behind.secure.url(OWN, "x")) == "https://ml.example.org"
        assert spoken.ports == behind.ports == []
