"""Runs side by side."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.errors import Invalid, NotFound
from lazur.services.tracking import compare
from tests.services.tracked import Tracked
from tests.site import TestSite, call, put_tree, submit


@pytest.fixture
def tracked(site: TestSite) -> Tracked:
    return Tracked(site)


def compared(site: TestSite, *names: str) -> dict[str, Any]:
    return call(site, compare.compare, "default", list(names), write=False)


def section(found: dict[str, Any], name: str) -> dict[str, tuple[list[Any], bool]]:
    rows = next(s["rows"] for s in found["sections"] if s["name"] == name)
    return {row["name"]: (row["values"], row["differs"]) for row in rows}


class TestCompare:
    def test_tells_what_differs_and_what_does_not(self, site: TestSite, tracked: Tracked) -> None:
        one = tracked.run(params={"lr": "0.1", "depth": "3"}, tags={"team": "a"})
        two = tracked.run(params={"lr": "0.2", "depth": "3", "new": "1"}, digest="d2")
        found = compared(site, one, two)
        assert section(found, "params") == {
            "depth": (["3", "3"], False),
            "lr": (["0.1", "0.2"], True),
            "new": ([None, "1"], True),
        }
        assert section(found, "tags") == {"team": (["a", None], True)}
        assert section(found, "data")["training"] == (["mnist (d1)", "mnist (d2)"], True)

    def test_metrics_have_last_least_and_most(self, site: TestSite, tracked: Tracked) -> None:
        one = tracked.run(metrics={"loss": [3.0, 1.0, 2.0]})
        two = tracked.run(metrics={"loss": [float("nan"), 5.0]})
        (first, second), differs = section(compared(site, one, two), "metrics")["loss"]
        assert first == {"last": 2.0, "min": 1.0, "max": 3.0, "points": 3}
        assert second == {"last": 5.0, "min": 5.0, "max": 5.0, "points": 2}
        assert differs

    def test_the_machine_stands_by_itself_and_differs_by_a_tenth(
        self, site: TestSite, tracked: Tracked
    ) -> None:
        shared = {"system/disk_usage_percentage": [30.0], "loss": [1.0]}
        one = tracked.run(metrics={**shared, "system/memory": [100.0, 50.0]})
        two = tracked.run(metrics={**shared, "system/memory": [111.0, 140.0]})
        near = tracked.run(metrics={**shared, "system/memory": [105.0]})
        assert section(compared(site, one, two), "machine") == {
            "disk_usage_percentage": ([30.0, 30.0], False),
            "memory": ([100.0, 140.0], True),
        }
        assert section(compared(site, one, near), "machine")["memory"][1] is False
        assert list(section(compared(site, one, two), "metrics")) == ["loss"]

    def test_several_datasets_for_the_same_are_all_told(
        self, site: TestSite, tracked: Tracked
    ) -> None:
        one, two, three = (tracked.run(digest=digest) for digest in ("d1", "d2", "d2"))
        tracked.use(one, "d2")
        tracked.use(two, "d1")
        both = "mnist (d1), mnist (d2)"
        values, differs = section(compared(site, one, two, three), "data")["training"]
        assert (values, differs) == ([both, both, "mnist (d2)"], True)

    def test_jobs_tell_code_environment_and_phases(self, site: TestSite) -> None:
        old = put_tree(site, {"train.py": b"lr = 1\nrun()\n", "same": b"x", "bin": b"\0\1"})
        new = put_tree(site, {"train.py": b"lr = 2\nrun()\n", "same": b"x", "bin": b"\0\2"})
        packages = {
            "image": "python:3.11",
            "conda_file": {"dependencies": [{"pip": ["numpy==1"]}]},
        }
        one = submit(site, code=f"tree:{old}", inputs={"lr": 0.1})["name"]
        two = submit(site, code=f"tree:{new}", inputs={"lr": 0.2}, environment=packages)["name"]
        found = compared(site, one, two)
        assert found["code"][0] is None
        bin_, train = found["code"][1]["files"]
        assert (bin_["path"], bin_["change"], bin_["diff"]) == ("bin", "changed", None)
        assert (train["plus"], train["minus"]) == (1, 1)
        assert "-lr = 1\n+lr = 2" in train["diff"]
        assert section(found, "data")["lr"] == (["0.1", "0.2"], True)
        assert section(found, "environment")["package numpy"] == ([None, "==1"], True)
        assert section(found, "source")["snapshot"] == ([old, new], True)
        assert "environment" in section(found, "phases")

    def test_a_tag_cannot_name_a_tree(self, site: TestSite, tracked: Tracked) -> None:
        tree = put_tree(site, {"secret": b"x"})
        one, two = tracked.run(tags={"lazur.code": tree}), tracked.run(tags={"lazur.code": "../x"})
        assert compared(site, one, two)["code"] == [None, None]

    def test_one_run_is_not_enough(self, site: TestSite, tracked: Tracked) -> None:
        run = tracked.run()
        for names in ([run], [run, run]):
            with pytest.raises(Invalid):
                compared(site, *names)

    def test_another_workspaces_run_is_not_there(self, site: TestSite, tracked: Tracked) -> None:
        other = Tracked(site, "other").run()
        with pytest.raises(NotFound):
            compared(site, tracked.run(), other)
