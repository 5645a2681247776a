"""The pages in a real Chromium, over a real server process whose API answers with hostile text."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
CHROMIUM = (
    os.environ.get("LAZUR_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")
)
ROOT = Path(__file__).parents[2]
CORPUS = [
    "<script>window.hit=1</script>",
    "<img src=x onerror=window.hit=1>",
    "<svg onload=window.hit=1>",
    '"><script>window.hit=1</script>',
    "' onmouseover='window.hit=1",
    "javascript:window.hit=1",
    "<iframe srcdoc='<script>parent.hit=1</script>'>",
    "</pre></code></title><script>window.hit=1</script>",
    "<a href='javascript:window.hit=1'>x</a>",
    "{{constructor.constructor('window.hit=1')()}}",
    "<img src='http://evil.example/leak'>",
    "\u202egnp.exe\u202c",
    "\x1b]8;;javascript:window.hit=1\x07click\x1b]8;;\x07 \x1b[31mred\x1b[0m",
    "-->]]><script>window.hit=1</script>",
]
HOSTILE = " ".join(CORPUS)
MINI_BATCHES = "/jobs/default/running/mini-batches"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (apt install chromium)"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("browser") / "home"
    command = [sys.executable, "-m", "tests.server.hostile", "--home", str(home)]
    env = {**os.environ, "HOSTILE": json.dumps(CORPUS)}
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        yield url.replace("127.0.0.1", "localhost")
        process.kill()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Tab:
    """A page that notes everything that must not happen."""

    def __init__(self, chromium: Any, server: str, **how: Any) -> None:
        self.url = server
        self.context = chromium.new_context(**how)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("dialog", lambda dialog: self.said.append(f"dialog: {dialog.message}"))

    def sign_in(self, next: str = "/", code: str = "good-code") -> None:  # noqa: A002
        self.page.goto(f"{self.url}/sign-in#code={code}&next={next}")

    def check(self) -> None:
        """No script ran, no policy was broken, nobody else was asked."""
        assert self.page.evaluate("window.hit") is None
        assert self.said == []
        assert [url for url in self.asked if not url.startswith(self.url + "/")] == []


@pytest.fixture
def tab(chromium: Any, server: str) -> Iterator[Tab]:
    made = Tab(chromium, server)
    yield made
    made.context.close()


class TestHostileText:
    @pytest.mark.parametrize("name", ["running", "failed", "finished"])
    def test_it_is_shown_as_text_on_the_job_page(self, tab: Tab, name: str) -> None:
        tab.sign_in(f"/jobs/default/{name}")
        tab.page.wait_for_url(f"**/jobs/default/{name}")
        tab.page.wait_for_selector(".log pre")
        tab.page.wait_for_timeout(300)
        text = tab.page.inner_text("main")
        for evil in CORPUS[:11]:
            assert evil in text
        assert (
            tab.page.locator("main script, main iframe, main img, main svg, main b").count() == 0
        )
        tab.check()

    def test_characters_that_turn_text_around_are_spelled_out(self, tab: Tab) -> None:
        tab.sign_in("/jobs/default/failed")
        tab.page.wait_for_selector(".log pre")
        text = tab.page.inner_text("main")
        assert "\\u202egnp.exe" in text
        assert "\u202e" not in text
        assert "\x1b" not in text

    def test_it_is_shown_as_text_in_the_list(self, tab: Tab) -> None:
        tab.sign_in("/")
        tab.page.wait_for_selector("tbody tr")
        assert CORPUS[0] in tab.page.inner_text("main")
        tab.check()


class TestRuns:
    @pytest.mark.parametrize("path", ["/", "/jobs/default/finished"])
    def test_mlflows_pages_are_one_click_away(self, tab: Tab, path: str) -> None:
        tab.sign_in(path)
        tab.page.wait_for_selector("#runs[href='/mlflow/workspaces/default/']")
        assert tab.page.locator("#runs").is_visible()
        tab.check()


class TestJobPage:
    def test_it_shows_state_log_and_end_live(self, tab: Tab) -> None:
        tab.sign_in("/jobs/default/live")
        tab.page.wait_for_selector("#status:has-text('Running')")
        tab.page.wait_for_selector("text=line 1 of the log")
        tab.page.wait_for_selector("text=line 4 of the log")
        tab.page.wait_for_selector("#status:has-text('Completed')")
        assert tab.page.locator("#cancel").is_hidden()
        lines = tab.page.inner_text("#log").split("\n")
        assert [line for line in lines if line] == [f"line {n} of the log" for n in range(1, 6)]
        tab.check()

    def test_it_cancels_after_asking(self, tab: Tab) -> None:
        tab.sign_in("/jobs/default/running")
        tab.page.click("text=Cancel job")
        tab.page.click("text=Keep it")
        assert not [url for url in tab.asked if url.endswith("/cancel")]
        tab.page.click("text=Cancel job")
        tab.page.click("text=Yes, cancel")
        tab.page.wait_for_selector("#status:has-text('CancelRequested')")
        tab.check()

    def test_scrolling_up_lets_go_of_the_end(self, tab: Tab) -> None:
        tab.sign_in("/jobs/default/long")
        tab.page.wait_for_selector("text=line 3000 of the log")
        assert tab.page.is_checked("#follow")
        tab.page.locator("#log").hover()
        tab.page.mouse.wheel(0, -2000)
        tab.page.wait_for_selector("#follow:not(:checked)")
        tab.page.check("#follow")
        end = "e => e.scrollHeight - e.scrollTop - e.clientHeight"
        assert tab.page.eval_on_selector("#log", end) < 5

    def test_what_was_canceled_is_no_failure(self, tab: Tab) -> None:
        tab.sign_in("/jobs/default/canceled")
        tab.page.wait_for_selector(".problem.calm:has-text('ana canceled it.')")
        tab.sign_in("/jobs/default/failed")
        tab.page.wait_for_selector(".problem:not(.calm)")
        tab.check()

    def test_a_job_that_is_not_there(self, tab: Tab) -> None:
        tab.sign_in("/jobs/default/nobody")
        tab.page.wait_for_selector("text=There is no such job")

    @pytest.mark.parametrize("width", [320, 390, 1200])
    @pytest.mark.parametrize(
        "path",
        [
            "/",
            "/jobs/default/failed",
            "/jobs/default/steps",
            "/jobs/default/sweep",
            MINI_BATCHES,
            "/sign-in",
            "/sign-in/device",
            "/sign-in/password",
        ],
    )
    def test_it_fits_every_screen(self, chromium: Any, server: str, width: int, path: str) -> None:
        tab = Tab(chromium, server, viewport={"width": width, "height": 800})
        tab.sign_in(path)
        tab.page.wait_for_timeout(500)
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
        tab.context.close()


class TestSteps:
    def rows(self, tab: Tab) -> list[str]:
        tab.page.wait_for_selector("#steps tbody tr")
        found = tab.page.locator("#steps tbody tr").all_inner_texts()
        return ["|".join(text.split("\t")).replace("\n", "") for text in found]

    def test_a_pipeline_shows_what_came_of_each(self, tab: Tab) -> None:
        tab.sign_in("/jobs/default/steps")
        evil, again, later, never = self.rows(tab)
        for word in CORPUS[:11]:
            assert word in evil
        assert again.startswith("again|Completed||done before, by ")
        assert later.startswith("later|NotStarted||waits for ")
        assert never == "never|NotRun||what it needs did not end well"
        assert tab.page.locator("#steps a").evaluate_all("all => all.map(a => a.pathname)") == [
            f"/jobs/default/{tab.page.evaluate('encodeURIComponent', f'p_{HOSTILE}')}",
            "/jobs/default/p_again",
        ]
        assert tab.page.locator("#log").is_hidden(), "it has none"
        assert not [url for url in tab.asked if "std_log" in url]
        tab.check()

    def test_from_a_step_one_goes_up(self, tab: Tab) -> None:
        tab.sign_in("/jobs/default/steps")
        tab.page.click("nav >> text=above")
        tab.page.wait_for_url("**/jobs/default/above")
        tab.check()

    def test_a_sweep_shows_what_each_trial_was_given_and_came_to(self, tab: Tab) -> None:
        tab.sign_in("/jobs/default/sweep")
        first, second, third = self.rows(tab)
        assert first.startswith("0|Completed|")
        assert first.endswith("|tree|3|0.123457|0.5 · best|1.5 s|")
        assert second == "1|Stopped at 2||||1||1.5 s|"
        assert third.startswith("2|Completed||||||1.5 s|")
        for word in CORPUS[:11]:
            assert word in tab.page.inner_text("#steps thead")
            assert word in third
        tab.check()

    def test_steps_come_live(self, tab: Tab) -> None:
        tab.sign_in("/jobs/default/growing")
        tab.page.wait_for_selector("#status:has-text('Completed')")
        tab.page.wait_for_selector("#steps tbody tr:nth-child(5)")
        tab.check()


class TestMiniBatches:
    def test_hostile_text_is_shown_as_text(self, tab: Tab) -> None:
        tab.sign_in(MINI_BATCHES)
        tab.page.wait_for_selector("tbody tr")
        assert CORPUS[0] in tab.page.inner_text("tbody")
        assert tab.page.locator("main script, main iframe, main img, main svg").count() == 0
        tab.check()

    def test_they_are_sorted_and_paged_and_the_address_says_how(self, tab: Tab) -> None:
        tab.sign_in(MINI_BATCHES)
        tab.page.wait_for_selector("text=1 to 100 of 300")
        tab.page.click("th button:has-text('rmse')")
        tab.page.wait_for_selector("th[aria-sort='ascending']:has-text('rmse')")
        tab.page.click("th button:has-text('rmse')")
        tab.page.wait_for_selector("th[aria-sort='descending']:has-text('rmse')")
        tab.page.click("text=After")
        tab.page.wait_for_selector("text=101 to 200 of 300")
        assert tab.page.url.endswith("?order_by=-metrics.rmse&start=100")
        tab.page.reload()
        tab.page.wait_for_selector("text=101 to 200 of 300")
        tab.check()


class TestSignIn:
    def test_the_code_leaves_the_address(self, tab: Tab) -> None:
        tab.page.goto(f"{tab.url}/sign-in#code=wrong-code")
        tab.page.wait_for_selector("text=That did not work")
        assert "code" not in tab.page.url
        assert not [url for url in tab.asked if "wrong-code" in url.partition("#")[0]]

    def test_the_cookie_is_out_of_reach_of_scripts(self, tab: Tab) -> None:
        tab.sign_in("/")
        tab.page.wait_for_selector("tbody tr")
        assert tab.page.evaluate("document.cookie") == ""
        (cookie,) = tab.context.cookies()
        assert cookie["httpOnly"]
        assert cookie["sameSite"] == "Lax"

    def test_without_a_code_it_says_what_to_do(self, tab: Tab) -> None:
        tab.page.goto(f"{tab.url}/jobs/default/failed")
        assert "/sign-in?next=" in tab.page.url
        assert "lazur login --web" in tab.page.inner_text("main")
        tab.check()

    @pytest.mark.parametrize(
        "next",
        [
            "//evil.example/",
            "/\\evil.example/",
            "\\\\evil.example/",
            "https:evil.example",
            "https://evil.example/",
            "/%09/evil.example/",
            "/.//evil.example/",
            "/..//evil.example/",
            "javascript:window.hit=1",
            "data:text/html,x",
            "evil.example",
            "",
            "/sign-in",
        ],
    )
    def test_it_leads_nowhere_else(self, tab: Tab, next: str) -> None:  # noqa: A002
        tab.sign_in(next)
        tab.page.wait_for_selector("tbody tr")
        assert tab.page.url == f"{tab.url}/"
        tab.check()


class TestSignInPages:
    CLI = (
        "/sign-in/cli?redirect_uri=http%3A%2F%2F127.0.0.1%3A54321%2Fcallback"
        "&state=ssssssssssssssss&code_challenge=c&code_challenge_method=S256"
    )

    def test_ways_that_are_hostile_are_text(self, tab: Tab) -> None:
        tab.page.goto(f"{tab.url}/sign-in?refused=unknown&next=//evil.example/")
        tab.page.wait_for_selector("#providers a")
        assert CORPUS[0] in tab.page.inner_text("main")
        assert "does not know you yet" in tab.page.inner_text("#state")
        link = tab.page.get_attribute("#providers a", "href")
        assert link is not None
        assert link.startswith("/sign-in/oidc?provider=%3Cscript")
        assert link.endswith("&next=%2F")
        tab.check()

    def test_a_refusal_is_one_of_ours(self, tab: Tab) -> None:
        for said in ("toString", "<b>Call us", "x"):
            tab.page.goto(f"{tab.url}/sign-in?refused={said}")
            tab.page.wait_for_selector("#state:has-text('That did not work')")
            assert "Call us" not in tab.page.inner_text("main")

    def test_a_command_line_is_asked_about(self, tab: Tab) -> None:
        tab.sign_in(self.CLI.replace("%", "%25").replace("&", "%26"))
        tab.page.wait_for_selector("#yes")
        assert tab.page.locator("#yes").is_visible()
        assert "54321" in tab.page.inner_text("#facts")
        assert CORPUS[0] in tab.page.inner_text("#facts")
        tab.check()
        tab.page.click("#yes")
        tab.page.wait_for_url("**/static/favicon.svg?said=yes")

    def test_one_elsewhere_is_not(self, tab: Tab) -> None:
        tab.sign_in("/sign-in/cli%3Fredirect_uri=https://evil.example/callback")
        tab.page.wait_for_selector("text=not on this machine")
        assert tab.page.locator("#yes").is_hidden()
        tab.check()

    def test_a_device_is_asked_about(self, tab: Tab) -> None:
        tab.sign_in("/sign-in/device")
        tab.page.fill("#code", "bcdf ghjk")
        tab.page.click("text=Continue")
        tab.page.wait_for_selector("#facts dd")
        assert CORPUS[0] in tab.page.inner_text("#facts")
        tab.page.click("#yes")
        tab.page.wait_for_selector("text=It is signed in.")
        tab.check()


class TestForeignPage:
    @pytest.mark.parametrize("tag", ["script", "img", "iframe", "link"])
    def test_it_cannot_include_ours(self, tab: Tab, tag: str) -> None:
        """From another origin: the neighbour port counts as the same site, so cookies travel."""
        tab.sign_in("/")
        tab.page.wait_for_selector("tbody tr")
        other = tab.context.new_page()
        target = f"{tab.url}/api/v1/workspaces/default/jobs/failed"
        answers: list[int] = []
        other.on("response", lambda answer: answer.url == target and answers.append(answer.status))
        attribute = "href" if tag == "link" else "src"
        rel = ' rel="stylesheet"' if tag == "link" else ""
        page = f'<!doctype html><{tag}{rel} {attribute}="{target}"></{tag}>'
        other.route(
            "http://localhost:1/", lambda route: route.fulfill(body=page, content_type="text/html")
        )
        other.goto("http://localhost:1/")
        other.wait_for_timeout(300)
        assert set(answers) <= {403}
