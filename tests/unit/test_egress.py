"""Which addresses the server and its programs may connect to (S52)."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from lazur.egress import ANYWHERE, PUBLIC, Refused, Rule, confine, confined, is_public
from lazur.errors import Invalid

PRIVATE = [
    "127.0.0.1",
    "127.9.9.9",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.127.255.255",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1%eth0",
    "fd00::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "64:ff9b::7f00:1",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
    "::127.0.0.1",
    "::ffff:0:127.0.0.1",
    "fec0::1",
]
NO_ADDRESSES = ["localhost", "127.1", "0x7f.1", "2130706433", "017700000001", "example.org", ""]


class TestPublic:
    @pytest.mark.parametrize(
        "address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"]
    )
    def test_these_are(self, address: str) -> None:
        assert is_public(address)
        assert PUBLIC.permits(address, 443)

    @pytest.mark.parametrize("address", PRIVATE + NO_ADDRESSES)
    def test_these_are_not(self, address: str) -> None:
        assert not is_public(address)
        assert not PUBLIC.permits(address, 443)
        with pytest.raises(Refused, match="egress_allow"):
            PUBLIC.check(address, 443)


class TestRule:
    @pytest.mark.parametrize(
        "entry, address, port",
        [
            ("10.0.0.0/8", "10.1.2.3", 9000),
            ("10.1.2.3", "10.1.2.3", 1),
            ("10.1.2.3:9000", "10.1.2.3", 9000),
            ("10.1.2.3", "::ffff:10.1.2.3", 1),
            ("10.0.0.0/8:443", "10.1.2.3", 443),
            ("[fd00::1]:9000", "fd00::1", 9000),
            ("fd00::/8", "fd12::1", 80),
            ("localhost", "127.0.0.1", 80),
            ("LocalHost:80", "127.0.0.1", 80),
            (" * ", "127.0.0.1", 80),
        ],
    )
    def test_what_the_owner_named_is_permitted(self, entry: str, address: str, port: int) -> None:
        assert Rule.of([entry]).permits(address, port)

    @pytest.mark.parametrize(
        "entry, address, port",
        [
            ("10.0.0.0/8", "11.0.0.1.example", 80),
            ("10.0.0.0/8", "169.254.169.254", 80),
            ("10.1.2.3", "10.1.2.4", 80),
            ("10.1.2.3:9000", "10.1.2.3", 9001),
            ("[fd00::1]:9000", "fd00::1", 9001),
            ("::/0", "::ffff:169.254.169.254", 80),
            ("localhost:80", "127.0.0.1", 81),
            ("localhost", "127.0.0.2", 80),
            ("no-such-name.invalid", "127.0.0.1", 80),
            ("10.0.0.0/8", "localhost", 80),
        ],
    )
    def test_and_nothing_else(self, entry: str, address: str, port: int) -> None:
        assert not Rule.of([entry]).permits(address, port)

    @pytest.mark.parametrize(
        "entry",
        ["10.0.0.0/8", "10.1.2.3:9000", "[fd00::/8]:443", "fd00::/8", "localhost:80", "a.b", "*"],
    )
    def test_another_process_is_told_the_same(self, entry: str) -> None:
        rule = Rule.of([entry])
        assert Rule.of(rule.written()) == rule

    @pytest.mark.parametrize(
        "entry",
        ["", "10.0.0.1/8", "0x7f.1", "127.1", "http://x/", "a b", "x:0", "x:99999", "[::1", "*.x"],
    )
    def test_what_is_neither_network_nor_name_is_refused(self, entry: str) -> None:
        with pytest.raises(Invalid, match="in egress_allow"):
            Rule.of([entry])


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server


class TestConfined:
    def test_a_connection_is_refused_whoever_makes_it(self, listening: socket.socket) -> None:
        to = listening.getsockname()
        with confined(PUBLIC), pytest.raises(Refused):
            socket.create_connection(to, 5)
        assert _nobody_came(listening)

    @pytest.mark.parametrize("name", ["localhost", "0x7f.1", "2130706433", "017700000001"])
    def test_by_whatever_name(self, listening: socket.socket, name: str) -> None:
        with confined(PUBLIC), pytest.raises(Refused):
            socket.create_connection((name, listening.getsockname()[1]), 5)
        assert _nobody_came(listening)

    def test_what_was_refused_is_told_to_who_confined(self, listening: socket.socket) -> None:
        with confined(PUBLIC) as outer:
            with confined(PUBLIC) as inner, pytest.raises(Refused):
                socket.create_connection(listening.getsockname(), 5)
            assert inner.refused is outer.refused is not None

    def test_other_threads_are_free(self, listening: socket.socket) -> None:
        with confined(PUBLIC):
            other = threading.Thread(
                target=lambda: socket.create_connection(listening.getsockname(), 5).close()
            )
            other.start()
            other.join()
        assert not _nobody_came(listening)

    def test_it_ends(self, listening: socket.socket) -> None:
        with confined(PUBLIC), confined(ANYWHERE):
            socket.create_connection(listening.getsockname(), 5).close()
        socket.create_connection(listening.getsockname(), 5).close()

    def test_a_thread_may_be_confined_for_good(self, listening: socket.socket) -> None:
        refused: list[Refused] = []

        def work() -> None:
            confine(PUBLIC)
            try:
                socket.create_connection(listening.getsockname(), 5)
            except Refused as error:
                refused.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert len(refused) == 1

    def test_sockets_of_the_machine_itself_are_not_its_concern(self) -> None:
        with confined(PUBLIC):
            one, other = socket.socketpair()
        one.close()
        other.close()


class TestRestrict:
    @pytest.mark.parametrize(
        "call",
        ["connect(to)", "connect_ex(to)", "sendto(b'', to)", "sendmsg([b''], [], 0, to)"],
    )
    def test_a_whole_process_reaches_nobody_private_but_who_is_named(
        self, call: str, listening: socket.socket
    ) -> None:
        kind = "SOCK_STREAM" if "connect" in call else "SOCK_DGRAM"
        program = f"""
import socket, sys
from lazur import egress
egress.restrict(egress.Rule.of(["127.0.0.1:" + sys.argv[1]]))
for port in (int(sys.argv[1]), 9):
    to = ("127.0.0.1", port)
    with socket.socket(socket.AF_INET, socket.{kind}) as made:
        try:
            made.{call}
            print("through")
        except egress.Refused:
            print("refused")
"""
        port = str(listening.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-c", program, port], capture_output=True, check=True
        )
        assert done.stdout.split() == [b"through", b"refused"]


def _nobody_came(listening: socket.socket) -> bool:
    listening.setblocking(False)
    try:
        listening.accept()[0].close()
    except BlockingIOError:
        return True
    return False
