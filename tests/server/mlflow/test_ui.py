"""Upstream's web interface in a real Chromium, behind our session and our policies."""

from __future__ import annotations

import json
import math
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lazur.testing.server import Server
from tests.security.wire import Wire, serving
from tests.server.mlflow.filled import Filled, fill

sync_api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
CHROMIUM = (
    os.environ.get("LAZUR_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")
)
PICTURES = os.environ.get("LAZUR_TEST_PICTURES")
"""A folder: every page that was looked at is kept there as a picture."""
HTML = b"<h1>Report</h1><script>parent.hit = 1; top.document.title = 'hit'</script>"
SVG = (
    b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'>"
    b"<script>parent.hit = 1</script><circle r='4' cx='4' cy='4'/></svg>"
)
EXPECTED = (
    "users/current",
    "experiments/get-by-name",
    "assistant/",
    "404 (Not Found)",
    "501 (Not Implemented)",
    "AG Grid: ",
    "GPU stall",
    "The width(",
    "ResizeObserver loop",
)
"""What upstream's pages say or ask for with upstream's own server, too, or that we do not serve:
it has no users here, and no assistant."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (apt install chromium)"),
]


class Tab:
    """A signed-in browser that notes what goes wrong."""

    def __init__(self, page: Any, url: str, filled: Filled, trials: list[str]) -> None:
        self.page = page
        page.set_default_timeout(15_000)
        self.url = url
        self.filled = filled
        self.trials = trials
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self._hear(message.type, message.text))
        page.on("pageerror", lambda error: self._hear("error", str(error)))
        page.on("response", self._hear_answer)
        page.on("request", lambda request: self.asked.append(request.url))

    def open(self, path: str, text: str) -> None:
        """The page below the workspace's address, once it shows the text."""
        self.page.goto(f"{self.url}/mlflow/workspaces/w/#/{path}")
        self.page.get_by_text(text).first.wait_for()

    def picture(self, name: str) -> None:
        if PICTURES:
            self.page.wait_for_timeout(2000)
            self.page.screenshot(path=Path(PICTURES) / f"{name}.png")

    def check(self) -> None:
        """Nothing of ours failed, no script of a file ran, and nobody else was asked."""
        self.page.wait_for_timeout(700)
        assert self.page.evaluate("window.hit") is None
        said, self.said = self.said, []
        assert said == []
        own = (self.url + "/", "data:", "blob:")
        assert [url for url in self.asked if not url.startswith(own)] == []

    def _hear(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and not any(known in text for known in EXPECTED):
            self.said.append(f"{kind}: {text}")

    def _hear_answer(self, answer: Any) -> None:
        if answer.status >= 400:
            self._hear("error", f"{answer.status} {answer.request.method} {answer.url}")


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    home = tmp_path_factory.mktemp("ui") / "home"
    with (
        serving(Server(home, port="0", role="api")) as server,
        Wire(server, server.token) as wire,
        sync_api.sync_playwright() as play,
    ):
        wire.ask("POST", "/api/v1/workspaces", {"name": "w"})
        filled = fill(wire, "w", "mark", "secret")
        trials = [trial(filled, number) for number in range(3)]
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
        url = server.url.replace("127.0.0.1", "localhost")
        code = wire.ask("POST", "/api/v1/sign-in-codes", {}).json["url"].partition("#")[2]
        page.goto(f"{url}/sign-in#{code}&next=/mlflow/")
        page.wait_for_url("**/mlflow/")
        made = Tab(page, url, filled, trials)
        yield made
        browser.close()


def trial(filled: Filled, number: int) -> str:
    experiment = filled.ids["experiment_id"]
    run = filled.post(
        "2.0/mlflow/runs/create",
        experiment_id=experiment,
        run_name=f"trial {number}",
        start_time=int(time.time() * 1000),
    )["run"]["info"]["run_id"]
    losses = [math.exp(-step / 20 * (number + 1)) for step in range(100)]
    metrics = [
        {"key": "loss", "value": loss, "timestamp": step, "step": step}
        for step, loss in enumerate(losses)
    ]
    rate = [{"key": "rate", "value": str(0.1 / (number + 1))}]
    filled.post("2.0/mlflow/runs/log-batch", run_id=run, params=rate, metrics=metrics)
    for name, data in (("report.html", HTML), ("picture.svg", SVG), ("notes.txt", b"Hello.")):
        place = f"{experiment}/{run}/artifacts/{name}"
        filled.ask("PUT", f"api/2.0/mlflow-artifacts/artifacts/{place}", data)
    return str(run)


class TestPages:
    def test_the_default_workspace(self, tab: Tab) -> None:
        tab.page.goto(f"{tab.url}/mlflow/#/experiments")
        tab.page.get_by_text("Default").first.wait_for()
        assert tab.page.get_by_text("exp mark").count() == 0
        tab.check()

    def test_experiments(self, tab: Tab) -> None:
        tab.open("experiments", "exp mark")
        tab.picture("experiments")
        tab.check()

    def test_charts_of_runs(self, tab: Tab) -> None:
        experiment = tab.filled.ids["experiment_id"]
        tab.open(f"experiments/{experiment}/runs?compareRunsMode=CHART", "trial 2 (loss)")
        assert tab.page.locator(".js-plotly-plot .scatterlayer path.js-line").count() >= 3
        tab.picture("charts")
        tab.check()

    def test_a_run(self, tab: Tab) -> None:
        run = f"experiments/{tab.filled.ids['experiment_id']}/runs/{tab.trials[0]}"
        tab.open(run, "About this run")
        tab.picture("run")
        tab.open(f"{run}/model-metrics", "loss")
        tab.page.locator(".js-plotly-plot .scatterlayer path.js-line").first.wait_for()
        tab.check()

    def test_runs_compared(self, tab: Tab) -> None:
        """Its parallel coordinates compile what they draw."""
        runs, experiments = json.dumps(tab.trials), json.dumps([tab.filled.ids["experiment_id"]])
        tab.open(f"compare-runs?runs={runs}&experiments={experiments}", "Comparing 3 Runs")
        tab.page.locator(".parcoords .axis-title").first.wait_for()
        assert tab.page.get_by_text("WebGL is not supported").count() == 0
        tab.picture("compare")
        tab.check()

    def test_models(self, tab: Tab) -> None:
        name = tab.filled.ids["name"]
        tab.open("models", name)
        tab.open(f"models/{name}", "Version 1")
        tab.picture("model")
        tab.check()

    def test_traces(self, tab: Tab) -> None:
        trace = tab.filled.log_span("What is Lazur?", "A blue.")
        page = f"experiments/{tab.filled.ids['experiment_id']}/traces"
        tab.open(f"{page}?selectedEvaluationId={trace}", "A blue.")
        tab.picture("trace")
        tab.check()

    def test_prompts(self, tab: Tab) -> None:
        mine = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
        text = [*mine, {"key": "mlflow.prompt.text", "value": "Say hello to {{name}}."}]
        tab.filled.post("2.0/mlflow/registered-models/create", name="greeting", tags=mine)
        tab.filled.post(
            "2.0/mlflow/model-versions/create", name="greeting", source="dummy-source", tags=text
        )
        tab.open("prompts", "greeting")
        tab.open("prompts/greeting", "Say hello to {{name}}.")
        tab.picture("prompt")
        tab.check()

    def test_what_is_not_served_is_not_offered(self, tab: Tab) -> None:
        tab.open("experiments", "exp mark")
        assert not tab.page.get_by_text("MLflow Assistant").first.is_visible()
        tab.page.goto(f"{tab.url}/mlflow/#/")
        tab.page.get_by_text("Start Demo").wait_for(state="attached")
        assert not tab.page.get_by_text("New to MLflow?").is_visible()
        assert tab.page.get_by_text("Information about UI telemetry").count() == 0
        tab.picture("home")
        tab.page.goto(f"{tab.url}/mlflow/#/settings")
        tab.page.get_by_text("Theme preference").first.wait_for()
        for text in ("Demo data", "Enable telemetry"):
            tab.page.get_by_text(text, exact=True).wait_for(state="attached")
            assert not tab.page.get_by_text(text, exact=True).is_visible()
        tab.picture("settings")


class TestFiles:
    def test_their_scripts_do_not_run_in_the_preview(self, tab: Tab) -> None:
        experiment, run = tab.filled.ids["experiment_id"], tab.trials[0]
        tab.open(f"experiments/{experiment}/runs/{run}/artifacts", "report.html")
        for name in ("report.html", "picture.svg", "notes.txt"):
            tab.page.get_by_text(name).first.click()
            tab.page.wait_for_timeout(1000)
            tab.picture(name)
        tab.page.get_by_text("report.html").first.click()
        tab.page.frame_locator("iframe").get_by_text("Report").wait_for()
        tab.said = [text for text in tab.said if "Executing inline script violates" not in text]
        assert "hit" not in tab.page.title()
        tab.check()

    @pytest.mark.parametrize("name", ["report.html", "picture.svg"])
    def test_nor_when_opened_themselves(self, tab: Tab, name: str) -> None:
        """They are saved; where a browser shows one, it may do nothing."""
        path = f"get-artifact?path={name}&run_id={tab.trials[0]}"
        got = tab.filled.wire.get(f"/mlflow/workspaces/w/{path}")
        assert got.status == 200
        assert got.headers["content-disposition"].startswith("attachment")
        assert got.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
        assert got.headers["x-content-type-options"] == "nosniff"


class TestChanges:
    def test_an_experiment_is_made(self, tab: Tab) -> None:
        tab.open("experiments", "exp mark")
        tab.page.get_by_role("button", name="Create").first.click()
        tab.page.get_by_placeholder("Input an experiment name").fill("from the browser")
        tab.page.get_by_role("dialog").get_by_role("button", name="Create").click()
        tab.page.wait_for_url("**/experiments/*/**")
        named = "api/2.0/mlflow/experiments/get-by-name?experiment_name=from%20the%20browser"
        assert tab.filled.ask("GET", named).json["experiment"]["lifecycle_stage"] == "active"
        tab.check()

    def test_a_run_is_renamed(self, tab: Tab) -> None:
        run = tab.trials[1]
        tab.open(f"experiments/{tab.filled.ids['experiment_id']}/runs/{run}", "About this run")
        tab.page.get_by_test_id("overflow-menu-trigger").click()
        tab.page.get_by_text("Rename").click()
        tab.page.get_by_role("dialog").get_by_role("textbox").fill("renamed here")
        tab.page.get_by_role("dialog").get_by_role("button", name="Save").click()
        tab.page.get_by_role("heading", name="renamed here").wait_for()
        tab.picture("renamed")
        found = tab.filled.ask("GET", f"api/2.0/mlflow/runs/get?run_id={run}").json["run"]
        assert found["info"]["run_name"] == "renamed here"
        tab.check()

    def test_a_run_is_tagged(self, tab: Tab) -> None:
        run = tab.trials[2]
        tab.open(f"experiments/{tab.filled.ids['experiment_id']}/runs/{run}", "About this run")
        tab.page.get_by_text("Add tags").first.click()
        dialog = tab.page.get_by_role("dialog")
        tab.picture("tags")
        dialog.get_by_role("combobox").fill("colour")
        tab.page.keyboard.press("Enter")
        dialog.get_by_label("Value").fill("blue")
        dialog.get_by_role("button", name="Add tag").click()
        dialog.get_by_role("button", name="Save").click()
        tab.page.get_by_text("blue").first.wait_for()
        found = tab.filled.ask("GET", f"api/2.0/mlflow/runs/get?run_id={run}").json["run"]
        assert {"key": "colour", "value": "blue"} in found["data"]["tags"]
        tab.check()

    def test_a_foreign_page_makes_none(self, tab: Tab) -> None:
        """With the session's cookie, which a neighbour port on the same host gets sent."""
        other = tab.page.context.new_page()
        other.route("http://localhost:1/", lambda route: route.fulfill(body="<p>", status=200))
        other.goto("http://localhost:1/")
        sent = f"""fetch("{tab.url}/mlflow/api/2.0/mlflow/experiments/create", {{
            method: "POST", credentials: "include", mode: "no-cors",
            body: '{{"name": "forged"}}'}}).then(() => 1, () => 0)"""
        other.evaluate(sent)
        other.close()
        named = "/mlflow/api/2.0/mlflow/experiments/get-by-name?experiment_name=forged"
        assert tab.filled.wire.get(named).status == 404
