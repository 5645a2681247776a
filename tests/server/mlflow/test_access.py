"""Every route of the installed MLflow takes a right, and the roles hold the rights they should."""

from __future__ import annotations

import pytest

from lazur.server.mlflow.access import not_served, rule, short
from lazur.server.mlflow.routes import TABLE
from tests.conformance.surface import Route, routes
from tests.rights import allows

ROLES = ("Owner", "Contributor", "AzureML Data Scientist", "Reader", "Job")


@pytest.fixture(scope="module")
def upstream() -> list[Route]:
    return routes()


class TestTable:
    def test_every_route_of_upstream_has_an_entry(self, upstream: list[Route]) -> None:
        assert len(upstream) > 400
        undecided = [
            route
            for route in upstream
            if rule(route.method, route.at()) is None and not_served(route.at()) is None
        ]
        assert undecided == []

    def test_every_entry_is_for_a_route_of_upstream(self, upstream: list[Route]) -> None:
        served = {(route.method, rule(route.method, route.at())) for route in upstream}
        decided = {(method, found.action) for method, found in served if found}
        rows = [line.split() for line in TABLE.strip().splitlines()]
        paths = {short(route.at()) for route in upstream}
        for action, methods, path in rows:
            made = path.replace("**", "x1").replace("*", "x1")
            assert made in paths or "mcp-servers" in path or made.startswith("/static"), path
            for method in methods.split(","):
                assert (method, f"workspaces/{action}") in decided

    def test_an_unknown_route_has_none(self) -> None:
        for method, path in (
            ("GET", "/api/2.0/mlflow/runs/create"),
            ("POST", "/api/2.0/mlflow/runs/forge"),
            ("GET", "/api/2.0/mlflow/runs/get/"),
            ("GET", "/metrics"),
            ("PUT", "/"),
        ):
            assert rule(method, path) is None

    def test_a_route_of_its_own_comes_before_one_that_takes_anything(self) -> None:
        found = rule("POST", "/api/3.0/mlflow/prompt-optimization/jobs/search")
        assert found is not None
        assert found.action == "workspaces/evaluations/read"


class TestRoles:
    @pytest.mark.parametrize(
        "method, path, may",
        [
            ("GET", "2.0/mlflow/runs/get", ROLES),
            ("POST", "2.0/mlflow/runs/search", ROLES),
            ("POST", "3.0/mlflow/traces/search", ROLES),
            ("POST", "2.0/mlflow/runs/create", ("Owner", "Contributor", ROLES[2], "Job")),
            ("POST", "2.0/mlflow/runs/delete", ("Owner", "Contributor", ROLES[2], "Job")),
            ("POST", "2.0/mlflow/experiments/delete", ("Owner", "Contributor", ROLES[2])),
            ("DELETE", "2.0/mlflow/registered-models/delete", ROLES[:3]),
            ("POST", "2.0/mlflow/model-versions/create", (*ROLES[:3], "Job")),
            ("POST", "3.0/mlflow/datasets/create", (*ROLES[:3], "Job")),
            ("POST", "2.0/mlflow/webhooks", ("Owner", "Contributor")),
            ("GET", "2.0/mlflow/webhooks", ("Owner", "Contributor")),
            ("POST", "3.0/mlflow/gateway/secrets/create", ("Owner", "Contributor")),
            ("GET", "3.0/mlflow/gateway/secrets/list", ("Owner", "Contributor")),
            ("POST", "3.0/mlflow/gateway/endpoints/create", ("Owner", "Contributor")),
            ("GET", "3.0/mlflow/gateway/endpoints/list", ROLES[:4]),
            ("POST", "3.0/mlflow/genai/evaluate/invoke", ROLES[:3]),
            ("POST", "3.0/mlflow/scorer/invoke", ROLES[:3]),
        ],
    )
    def test_they_may(self, method: str, path: str, may: tuple[str, ...]) -> None:
        found = rule(method, f"/api/{path}")
        assert found is not None
        assert tuple(role for role in ROLES if allows(role, found.action)) == tuple(
            role for role in ROLES if role in may
        )

    def test_a_reader_only_reads(self) -> None:
        for line in TABLE.strip().splitlines():
            action = f"workspaces/{line.split()[0]}"
            assert allows("Reader", action) == action.endswith("/read")
