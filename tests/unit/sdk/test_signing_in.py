"""Signing in from a command line, over real HTTP, with a browser that follows redirects."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from lazur.errors import Invalid, Unauthenticated
from lazur.sdk import signing_in
from lazur.sdk.http import Address, Http
from lazur.sdk.signing_in import SignedIn
from tests.unit.sdk.sign_in_house import House

ADA = SignedIn("lzr_new", "ada", None)


@pytest.fixture
def house() -> Iterator[House]:
    with House.open() as opened:
        yield opened


@pytest.fixture
def http(house: House) -> Iterator[Http]:
    made = Http(Address(house.url), patience=0.0)
    yield made
    made.close()


def silent(text: str) -> None:
    """Nobody reads it."""


def visit(url: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    try:
        with build_opener(ProxyHandler({})).open(Request(url, headers=headers), timeout=10) as got:
            return got.status, got.read().decode(), dict(got.headers)
    except HTTPError as error:
        with error:
            return error.code, error.read().decode(), dict(error.headers)


class Browser:
    """Opens what it is told to in a thread of its own, as a real one would."""

    def __init__(self, walk: Callable[[str], Any] = visit) -> None:
        self.walk = walk
        self.seen: list[Any] = []
        self.opened: list[str] = []
        self.thread = threading.Thread(target=self._run)

    def __call__(self, url: str) -> bool:
        self.opened.append(url)
        self.thread.start()
        return True

    def _run(self) -> None:
        self.seen.append(self.walk(self.opened[0]))


class TestBrowser:
    def test_somebody_signs_in(self, house: House, http: Http) -> None:
        browser, said = Browser(), list[str]()
        assert signing_in.by_browser(http, said.append, browser) == ADA
        browser.thread.join()
        ((status, text, headers),) = browser.seen
        assert (status, "You can close this window" in text) == (200, True)
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "asks whether you want to sign in" in said[0]

    def test_the_address_shows_neither_verifier_nor_token(self, house: House, http: Http) -> None:
        browser = Browser()
        signing_in.by_browser(http, silent, browser)
        browser.thread.join()
        query = parse_qs(urlsplit(browser.opened[0]).query)
        assert set(query) == {"redirect_uri", "state", "code_challenge", "code_challenge_method"}
        assert query["redirect_uri"][0].startswith("http://127.0.0.1:")

    def test_who_says_no_is_not_signed_in(self, house: House, http: Http) -> None:
        house.says_yes = False
        browser = Browser()
        with pytest.raises(Unauthenticated, match="declined"):
            signing_in.by_browser(http, silent, browser)
        browser.thread.join()
        assert "not signed in" in browser.seen[0][1]

    def test_an_address_is_shown_where_no_browser_opens(self, http: Http) -> None:
        said: list[str] = []
        with pytest.raises(Unauthenticated, match="Nobody signed in") as caught:
            signing_in.by_browser(http, said.append, lambda url: False, seconds=0.01)
        assert "/sign-in/cli?" in said[-1]
        assert "--device" in (caught.value.hint or "")

    def test_whoever_else_knocks_is_turned_away(self, house: House, http: Http) -> None:
        """A page or a program that guesses the port does not end the sign-in, nor start another
        one in its place."""

        def walk(url: str) -> list[int]:
            query = parse_qs(urlsplit(url).query)
            back, state = query["redirect_uri"][0], query["state"][0]
            evil = urlencode({"code": "evil", "state": "x" * 43})
            return [
                visit(f"{back}?{evil}")[0],
                visit(back)[0],
                visit(back.replace("/callback", "/favicon.ico"))[0],
                visit(f"{back}?code=evil&state={state}", Host="evil.example.org")[0],
                visit(f"{back}?code=evil&state={state}&state=x")[0],
                visit(url)[0],
            ]

        browser = Browser(walk)
        assert signing_in.by_browser(http, silent, browser) == ADA
        browser.thread.join()
        assert browser.seen == [[400, 400, 404, 404, 400, 200]]

    def test_a_stolen_code_is_worth_nothing(self, house: House, http: Http) -> None:
        """Whoever reads the address has no verifier."""
        browser = Browser()
        stolen = Http(Address(house.url))

        def steal(url: str) -> Any:
            back = house.page({k: v[0] for k, v in parse_qs(urlsplit(url).query).items()})
            code = parse_qs(urlsplit(back).query)["code"][0]
            body = {
                "code": code,
                "code_verifier": "x" * 43,
                "redirect_uri": back.partition("?")[0],
            }
            with pytest.raises(Unauthenticated):
                stolen.request("POST", signing_in.TOKENS, json=body)
            return visit(back)

        browser.walk = steal
        with pytest.raises(Unauthenticated):
            signing_in.by_browser(http, silent, browser)
        browser.thread.join()
        stolen.close()

    def test_nobody_listens_afterwards(self, http: Http) -> None:
        browser = Browser()
        signing_in.by_browser(http, silent, browser)
        browser.thread.join()
        back = urlsplit(parse_qs(urlsplit(browser.opened[0]).query)["redirect_uri"][0])
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", back.port or 0), timeout=5)

    def test_a_connection_that_says_nothing_holds_nobody_up(self, http: Http) -> None:
        """Browsers open some to be quick."""
        idle: list[socket.socket] = []

        def walk(url: str) -> Any:
            port = urlsplit(parse_qs(urlsplit(url).query)["redirect_uri"][0]).port or 0
            idle.append(socket.create_connection(("127.0.0.1", port)))
            return visit(url)

        browser = Browser(walk)
        assert signing_in.by_browser(http, silent, browser) == ADA
        browser.thread.join()
        idle[0].close()


class Time:
    """Passes by sleeping only, for the house too."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.slept: list[float] = []
        self.then: dict[int, Callable[[], None]] = {}

    def __call__(self) -> float:
        return self.house.ahead

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.house.ahead += seconds
        self.then.pop(len(self.slept), lambda: None)()


