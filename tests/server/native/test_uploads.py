"""Blobs that are sent in parts, over the wire."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from lazur.services.people import quotas
from tests.server.native.conftest import Api, W
from tests.site import call

DATA = b"0123456789" * 300_000
DIGEST = hashlib.sha256(DATA).hexdigest()
DRAFT = f"{W}/blobs/{DIGEST}/draft"


def part(api: Api, offset: int, data: bytes, size: int = len(DATA)) -> Any:
    return api.request("PATCH", f"{DRAFT}?offset={offset}&size={size}", content=data)


class TestParts:
    def test_a_blob_is_sent_in_parts(self, api: Api) -> None:
        assert api.get(DRAFT).json() == {"offset": 0, "complete": False}
        assert part(api, 0, DATA[:2_500_000]).json() == {"offset": 2_500_000, "complete": False}
        assert api.get(DRAFT).json() == {"offset": 2_500_000, "complete": False}
        assert api.get(f"{W}/blobs/{DIGEST}").status_code == 404
        done = {"offset": len(DATA), "complete": True}
        assert part(api, 2_500_000, DATA[2_500_000:]).json() == done
        assert part(api, len(DATA), b"").json() == done, "who asks again is told again"
        assert api.get(DRAFT).json() == done
        assert api.get(f"{W}/blobs/{DIGEST}").content == DATA

    def test_a_part_at_another_place_is_a_conflict(self, api: Api) -> None:
        part(api, 0, DATA[:100])
        answer = part(api, 50, DATA[50:])
        assert answer.status_code == 409
        assert answer.json()["error"]["details"] == {"offset": 100}

    def test_an_empty_part_asks(self, api: Api) -> None:
        part(api, 0, DATA[:100])
        assert part(api, 0, b"").json() == {"offset": 100, "complete": False}

    def test_more_than_was_said_is_refused(self, api: Api) -> None:
        assert part(api, 0, DATA, size=100).status_code == 400
        assert part(api, 0, b"x").json()["offset"] == 1

    def test_other_bytes_than_its_name_says_are_refused(self, api: Api) -> None:
        answer = part(api, 0, DATA[:-1] + b"x")
        assert answer.status_code == 400
        assert "hash to" in answer.json()["error"]["message"]
        assert api.get(DRAFT).json() == {"offset": 0, "complete": False}

    @pytest.mark.parametrize("query", ["offset=-1", "offset=x", "size=99999999999999999999"])
    def test_odd_figures_are_refused(self, api: Api, query: str) -> None:
        answer = api.request("PATCH", f"{DRAFT}?{query}", content=b"x")
        assert answer.status_code in (400, 422)

    def test_only_digests_have_drafts(self, api: Api) -> None:
        for digest in ("..", "x", DIGEST.upper()):
            assert api.get(f"{W}/blobs/{digest}/draft").status_code in (400, 404)
            answer = api.request("PATCH", f"{W}/blobs/{digest}/draft?size=1", content=b"x")
            assert answer.status_code in (400, 404)
        assert not list(api.site.home.blobs.glob("drafts/*/*"))

    def test_the_body_may_be_larger_than_other_requests(self, api: Api) -> None:
        """`max_body` is 16 MiB."""
        data = bytes(17 << 20)
        digest = hashlib.sha256(data).hexdigest()
        path = f"{W}/blobs/{digest}/draft?offset=0&size={len(data)}"
        assert api.request("PATCH", path, content=data).json()["complete"]


class TestRights:
    def test_a_reader_neither_sends_nor_asks(self, api: Api) -> None:
        reader = api.as_("Reader")
        assert reader.get(DRAFT).status_code == 403
        assert part(reader, 0, DATA).status_code == 403

    def test_what_has_come_so_far_counts_against_the_quota(self, api: Api) -> None:
        call(api.site, quotas.put, "default", {"limits": {"bytes": 3_000_010}})
        assert part(api, 0, DATA[:1000]).status_code == 200, "it fits"
        other = hashlib.sha256(b"other").hexdigest()
        path = f"{W}/blobs/{other}/draft?offset=0&size=3000000"
        assert api.request("PATCH", path, content=b"o").status_code == 403, "both do not"
        assert api.request("POST", f"{W}/blobs", content=bytes(3_000_000)).status_code == 403
        assert part(api, 1000, DATA[1000:]).status_code == 200
