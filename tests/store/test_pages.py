"""Lists: whole, in order, and closed to what is not theirs."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from lazur.errors import Invalid
from lazur.store import jobs
from lazur.store.db import Database
from lazur.store.pages import MAX_LIMIT, Page, Query
from tests.store.conftest import NOW, AddJob, add_workspace

ORDERS = [
    sign + name
    for name in ("created_at", "name", "updated_at", "experiment_name", "status")
    for sign in ("", "-")
]


def page(db: Database, workspace_id: int, *, limit: int = 50, **wanted: Any) -> Page:
    cursor, order = wanted.pop("cursor", None), wanted.pop("order_by", None)
    with db.read() as connection:
        return jobs.page(connection, workspace_id, Query(limit, cursor, order, wanted))


def found(db: Database, workspace_id: int, **wanted: Any) -> list[int]:
    return sorted(row.id for row in page(db, workspace_id, **wanted).rows)


def forged(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


class TestPaging:
    @pytest.mark.parametrize("order", ORDERS)
    def test_pages_hold_every_row_once_and_in_order(
        self, db: Database, workspace_id: int, add_job: AddJob, order: str
    ) -> None:
        for i in range(23):
            add_job(
                created_at=NOW + i % 4,
                updated_at=NOW - i % 3,
                experiment_name=f"e{i % 2}",
                state=("Queued", "Running")[i % 2],
            )
        whole = [row.id for row in page(db, workspace_id, order_by=order).rows]
        parts: list[int] = []
        cursor = None
        for _ in range(20):
            part = page(db, workspace_id, limit=5, order_by=order, cursor=cursor)
            parts += [row.id for row in part.rows]
            if (cursor := part.next) is None:
                break
        assert parts == whole
        assert len(set(parts)) == 23

    def test_rows_that_come_meanwhile_skip_and_double_nothing(
        self, db: Database, workspace_id: int, add_job: AddJob
    ) -> None:
        there = {add_job(created_at=NOW + i) for i in range(20)}
        seen: list[int] = []
        cursor = None
        for i in range(20):
            part = page(db, workspace_id, limit=3, cursor=cursor)
            seen += [row.id for row in part.rows]
            add_job(created_at=NOW + 1000 + i)
            add_job(created_at=NOW - 1000 - i, archived=True)
            if (cursor := part.next) is None:
                break
        assert there <= set(seen)
        assert len(seen) == len(set(seen))

    def test_the_last_page_has_no_next(
        self, db: Database, workspace_id: int, add_job: AddJob
    ) -> None:
        for _ in range(4):
            add_job()
        first = page(db, workspace_id, limit=2)
        second = page(db, workspace_id, limit=2, cursor=first.next)
        assert len(second.rows) == 2
        assert second.next is None

    @pytest.mark.parametrize("limit", [0, -1, MAX_LIMIT + 1, 10**9])
    def test_a_limit_out_of_range_is_refused(
        self, db: Database, workspace_id: int, limit: int
    ) -> None:
        with pytest.raises(Invalid, match="limit"):
            page(db, workspace_id, limit=limit)

    @pytest.mark.parametrize("order", ["nope", "id; DROP TABLE lazur_jobs", "--name", "spec", ""])
    def test_an_unknown_order_is_refused(
        self, db: Database, workspace_id: int, order: str
    ) -> None:
        if not order:
            assert page(db, workspace_id, order_by=order).rows == []
            return
        with pytest.raises(Invalid, match="order"):
            page(db, workspace_id, order_by=order)

    @pytest.mark.parametrize(
        "cursor",
        [
            "x",
            "=",
            "\x00",
            "ä",
            forged(),
            forged("-created_at"),
            forged("-created_at", 1.0),
            forged("name", "a", 1),
            forged("-created_at", "text", 1),
            forged("-created_at", None, 1),
            forged("-created_at", True, 1),
            forged("-created_at", [1], 1),
            forged("-created_at", {"a": 1}, 1),
            forged("-created_at", float("nan"), 1),
            forged("-created_at", float("inf"), 1),
            forged("-created_at", 10**400, 1),
            forged("-created_at", 1.0, "1 OR 1=1"),
            forged("-created_at", 1.0, 1.5),
            forged("-created_at", 1.0, 1 << 70),
            base64.urlsafe_b64encode(b"[" * 50_000).decode(),
            base64.urlsafe_b64encode(b'{"a": 1}').decode(),
            base64.urlsafe_b64encode(b"7").decode(),
        ],
    )
    def test_a_forged_cursor_is_refused(
        self, db: Database, workspace_id: int, cursor: str
    ) -> None:
        with pytest.raises(Invalid, match="cursor"):
            page(db, workspace_id, cursor=cursor)

    def test_a_cursor_shows_nothing_of_another_workspace(
        self, db: Database, workspace_id: int, add_job: AddJob
    ) -> None:
        other = add_workspace(db, "other")
        for i in range(6):
            add_job(workspace_id=other, created_at=NOW + i)
        add_job(created_at=NOW - 1)
        theirs = page(db, other, limit=2)
        assert all(
            row.workspace_id == workspace_id
            for row in page(db, workspace_id, cursor=theirs.next).rows
        )


class TestFilters:
    def test_a_workspace_sees_only_its_own(
        self, db: Database, workspace_id: int, add_job: AddJob
    ) -> None:
        mine = add_job()
        add_job(workspace_id=add_workspace(db, "other"))
        assert found(db, workspace_id) == [mine]

    @pytest.mark.parametrize("value", ["Running,Failed", "running , FAILED"])
    def test_several_states(
        self, db: Database, workspace_id: int, add_job: AddJob, value: str
    ) -> None:
        wanted = [add_job(state="Running"), add_job(state="Failed")]
        add_job(state="Queued")
        assert found(db, workspace_id, status=value) == wanted

    @pytest.mark.parametrize("value", ["Done", "", "Running,", "'; DROP TABLE lazur_jobs --"])
    def test_an_unknown_state_is_refused(
        self, db: Database, workspace_id: int, value: str
    ) -> None:
        with pytest.raises(Invalid) as caught:
            page(db, workspace_id, status=value)
        assert "Completed" in (caught.value.hint or "")

    @pytest.mark.parametrize("value, wanted", [("false", {0}), ("true", {1}), ("all", {0, 1})])
    def test_archived(
        self, db: Database, workspace_id: int, add_job: AddJob, value: str, wanted: set[int]
    ) -> None:
        both = [add_job(), add_job(archived=True)]
        assert found(db, workspace_id, archived=value) == [both[i] for i in sorted(wanted)]

    def test_archived_is_one_of_three_words(self, db: Database, workspace_id: int) -> None:
        with pytest.raises(Invalid, match="archived"):
            page(db, workspace_id, archived="maybe")

    def test_children_of_a_parent(self, db: Database, workspace_id: int, add_job: AddJob) -> None:
        parent = add_job(name="parent")
        child = add_job(parent_id=parent)
        add_job()
        assert found(db, workspace_id, parent="parent") == [child]

    @pytest.mark.parametrize("column", ["experiment_name", "type", "created_by"])
    def test_equal_text(
        self, db: Database, workspace_id: int, add_job: AddJob, column: str
    ) -> None:
        wanted = add_job(**{column: 'it\'s 100% "this"; --'})
        add_job()
        assert found(db, workspace_id, **{column: 'it\'s 100% "this"; --'}) == [wanted]
        assert found(db, workspace_id, **{column: "%"}) == []
        assert found(db, workspace_id, **{column: "' OR '1'='1"}) == []

    @pytest.mark.parametrize(
        "part, wanted",
        [
            ("%", {"100%"}),
            ("_", {"a_b"}),
            ("\\", {"back\\slash"}),
            ("/", {"slash/"}),
            ("'", {"it's"}),
            ("RED", {"red", "Red Wine"}),
            ("%' OR 1=1 --", set[str]()),
        ],
    )
    def test_wildcards_are_only_text(
        self, db: Database, workspace_id: int, add_job: AddJob, part: str, wanted: set[str]
    ) -> None:
        for title in ("100%", "a_b", "back\\slash", "slash/", "it's", "red", "Red Wine"):
            add_job(name=f"x{len(title)}{title.encode().hex()}", display_name=title)
        rows = page(db, workspace_id, name_contains=part).rows
        assert {row.display_name for row in rows} == wanted

    def test_an_unknown_filter_is_refused(self, db: Database, workspace_id: int) -> None:
        with pytest.raises(Invalid, match="nope"):
            page(db, workspace_id, nope="1")


class TestTags:
    @pytest.mark.parametrize(
        "key",
        [
            "plain",
            "with.dot",
            "with space",
            'quo"te',
            "it's",
            "$",
            "$.plain",
            "[0]",
            "0",
            'a"."b',
            "ключ",
            "%",
            "back\\slash",
            "{",
        ],
    )
    def test_any_key_is_found_and_none_is_a_path(
        self, db: Database, workspace_id: int, add_job: AddJob, key: str
    ) -> None:
        wanted = add_job(tags={key: "yes", "other": "no"})
        add_job(tags={"unlike": "yes"})
        add_job(tags={key: "no"})
        assert found(db, workspace_id, tag=[f"{key}=yes"]) == [wanted]

    def test_every_tag_must_be_there(
        self, db: Database, workspace_id: int, add_job: AddJob
    ) -> None:
        both = add_job(tags={"a": "1", "b": "2"})
        add_job(tags={"a": "1"})
        assert found(db, workspace_id, tag=["a=1", "b=2"]) == [both]

    def test_a_key_alone_means_any_value(
        self, db: Database, workspace_id: int, add_job: AddJob
    ) -> None:
        tagged = [add_job(tags={"a": "1"}), add_job(tags={"a": ""})]
        add_job(tags={"b": "1"})
        assert found(db, workspace_id, tag=["a"]) == tagged
        assert found(db, workspace_id, tag=["a="]) == tagged[1:]

    def test_a_value_may_hold_the_sign(
        self, db: Database, workspace_id: int, add_job: AddJob
    ) -> None:
        wanted = add_job(tags={"formula": "a=b=c"})
        assert found(db, workspace_id, tag=["formula=a=b=c"]) == [wanted]

    def test_a_zero_character_is_found_nowhere_or_refused(
        self, db: Database, workspace_id: int, add_job: AddJob
    ) -> None:
        add_job(tags={"a": "1"})
        if db.sqlite:
            assert found(db, workspace_id, tag=["a\x00=1"]) == []
            return
        with pytest.raises(Invalid, match="cannot hold"):
            found(db, workspace_id, tag=["a\x00=1"])
