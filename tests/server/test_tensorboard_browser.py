"""TensorBoard's own pages in a real Chromium, over a real server, on files that still grow."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.compat.proto.summary_pb2 import (
    Summary,  # pyright: ignore[reportAttributeAccessIssue]
    SummaryMetadata,  # pyright: ignore[reportAttributeAccessIssue]
)
from tensorboard.util import tensor_util

from lazur.testing.server import Server
from tests.security.wire import Wire
from tests.server.events import Events

sync_api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
CHROMIUM = (
    os.environ.get("LAZUR_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")
)
TABS = ("timeseries", "scalars", "images", "histograms", "text", "hparams")
EVIL = b"""<script>window.hit=1</script> <img src=x onerror=window.hit=1>
![x](http://evil.example/leak.png) [x](javascript:window.hit=1) **bold**"""
CHATTER = ("Multiple instances of Three.js", "is deprecated", " ms")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (apt install chromium)"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("board") / "home", role="api")
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def run(server: Server) -> str:
    """Of a script elsewhere, which needs no environment here."""
    with Wire(server, server.token) as wire:
        made = wire.ask("POST", "/mlflow/api/2.0/mlflow/runs/create", {"experiment_id": "0"})
    return made.json["run"]["info"]["run_id"]


@pytest.fixture
def events(server: Server, run: str) -> Iterator[Events]:
    store = server.home / "workspaces/default/workspaceartifactstore"
    with Wire(server, server.token) as wire:
        got = wire.ask("GET", f"/mlflow/api/2.0/mlflow/runs/get?run_id={run}").json
    inside = got["run"]["info"]["artifact_uri"].split("/", 3)[3]
    made = Events(store / Path(inside) / "logs" / str(time.time_ns()))
    yield made
    made.close()


class Tab:
    """A signed-in page that notes what must not happen."""

    def __init__(self, browser: Any, server: Server, path: str) -> None:
        self.page = browser.new_context(viewport={"width": 1300, "height": 850}).new_page()
        self.said: list[str] = []
        self.failed: list[str] = []
        self.loaded: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.on("response", self._answered)
        with Wire(server, server.token) as wire:
            code = wire.ask("POST", "/api/v1/sign-in-codes").json["url"]
        self.page.goto(f"{code}&next={path}")
        self.page.wait_for_url(f"**{path}/**", timeout=30_000)

    def _answered(self, answer: Any) -> None:
        self.loaded.append(answer.url)
        if answer.status >= 400:
            self.failed.append(f"{answer.status} {answer.url}")

    @property
    def complaints(self) -> list[str]:
        return [text for text in self.said if not any(word in text for word in CHATTER)]


@contextlib.contextmanager
def opened(server: Server, path: str) -> Iterator[Tab]:
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield Tab(browser, server, path)
        finally:
            browser.close()


class TestPage:
    def test_it_goes_on_with_what_is_written(
        self, server: Server, run: str, events: Events
    ) -> None:
        """Nobody touches it: it asks again every half minute."""
        events.log("loss", [3.0, 2.0])
        with opened(server, f"/tensorboard/default/{run}") as tab:
            tab.page.wait_for_selector(f"text={run}/logs/{events.folder.name}", timeout=20_000)
            tab.page.wait_for_selector("card-view canvas, card-view svg", timeout=20_000)
            events.log("loss", [1.0] * 40)

            def is_new(answer: Any) -> bool:
                return "timeSeries" in answer.url and '"step": 41' in json.dumps(answer.json())

            with tab.page.expect_response(is_new, timeout=90_000):
                pass
            tab.page.wait_for_selector("text=41", timeout=10_000)
            assert tab.complaints == []
            assert tab.failed == []

    def test_what_jobs_wrote_does_nothing(self, server: Server, run: str, events: Events) -> None:
        """Text and images are shown inert, and nobody else is asked for anything."""
        text = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
        tensor = tensor_util.make_tensor_proto(np.array([EVIL]))
        events.log("loss", [1.0])
        events.add(Summary.Value(tag="<b>text</b>", metadata=text, tensor=tensor))
        image = Summary.Image(height=9, width=9, colorspace=3, encoded_image_string=EVIL)
        events.add(Summary.Value(tag="image", image=image))
        with opened(server, f"/tensorboard/default/{run}") as tab:
            for name in TABS:
                tab.page.goto(f"{server.url}/tensorboard/default/{run}/#{name}")
                tab.page.reload()
                tab.page.wait_for_timeout(2500)
                assert tab.page.evaluate("window.hit") is None
            assert all(url.startswith((server.url, "data:", "blob:")) for url in tab.loaded)
            blocked = {text.split("'")[1] for text in tab.complaints}
            assert blocked == {"http://evil.example/leak.png"}
            assert tab.failed == []
