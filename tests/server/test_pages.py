from __future__ import annotations

import re
from importlib.resources import files

import pytest
from starlette.applications import Starlette

from lazur.server import pages
from tests.server.edge import Answer, call, cookie, gate

STATIC = files("lazur.server").joinpath("static")
NAMES = sorted(entry.name for entry in STATIC.iterdir())
PAGES = [
    "/",
    "/sign-in",
    "/jobs/default/happy_pen_1",
    "/jobs/default/happy_pen_1/mini-batches",
    "/tensorboard/default/happy_pen_1,b",
]
HTML = ("accept", "text/html")


def browse(path: str, *headers: tuple[str, str], method: str = "GET") -> Answer:
    return call(gate(Starlette(routes=pages.routes())), method, path, *headers)


class TestRoutes:
    @pytest.mark.parametrize("path", PAGES)
    def test_pages_are_html(self, path: str) -> None:
        got = browse(path, cookie())
        assert got.status == 200
        assert got.headers["content-type"] == "text/html; charset=utf-8"
        assert browse(path, cookie(), method="HEAD").status == 200

    def test_only_sign_in_is_for_everybody(self) -> None:
        assert [browse(path, HTML).status for path in PAGES] == [303, 200, 303, 303, 303]

    @pytest.mark.parametrize("name", NAMES)
    def test_static_files_have_types_and_tags(self, name: str) -> None:
        got = browse(f"/static/{name}")
        kinds = {"js": "text/javascript", "css": "text/css", "html": "text/html"}
        kind = kinds.get(name.rpartition(".")[2], "image/svg+xml")
        assert got.headers["content-type"].startswith(kind)
        again = browse(f"/static/{name}", ("if-none-match", got.headers["etag"]))
        assert (again.status, again.body) == (304, b"")

    @pytest.mark.parametrize("name", ["", "x.js", "%2e%2e/pages.py", "../pages.py", "base.css/"])
    def test_nothing_else_is_there(self, name: str) -> None:
        assert browse(f"/static/{name}").status in {307, 400, 404}


class TestSources:
    @pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(".html")])
    def test_nothing_inline_and_nothing_foreign(self, name: str) -> None:
        """What the policy would block would also not work."""
        text = STATIC.joinpath(name).read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", text)
        assert not re.search(r"(?:src|href)=\"(?!/|#)", text)
        assert '<html lang="en">' in text
        assert "<noscript>" in text

    @pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(".js")])
    def test_scripts_have_no_way_to_make_markup_of_text(self, name: str) -> None:
        text = STATIC.joinpath(name).read_text()
        sinks = (
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc"
        )
        assert not re.search(sinks, text)

    @pytest.mark.parametrize("name", NAMES)
    def test_no_other_host_is_named(self, name: str) -> None:
        text = STATIC.joinpath(name).read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://", text)
