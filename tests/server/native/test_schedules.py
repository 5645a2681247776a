"""Schedules over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.native.conftest import Api, W
from tests.site import command, put_tree

S = f"{W}/schedules"
DAILY = {"type": "cron", "expression": "0 2 * * *", "time_zone": "Romance Standard Time"}


def make(api: Api, name: str = "s", **more: Any) -> dict[str, Any]:
    spec = {"trigger": DAILY, "create_job": command(), **more}
    answer = api.request("PUT", f"{S}/{name}", json=spec)
    assert answer.status_code == 200, answer.text
    return answer.json()


class TestLife:
    def test_it_is_made_shown_changed_and_deleted(self, api: Api) -> None:
        made = make(api, tags={"a": "b"}, description="At night")
        assert made["next_runs"][0].endswith("T02:00:00+01:00")
        shown = api.get(f"{S}/s")
        assert shown.json()["tags"] == {"a": "b"}
        changed = api.patch(
            f"{S}/s", {"description": None}, headers={"If-Match": shown.headers["etag"]}
        )
        assert changed.json()["description"] is None
        assert changed.json()["tags"] == {"a": "b"}
        stale = api.patch(f"{S}/s", {"tags": {}}, headers={"If-Match": shown.headers["etag"]})
        assert stale.status_code == 412
        assert api.request("DELETE", f"{S}/s").status_code == 204
        assert api.get(f"{S}/s").status_code == 404

    def test_lists_show_what_is_enabled(self, api: Api) -> None:
        make(api, "a")
        make(api, "b")
        assert api.post(f"{S}/b/disable").json()["next_runs"] == []
        names = {
            state: [s["name"] for s in api.get(f"{S}?state={state}").json()["value"]]
            for state in ("enabled", "disabled", "all")
        }
        assert names == {"enabled": ["a"], "disabled": ["b"], "all": ["a", "b"]}
        assert api.get(f"{S}?state=odd").status_code == 400
        assert api.post(f"{S}/b/enable").json()["is_enabled"] is True

    def test_an_update_keeps_what_it_does_not_name(self, api: Api) -> None:
        make(api, create_job=command(command="echo one"))
        trigger = {"type": "recurrence", "frequency": "week", "interval": 2}
        changed = api.patch(f"{S}/s", {"trigger": trigger}).json()
        assert changed["trigger"] == trigger
        assert changed["create_job"]["command"] == "echo one"
        assert api.patch(f"{S}/s", {"name": "t"}).status_code == 400

    @pytest.mark.parametrize(
        "wrong, where",
        [
            ({"trigger": {**DAILY, "expression": "x"}}, "trigger.expression"),
            ({"trigger": {**DAILY, "time_zone": "Mars"}}, "trigger.time_zone"),
            ({"trigger": {**DAILY, "start_time": "soon"}}, "trigger.start_time"),
            ({"trigger": {"type": "moon"}}, "trigger"),
            ({"create_job": command(command="echo ${{inputs.x}}")}, "create_job.command"),
            ({"create_job": None}, ""),
        ],
    )
    def test_what_is_wrong_is_told_by_its_place(
        self, api: Api, wrong: dict[str, Any], where: str
    ) -> None:
        spec = {"trigger": DAILY, "create_job": command(), **wrong}
        answer = api.request("PUT", f"{S}/s", json=spec)
        assert answer.status_code == 422
        found = answer.json()["error"]["details"]["diagnostics"]
        assert [one.get("path", "") for one in found] == [where]

    def test_content_that_is_missing_is_asked_for(self, api: Api) -> None:
        lacking = {"trigger": DAILY, "create_job": command(code="tree:" + "1" * 64)}
        assert api.request("PUT", f"{S}/s", json=lacking).status_code == 424
        digest = put_tree(api.site, {"a.py": b"1"})
        made = make(api, create_job=command(code=f"tree:{digest}"))
        assert made["create_job"]["code"] == f"tree:{digest}"


class TestWebhook:
    def test_a_key_fires_it_and_does_nothing_else(self, api: Api) -> None:
        made = make(api, trigger={"type": "webhook"})
        hook = api.with_(made["key"])
        fired = hook.post(f"{S}/s/invoke", {})
        assert fired.status_code == 202
        assert api.get(f"{W}/jobs/{fired.json()['job']}").status_code == 200
        again = [
            hook.post(f"{S}/s/invoke", {}, headers={"Idempotency-Key": "k"}).json()["job"]
            for _ in range(2)
        ]
        assert again[0] == again[1]
        for path in (f"{S}/s", f"{W}/jobs", f"{W}/data", "/api/v1/me", "/api/v1/openapi.json"):
            assert hook.get(path).status_code in (403, 404)
        assert hook.post("/api/v1/me/tokens", {}).status_code in (403, 404)
        assert hook.get(
            "/mlflow/workspaces/default/api/2.0/mlflow/experiments/search"
        ).status_code in (403, 404)

    def test_a_request_may_be_empty(self, api: Api) -> None:
        hook = api.with_(make(api, trigger={"type": "webhook"})["key"])
        assert hook.post(f"{S}/s/invoke").status_code == 202
        assert api.post(f"{S}/s/trigger").json()["schedule"] == "s"
        for wrong in (b"[]", b"x", b" "):
            assert hook.request("POST", f"{S}/s/invoke", content=wrong).status_code == 400

    def test_who_has_no_key_learns_nothing(self, api: Api) -> None:
        make(api, "there", trigger={"type": "webhook"})
        other = api.with_(make(api, "other", trigger={"type": "webhook"})["key"])
        wrong = api.with_("lzh_wrong")
        there, absent = (wrong.post(f"{S}/{name}/invoke", {}) for name in ("there", "absent"))
        assert (there.status_code, there.text) == (absent.status_code, absent.text)
        assert there.status_code == 401
        there, absent = (other.post(f"{S}/{name}/invoke", {}) for name in ("there", "absent"))
        assert there.status_code == absent.status_code == 404
        assert there.text.replace("there", "absent", 2).count("absent") >= 1
        assert there.json()["error"]["code"] == absent.json()["error"]["code"]

    def test_people_fire_it_with_their_own_token(self, api: Api) -> None:
        make(api, trigger={"type": "webhook", "per_minute": 1})
        assert api.as_("Reader", "default").post(f"{S}/s/invoke", {}).status_code == 403
        assert api.as_("Contributor", "default").post(f"{S}/s/invoke", {}).status_code == 202
        late = api.post(f"{S}/s/invoke", {})
        assert late.status_code == 429
        assert int(late.headers["retry-after"]) > 0

    def test_a_new_key_ends_the_old_one(self, api: Api) -> None:
        old = make(api, trigger={"type": "webhook"})["key"]
        again = api.request(
            "PUT", f"{S}/s", json={"trigger": {"type": "webhook"}, "create_job": command()}
        ).json()
        assert "key" not in again
        new = api.post(f"{S}/s/key").json()["key"]
        assert api.with_(new).post(f"{S}/s/invoke", {}).status_code == 202
        api.patch(f"{S}/s", {"trigger": DAILY})
        assert api.with_(old).post(f"{S}/s/invoke", {}).status_code == 401

    def test_keys_are_kept_as_digests_only(self, api: Api) -> None:
        key = make(api, trigger={"type": "webhook"})["key"]
        texts = (api.get(f"{S}/s").text, api.get(f"{S}/s/history").text, api.get(S).text)
        assert all(key not in text for text in texts)


class TestRuns:
    def test_a_run_by_hand_is_told(self, api: Api) -> None:
        make(api)
        told = api.post(f"{S}/s/trigger", {"schedule_time": "2026-05-01T10:00:00Z"}).json()
        assert told["job_name"] == "s-20260501T100000Z"
        (run,) = api.get(f"{S}/s/runs").json()["value"]
        assert (run["state"], run["trigger"], run["job"]) == ("fired", "manual", told["job_name"])
        what = [event["type"] for event in api.get(f"{S}/s/history").json()["value"]]
        assert what == ["created", "fired", "triggered"]

    def test_a_time_that_is_none_is_refused(self, api: Api) -> None:
        make(api)
        failed = api.post(f"{S}/s/trigger", {"schedule_time": "yesterday"})
        assert failed.status_code == 400
