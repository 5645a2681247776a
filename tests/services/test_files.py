from __future__ import annotations

from pathlib import Path

import pytest

from lazur.errors import LazurError, NotFound
from lazur.services import files
from tests.site import Server, TestSite, call, submit


@pytest.fixture
def artifacts(site: TestSite) -> Path:
    submit(site, name="j", outputs={"model": None, "table": {"type": "uri_file"}})
    Server(site).settle()
    folder = site.home.artifacts("default", "j")
    for path in ("user_logs/std_log.txt", "outputs/a.txt", "model/MLmodel", "plot.png"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)
    return folder


def paths(site: TestSite, prefix: str = "") -> list[str]:
    return [file["path"] for file in call(site, files.find, "default", "j", prefix)["value"]]


@pytest.mark.usefixtures("artifacts")
class TestFind:
    def test_everything_in_the_artifacts_is_there(self, site: TestSite) -> None:
        assert paths(site) == [
            "model/MLmodel",
            "outputs/a.txt",
            "plot.png",
            "user_logs/std_log.txt",
        ]

    def test_a_prefix_narrows(self, site: TestSite) -> None:
        assert paths(site, "model/") == ["model/MLmodel"]

    def test_named_outputs_have_a_folder_each(self, site: TestSite) -> None:
        output = site.home.datastore("default", "workspaceblobstore") / "azureml/j/model"
        output.mkdir(parents=True, exist_ok=True)
        (output / "weights").write_text("1")
        assert paths(site, "named-outputs/") == ["named-outputs/model/weights"]


@pytest.mark.usefixtures("artifacts")
class TestPlace:
    @pytest.mark.parametrize("path", ["user_logs/std_log.txt", "model/MLmodel", "plot.png"])
    def test_what_is_listed_can_be_read(self, site: TestSite, path: str) -> None:
        place = call(site, files.place, "default", "j", path)
        assert place.full.read_text() == path

    @pytest.mark.parametrize("path", ["", "named-outputs/nothing/a", "named-outputs/model"])
    def test_what_can_never_be_is_not_found(self, site: TestSite, path: str) -> None:
        with pytest.raises(NotFound):
            call(site, files.place, "default", "j", path)

    @pytest.mark.parametrize("path", ["../k/secret", "/etc/passwd", "model/../../x"])
    def test_no_path_leads_outside(self, site: TestSite, path: str) -> None:
        with pytest.raises(LazurError):
            call(site, files.place, "default", "j", path).open()
