"""What is not served is named as Azure's client calls it, with what to do instead."""

from __future__ import annotations

import re

import pytest

from lazur.server.arm import unserved
from tests.parity.table import PAGE

SAID_ELSEWHERE = {"evaluators", "feature_stores"}
"""Kinds of models, and of workspaces: what is asked for is served, or refused by its kind."""


@pytest.mark.parametrize(
    "asked, operation",
    [
        ("POST WS/models/m/versions/1/package", "models.package"),
        ("POST REG/Models/m/versions/1/Package", "models.package"),
        ("POST WS/computes/c/updateDataMounts", "data.mount"),
        ("GET WS/onlineEndpoints", "online_endpoints.list"),
        ("GET WS/onlineEndpoints/e", "online_endpoints.get"),
        ("PATCH WS/onlineendpoints/e", "online_endpoints.begin_create_or_update"),
        ("POST WS/onlineEndpoints/e/listKeys", "online_endpoints.listKeys"),
        ("PUT WS/onlineEndpoints/e/deployments/d", "online_deployments.begin_create_or_update"),
        ("DELETE WS/batchEndpoints/e/deployments/d", "batch_deployments.begin_delete"),
        ("GET WS/featuresets/f/versions", "feature_sets.list"),
        ("GET WS/featuresets/f/versions/1", "feature_sets.get"),
        ("DELETE WS/outboundRules/r", "workspace_outbound_rules.begin_remove"),
        ("GET WS/connections/c/deployments", "azure_openai_deployments.list"),
        ("POST WS/marketplaceSubscriptions", "marketplace_subscriptions.begin_create_or_update"),
        ("PUT WS/unheard/of", "PUT WS/unheard/of"),
    ],
)
def test_it_has_a_name_and_a_way_on(asked: str, operation: str) -> None:
    found = unserved.find(*asked.split(" "))
    assert found.operation == operation
    assert len(found.instead) > 20


def test_every_noun_of_the_client_that_is_not_there_is_known() -> None:
    row = re.compile(r"^\| `(\w+)\.\w+` \| (works|partial|not yet) \|", re.MULTILINE)
    rows = row.findall(PAGE.read_text())
    there = {noun for noun, word in rows if word != "not yet"}
    lacking = {noun for noun, _ in rows} - there - SAID_ELSEWHERE
    assert lacking == {noun.name for noun in unserved._NOUNS}