class TestCode:
    @pytest.fixture
    def time(self, house: House) -> Time:
        return Time(house)

    def sign_in(self, http: Http, time: Time, said: list[str]) -> SignedIn:
        return signing_in.by_code(http, said.append, time.sleep, time)

    def decide(self, house: House, said: list[str], *, approved: bool) -> Callable[[], None]:
        return lambda: house.decide(said[0].rpartition(" ")[2], approved=approved)

    def test_somebody_types_the_code_in(self, house: House, http: Http, time: Time) -> None:
        said: list[str] = []
        time.then[3] = self.decide(house, said, approved=True)
        assert self.sign_in(http, time, said) == ADA
        assert time.slept == [5.0, 5.0, 5.0]
        assert f"open {house.url}/device in any browser" in said[0]
        assert said[1] == "Waiting for that, for 10 minutes …"

    def test_who_says_no_ends_it(self, house: House, http: Http, time: Time) -> None:
        said: list[str] = []
        time.then[1] = self.decide(house, said, approved=False)
        with pytest.raises(Unauthenticated, match="access_denied"):
            self.sign_in(http, time, said)

    def test_it_waits_no_longer_than_the_code_is_good(
        self, house: House, http: Http, time: Time
    ) -> None:
        with pytest.raises(Unauthenticated, match="expired_token"):
            self.sign_in(http, time, [])
        assert sum(time.slept) == 600
        assert house.polls <= 120

    def test_nor_for_a_server_that_never_comes_back(
        self, house: House, http: Http, time: Time
    ) -> None:
        time.then[1] = lambda: setattr(house, "is_away", 10**6)
        with pytest.raises(Unauthenticated, match="not used in time"):
            self.sign_in(http, time, [])
        assert (sum(time.slept), max(time.slept)) == (600, 60)

    def test_it_slows_down_when_told_to(self, house: House, http: Http, time: Time) -> None:
        said: list[str] = []

        def hasten() -> None:
            """As if less time had passed there."""
            house.ahead -= 4

        time.then = {2: hasten, 4: self.decide(house, said, approved=True)}
        assert self.sign_in(http, time, said) == ADA
        assert time.slept == [5.0, 5.0, 10.0, 10.0]

    def test_a_server_that_is_away_is_waited_for(
        self, house: House, http: Http, time: Time
    ) -> None:
        said: list[str] = []

        def leave() -> None:
            house.is_away = 2

        time.then = {2: leave, 5: self.decide(house, said, approved=True)}
        assert self.sign_in(http, time, said) == ADA
        assert [text for text in said if "Still waiting" in text] == [
            "The server does not answer just now. Still waiting …"
        ]
        assert time.slept[2:4] == [10.0, 20.0]

    def test_what_the_server_sends_cannot_steer_the_terminal(
        self, house: House, http: Http, time: Time
    ) -> None:
        said: list[str] = []
        house.url += "/\x1b[2J\x07"
        time.then[1] = self.decide(house, said, approved=True)
        self.sign_in(http, time, said)
        assert all(text.isprintable() for text in said)


class TestPrivate:
    """Nothing is asked there, so nobody has to be there."""

    ELSEWHERE = Http(Address("http://192.0.2.1:8765"), patience=0.0, timeout=0.1)

    def test_no_token_is_fetched_in_clear_by_the_browser(self) -> None:
        with pytest.raises(Invalid, match="without encryption"):
            signing_in.by_browser(self.ELSEWHERE, silent, lambda url: False, seconds=0.01)

    def test_nor_by_a_code(self) -> None:
        with pytest.raises(Invalid, match="without encryption"):
            signing_in.by_code(self.ELSEWHERE, silent)


class TestHasBrowser:
    @pytest.mark.parametrize(
        "environ, platform, found",
        [
            ({"DISPLAY": ":0"}, "linux", True),
            ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
            ({}, "linux", False),
            ({}, "darwin", True),
            ({"SSH_CONNECTION": "x"}, "darwin", False),
            ({"SSH_TTY": "/dev/pts/1", "DISPLAY": "localhost:10"}, "linux", False),
            ({"BROWSER": "w3m", "SSH_TTY": "x"}, "linux", True),
        ],
    )
    def test_one_in_front_of_the_person(
        self, environ: dict[str, str], platform: str, found: bool
    ) -> None:
        assert signing_in.has_browser(environ, platform) is found


class TestStart:
    def test_the_client_does_not_load_it(self) -> None:
        code = "import sys, lazur, lazur.sdk.client; sys.exit('webbrowser' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
