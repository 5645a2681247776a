"""Blobs that come in parts, over a real store."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lazur.errors import Conflict, Invalid
from lazur.services.base import workspaces
from lazur.services.content import partials
from lazur.services.keeping.workspace_trash import delete, finish
from tests.site import TestSite, call

DATA = os.urandom(5000)
DIGEST = hashlib.sha256(DATA).hexdigest()


def _send(site: TestSite, data: bytes = DATA, *, digest: str = DIGEST, step: int = 1000) -> int:
    at = partials.state(site, 1, digest)["offset"]
    while at < len(data):
        at = partials.append(site, 1, digest, at, data[at : at + step])
    return at


def _left(site: TestSite) -> list[Path]:
    return [path for path in site.home.blobs.glob("drafts/*/*") if path.is_file()]


class TestParts:
    def test_parts_become_a_blob(self, site: TestSite) -> None:
        assert partials.state(site, 1, DIGEST) == {"offset": 0, "complete": False}
        partials.append(site, 1, DIGEST, 0, DATA[:10])
        assert partials.state(site, 1, DIGEST) == {"offset": 10, "complete": False}
        assert not site.blobs.has(DIGEST)
        assert _send(site) == len(DATA)
        assert not site.blobs.has(DIGEST), "nothing is visible before it is verified"
        assert partials.finish(site, 1, DIGEST, len(DATA))["complete"]
        with site.blobs.open(DIGEST) as file:
            assert file.read() == DATA
            assert os.fstat(file.fileno()).st_mode & 0o777 == 0o444
        assert partials.state(site, 1, DIGEST) == {"offset": len(DATA), "complete": True}
        assert _left(site) == []

    def test_a_part_that_does_not_follow_is_refused_and_told_where_to_go_on(
        self, site: TestSite
    ) -> None:
        partials.append(site, 1, DIGEST, 0, DATA[:10])
        for offset in (0, 9, 11):
            with pytest.raises(Conflict) as caught:
                partials.append(site, 1, DIGEST, offset, DATA[:10])
            assert caught.value.details["offset"] == 10
        with pytest.raises(Conflict) as caught:
            partials.append(site, 2, DIGEST, 10, DATA[10:20])
        assert caught.value.details["offset"] == 0, "another workspace has begun nothing"

    def test_two_who_send_the_same_help_each_other(self, site: TestSite) -> None:
        partials.append(site, 1, DIGEST, 0, DATA[:10])
        with pytest.raises(Conflict):
            partials.append(site, 1, DIGEST, 0, DATA[:20])
        _send(site)
        assert partials.finish(site, 1, DIGEST, len(DATA))["complete"]
        assert partials.finish(site, 1, DIGEST, len(DATA))["complete"], "and the other is told"

    def test_what_does_not_hash_to_its_name_is_gone(self, site: TestSite) -> None:
        _send(site, bytes(5000))
        with pytest.raises(Invalid, match="hash to"):
            partials.finish(site, 1, DIGEST, len(DATA))
        assert not site.blobs.has(DIGEST)
        assert partials.state(site, 1, DIGEST) == {"offset": 0, "complete": False}
        _send(site)
        assert partials.finish(site, 1, DIGEST, len(DATA))["complete"]

    def test_too_little_is_not_finished(self, site: TestSite) -> None:
        partials.append(site, 1, DIGEST, 0, DATA[:10])
        with pytest.raises(Conflict):
            partials.finish(site, 1, DIGEST, len(DATA))
        assert partials.state(site, 1, DIGEST)["offset"] == 10

    def test_what_another_process_began_is_gone_on_with(self, site: TestSite) -> None:
        _killed_after(site, 3000)
        assert partials.state(site, 1, DIGEST)["offset"] == 3000
        _send(site)
        assert partials.finish(site, 1, DIGEST, len(DATA))["complete"]
        assert site.blobs.has(DIGEST)

    def test_one_that_was_killed_about_to_settle_it_is_no_obstacle(self, site: TestSite) -> None:
        _send(site, DATA[:4000])
        _left(site)[0].chmod(0o444)
        _send(site)
        _left(site)[0].chmod(0o444)
        assert partials.finish(site, 1, DIGEST, len(DATA))["complete"]

    def test_who_comes_while_it_is_settled_is_told_to_wait(self, site: TestSite) -> None:
        _send(site)
        with partials._locked(_left(site)[0]):
            found = partials.finish(site, 1, DIGEST, len(DATA))
            assert found == {"offset": len(DATA), "complete": False}
        assert partials.finish(site, 1, DIGEST, len(DATA))["complete"]

    def test_a_store_that_cannot_take_files_is_given_the_bytes(
        self, site: TestSite, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(partials, "Adopts", type(None))
        _send(site)
        assert partials.finish(site, 1, DIGEST, len(DATA))["complete"]
        assert site.blobs.size(DIGEST) == len(DATA)
        assert _left(site) == []


class TestRoom:
    def test_what_has_come_so_far_takes_up_room(self, site: TestSite) -> None:
        _send(site, DATA[:4000])
        assert partials.held(site.home, 1) == 4000
        assert partials.held(site.home, 1, but=DIGEST) == 0
        assert partials.held(site.home, 2) == 0

    def test_what_nobody_adds_to_goes(self, site: TestSite) -> None:
        _send(site, DATA[:4000])
        now = _left(site)[0].stat().st_mtime
        assert partials.sweep(site.home, now - 1) == 0
        assert partials.sweep(site.home, now + 1) == 1
        assert _left(site) == []

    def test_it_goes_with_its_workspace(self, site: TestSite) -> None:
        made = call(site, workspaces.create, {"name": "gone"})
        with site.context(write=False) as context:
            number = workspaces.open_workspace(context, "gone", "workspaces/data/write").id
        partials.append(site, number, DIGEST, 0, DATA)
        call(site, delete, made["name"], permanently=True)
        assert finish(site)
        assert _left(site) == []


def _killed_after(site: TestSite, count: int) -> None:
    """Another process appends, and is killed there."""
    code = f"""
import os, signal
from types import SimpleNamespace
from pathlib import Path
from lazur.services.content import partials
from lazur.services.base.home import Home
site = SimpleNamespace(home=Home(Path({str(site.home.path)!r})))
data = bytes.fromhex({DATA[:count].hex()!r})
partials.append(site, 1, {DIGEST!r}, 0, data)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -signal.SIGKILL
