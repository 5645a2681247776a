"""Parents, where something is refused that could not be known before."""

from __future__ import annotations

from lazur.services.jobs import jobs
from lazur.services.people import quotas
from lazur.testing.fakes import Engine
from tests.site import ENVIRONMENT, Server, TestSite, call

_STEP = {"command": "true", "environment": ENVIRONMENT}


class TestRefusals:
    def test_a_step_beyond_a_quota_has_failed_and_the_others_go_on(
        self, site: TestSite, engine: Engine
    ) -> None:
        wide = {**_STEP, "resources": {"instance_count": 2}}
        spec = {"type": "pipeline", "name": "p", "jobs": {"narrow": _STEP, "wide": wide}}
        call(site, jobs.submit, "default", spec)
        call(site, quotas.put, "default", {"limits": {"cores": 1}})
        server = Server(site)
        server.settle()
        engine.run("default/p_narrow/1")
        engine.finalize("default/p_narrow/1")
        engine.end("default/p_narrow/1")
        server.settle()
        shown = server.show("p")
        assert {step["name"]: step["status"] for step in shown["steps"]} == {
            "narrow": "Completed",
            "wide": "Failed",
        }
        assert shown["status"] == "Failed"
        assert server.show("p_wide")["error"]["code"] == "QuotaExceeded"
