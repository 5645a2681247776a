"""Signing in and out from the command line, against a real server."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, build_opener

import pytest

from tests.cli.conftest import Cli

CHROMIUM = (
    os.environ.get("LAZUR_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")
)
GOOD = "violet trapeze mollusc 9"


@pytest.fixture
def url(lazur: Cli) -> str:
    return str(lazur.ok("server", "start")["url"])


def asked(lazur: Cli, url: str, method: str, path: str, body: Any = None) -> Any:
    """As the owner."""
    token = (lazur.home / "token").read_text().strip()
    data = None if body is None else json.dumps(body).encode()
    request = Request(url + path, data, {"Authorization": f"Bearer {token}"}, method=method)
    with build_opener().open(request, timeout=20) as answer:
        return json.loads(answer.read() or b"null")


def wait_for(found: Any, patience: float = 20.0) -> Any:
    end = time.monotonic() + patience
    while not (got := found()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return got


class TestDevice:
    def test_a_code_is_typed_in_elsewhere(self, lazur: Cli, alone: Cli, url: str) -> None:
        running = alone.start("login", "--server", url, "--device")
        try:
            assert running.stderr is not None
            said = running.stderr.readline()
            (code,) = re.findall(r"\b[A-Z]{4}-[A-Z]{4}\b", said)
            assert f"{url}/sign-in/device" in said
            assert asked(lazur, url, "GET", f"/api/v1/device-codes/{code}")["label"]
            asked(lazur, url, "POST", f"/api/v1/device-codes/{code}/approve", {})
            out, err = running.communicate(timeout=60)
        finally:
            running.kill()
        assert running.returncode == 0, err
        assert json.loads(out)["kind"] == "user"
        kept = (alone.home / "credentials.toml").read_text()
        assert "lzr_" in kept
        assert "lzr_" not in out + said + err
        assert alone.ok("workspace", "list")

    def test_who_says_no_signs_nothing_in(self, lazur: Cli, alone: Cli, url: str) -> None:
        running = alone.start("login", "--server", url, "--use-device-code")
        assert running.stderr is not None
        (code,) = re.findall(r"\b[A-Z]{4}-[A-Z]{4}\b", running.stderr.readline())
        asked(lazur, url, "POST", f"/api/v1/device-codes/{code}/deny", {})
        _, err = running.communicate(timeout=60)
        assert running.returncode == 1
        assert "declined" in err
        assert not (alone.home / "credentials.toml").exists()


class TestServices:
    def test_a_service_signs_in_for_an_hour(self, lazur: Cli, alone: Cli, url: str) -> None:
        asked(lazur, url, "POST", "/api/v1/services", {"name": "nightly"})
        made = lazur.ok("service", "secret", "create", "-n", "nightly", "--days", "1")
        words = ("login", "--server", url, "--service-principal", "-u", "nightly")
        done = alone(*words, "-p", "-", given=made["secret"])
        assert done.code == 0, done.err
        assert json.loads(done.out)["name"] == "nightly"
        assert made["secret"] not in done.out + done.err
        assert alone(*words, "-p", "wrong").code == 1
        (kept,) = lazur.ok("service", "secret", "list", "-n", "nightly")
        assert "secret" not in kept
        gone = lazur("service", "secret", "delete", "-n", "nightly", "--id", kept["id"])
        assert gone.code == 0, gone.err
        assert alone(*words, "-p", "-", given=made["secret"]).code == 1


class TestLogout:
    def test_the_token_ends_there_and_here(self, lazur: Cli, alone: Cli, url: str) -> None:
        token = asked(lazur, url, "POST", "/api/v1/me/tokens", {"label": "short"})["token"]
        assert alone("login", "--server", url, "--token", "-", given=token).code == 0
        assert alone("logout").code == 0
        assert token not in (alone.home / "credentials.toml").read_text()
        again = ("login", "--server", url, "--token", "-")
        wait_for(lambda: alone(*again, given=token).code == 1)

    def test_this_machines_server_needs_none(self, alone: Cli) -> None:
        done = alone("logout")
        assert done.code == 1
        assert "needs no sign-in" in done.err


class TestPasswords:
    def test_an_administrator_sets_one(self, lazur: Cli, url: str) -> None:
        asked(lazur, url, "POST", "/api/v1/users", {"name": "bea"})
        done = lazur("user", "set-password", "-n", "bea", given=GOOD + "\n")
        assert done.code == 0, done.err
        assert GOOD not in done.out + done.err
        assert "password" in asked(lazur, url, "GET", "/api/v1/users/bea")["signs_in_by"]
        weak = lazur("user", "set-password", "-n", "bea", given="bea\n")
        assert weak.code == 1
        assert lazur("user", "set-password", "-n", "bea", "--remove").code == 0
        assert "password" not in asked(lazur, url, "GET", "/api/v1/users/bea")["signs_in_by"]


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (apt install chromium)")
class TestBrowser:
    def test_the_browser_beside_it_signs_it_in(
        self, lazur: Cli, alone: Cli, url: str, tmp_path: Path
    ) -> None:
        sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
        opened, opener = tmp_path / "opened", tmp_path / "opener"
        opener.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}.new\nmv {opened}.new {opened}\n')
        opener.chmod(0o700)
        code = asked(lazur, url, "POST", "/api/v1/sign-in-codes", {})["url"]
        with in_terminal(alone, opener, "login", "--server", url) as running:
            wait_for(opened.exists)
            with sync_api.sync_playwright() as play:
                browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                page = browser.new_page()
                page.goto(code)
                page.wait_for_url(f"{url}/")
                page.goto(opened.read_text())
                page.click("#yes")
                page.wait_for_selector("text=You are signed in")
                browser.close()
            out, err = running.communicate(timeout=30)
        assert running.returncode == 0, err
        assert json.loads(out)["kind"] == "user"
        assert alone.ok("workspace", "list")


@contextmanager
def in_terminal(cli: Cli, opener: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """With a terminal for its input, as a person has it."""
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "lazur.cli", *words],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cli.folder,
        env={**os.environ, "LAZUR_HOME": str(cli.home), "BROWSER": str(opener)},
    )
    try:
        yield running
    finally:
        running.kill()
        running.communicate(timeout=120)
        os.close(theirs)
        os.close(ours)
