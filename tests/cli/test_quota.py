"""Quotas, use and prices on the command line, and one's own password."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.cli.conftest import Cli


@pytest.fixture
def lab(lazur: Cli) -> str:
    name = f"lab-{lazur.folder.name}"
    lazur.ok("workspace", "create", "-n", name)
    return name


@pytest.fixture
def bea(lazur: Cli, lab: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Her name, and what makes a command hers."""
    name = f"bea-{lazur.folder.name}"
    made = ("--for", name, "--role", "AzureML Data Scientist", "--scope", lab)
    token = lazur.ok("token", "create", *made, "--days", "30", "--label", "laptop")["token"]
    listed = [t for t in lazur.ok("token", "list", "--all") if t["name"] == name]
    assert [(t["label"], t["expires_at"] is None) for t in listed] == [("laptop", False)]
    url = lazur.ok("server", "status")["url"]
    yield name, {"LAZUR_SERVER": url, "LAZUR_TOKEN": token}
    lazur("user", "delete", "-n", name, "--yes")


class TestQuota:
    def test_is_set_shown_and_deleted(self, lazur: Cli, lab: str) -> None:
        set_ = lazur.ok("quota", "set", "-w", lab, "--limit", "gpus=2", "--limit", "bytes=1GB")
        assert {q["name"]: q["limit"] for q in set_} == {"gpus": 2, "bytes": 1 << 30}
        table = lazur("quota", "list", "-w", lab, "-o", "table").out
        assert "(all together)" in table
        assert " 1 GB " in table
        assert lazur("quota", "show", "-w", lab, "--user", "nobody").code == 3
        assert lazur("quota", "delete", "-w", lab, "--limit", "gpus", "bytes").code == 0
        assert not lazur("quota", "list", "-w", lab).out.strip("[]\n")

    def test_says_what_is_wrong_with_it(self, lazur: Cli) -> None:
        assert "How much?" in lazur("quota", "set").err
        assert "NAME=NUMBER" in lazur("quota", "set", "--limit", "gpus").err
        assert "Known: running-jobs" in lazur("quota", "set", "--limit", "gpu=1").err
        assert "Which?" in lazur("quota", "delete").err

    def test_over_it_a_job_is_refused_and_told_whom_to_ask(
        self, lazur: Cli, lab: str, bea: tuple[str, dict[str, str]]
    ) -> None:
        name, hers = bea
        lazur.ok("quota", "set", "-w", lab, "--user", name, "--limit", "queued-jobs=0")
        done = lazur("job", "create", "-f", lazur.job("true"), "-w", lab, **hers)
        assert done.code == 1
        assert f"quota of 0 waiting jobs of {name} in workspace {lab!r}" in done.err
        assert lazur.ok("me")["name"] in done.err
        mine = lazur("quota", "list", "-w", lab, **hers)
        assert name in mine.out


class TestUsage:
    def test_what_a_job_held_is_shown_with_its_price(self, lazur: Cli, lab: str) -> None:
        price = ("--currency", "EUR", "--core-hour", "3600", "--valid-from", "2020-01-01")
        (made,) = lazur.ok("usage", "prices", "set", *price)
        try:
            job = lazur.job("sleep 1")
            run = ("job", "create", "-f", job, "-w", lab, "-n", "held", "--stream")
            assert lazur(*run).code == 0
            time.sleep(0.1)
            table = lazur("usage", "show", "-w", lab, "--by", "job", "-o", "table").out
            assert "Cost (EUR)" in table
            line = lazur.ok("usage", "show", "-w", lab, "--since", "1h")["value"][0]
            assert line["jobs"] == 1
            assert line["cost"] >= 1
        finally:
            assert lazur("usage", "prices", "delete", "--id", made["id"]).code == 0
        assert not lazur("usage", "prices", "list").out.strip("[]\n")

    def test_everybody_sees_their_own(
        self, lazur: Cli, lab: str, bea: tuple[str, dict[str, str]]
    ) -> None:
        done = lazur("usage", "show", "-w", lab, **bea[1])
        assert done.json()["only"] == bea[0]
        assert "Owners see everybody's" in done.err


class TestOwnPassword:
    def test_takes_the_present_one(self, lazur: Cli, bea: tuple[str, dict[str, str]]) -> None:
        name, hers = bea
        first, second = "quiet otters paint bridges", "some taller phrase of mine"
        assert lazur("user", "set-password", "-n", name, given=f"{first}\n").code == 0
        wrong = lazur("user", "set-password", given=f"no\n{second}\n", **hers)
        assert "present password is another one" in wrong.err
        assert lazur("user", "set-password", given=f"{first}\n{second}\n", **hers).code == 0
        assert lazur("user", "set-password", given=f"{first}\n{second}\n", **hers).code == 1
