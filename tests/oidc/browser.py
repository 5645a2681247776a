"""What a browser does at a provider's pages: cookies, redirects, forms. They need no script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit
from urllib.request import (
    HTTPCookieProcessor,
    HTTPRedirectHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

_MOST_STEPS = 20


@dataclass
class Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict[str, str])


@dataclass
class Page:
    url: str
    status: int
    text: str

    @property
    def forms(self) -> list[Form]:
        reader = _Forms()
        reader.feed(self.text)
        return reader.found


class Browser:
    """`home` is where we are: a redirect there ends the walk, and is not followed."""

    def __init__(self, home: str) -> None:
        self.home = home
        self._opener: OpenerDirector = build_opener(
            ProxyHandler({}), HTTPCookieProcessor(), _Stays
        )

    def sign_in(self, url: str, login: str) -> dict[str, str]:
        """Open a sign-in address, fill in whatever is asked, agree; then what was brought home."""
        return self.brought(self.answer(self.open(url), login))

    def refuse(self, url: str) -> dict[str, str]:
        """The same, but turn round at the login page."""
        page = self.open(url)
        return self.brought(self.open(page.url.rstrip("/") + "/abort"))

    def answer(self, page: Page, login: str) -> Page:
        """Fill in forms as they come, until there is none or we are home."""
        for _ in range(_MOST_STEPS):
            if page.url.startswith(self.home) or not page.forms:
                return page
            form = page.forms[0]
            given = {**form.fields}
            if "login" in given:
                given |= {"login": login, "password": "any"}
            page = self.open(urljoin(page.url, form.action), given)
        raise AssertionError(f"no end of forms at {page.url}")

    def open(self, url: str, form: Mapping[str, str] | None = None) -> Page:
        data = urlencode(form).encode() if form is not None else None
        for _ in range(_MOST_STEPS):
            if url.startswith(self.home):
                return Page(url, 200, "")
            status, location, text = self._asked(url, data)
            if location is None:
                return Page(url, status, text)
            url, data = urljoin(url, location), None
        raise AssertionError(f"no end of redirects at {url}")

    def brought(self, page: Page) -> dict[str, str]:
        assert page.url.startswith(self.home), f"{page.status} {page.url}: {page.text[:2000]}"
        return dict(parse_qsl(urlsplit(page.url).query))

    def _asked(self, url: str, data: bytes | None) -> tuple[int, str | None, str]:
        try:
            with self._opener.open(Request(url, data), timeout=20) as answer:
                return answer.status, None, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.headers.get("Location"), error.read().decode()


class _Stays(HTTPRedirectHandler):
    """Redirects are followed above, to see where they lead."""

    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        return None


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(given.get("action", "")))
        elif tag == "input" and self.found and given.get("name"):
            self.found[-1].fields[given["name"]] = given.get("value", "")
