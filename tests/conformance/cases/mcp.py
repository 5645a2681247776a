"""The registry of MCP servers."""

from __future__ import annotations

from typing import Any

from mlflow.entities.mcp_server import MCPStatus

from tests.conformance.scene import Scene


def by_client(scene: Scene) -> None:
    client = scene.client
    name = f"com.example/{scene.name}"
    client.create_mcp_server(name, description="does things")
    _life(scene, client, name, MCPStatus.ACTIVE, MCPStatus.DEPRECATED)


def fluent(scene: Scene) -> None:
    genai = scene.mlflow.genai
    _life(scene, genai, f"com.example/{scene.name}", "active", "deprecated")
    with scene.judged():
        genai.register_mcp_server_from_url("https://127.0.0.1:9/server.json")


def refusals(scene: Scene) -> None:
    client = scene.client
    for name in ("", "plain", "a/b/c", "com.example/tags", "com.example/é"):
        with scene.judged():
            client.create_mcp_server(name)
    absent = "com.example/absent"
    for what in (
        client.get_mcp_server,
        client.delete_mcp_server,
        client.get_latest_mcp_server_version,
        client.search_mcp_server_versions,
    ):
        with scene.judged():
            what(absent)
    with scene.judged():
        client.get_mcp_server_version(absent, "1")
    with scene.judged():
        client.set_mcp_server_tag(absent, "a", "b")
    with scene.judged():
        client.search_mcp_servers(filter_string="nothing")
    with scene.judged():
        client.create_mcp_access_endpoint(absent, "https://example.com")


def _life(scene: Scene, offered: Any, name: str, active: Any, retired: Any) -> None:
    make = getattr(offered, "create_mcp_server_version", None) or offered.register_mcp_server
    for version in ("1.0.0", "1.1.0"):
        make(_described(name, version), tools=[])
    offered.update_mcp_server(name, display_name="Things", description="does other things")
    offered.get_mcp_server(name)
    offered.get_mcp_server_version(name, "1.0.0")
    offered.update_mcp_server_version(name, "1.0.0", status=active)
    offered.get_latest_mcp_server_version(name)
    offered.set_mcp_server_tag(name, "k", "v")
    offered.set_mcp_server_version_tag(name, "1.0.0", "k", "v")
    offered.set_mcp_server_alias(name, "best", "1.0.0")
    offered.get_mcp_server_version_by_alias(name, "best")
    offered.search_mcp_servers(f"name = '{name}'")
    offered.search_mcp_server_versions(name)
    made = offered.create_mcp_access_endpoint(
        name, "https://example.com/mcp", server_version="1.0.0"
    )
    key = getattr(made, "id", None) or getattr(made, "endpoint_id", "")
    offered.get_mcp_access_endpoint(name, key)
    offered.update_mcp_access_endpoint(name, key, url="https://example.com/mcp2")
    offered.search_mcp_access_endpoints(name)
    offered.search_mcp_access_endpoints()
    with scene.judged():
        offered.refresh_mcp_server_version_tools(name, "1.0.0", dry_run=True)
    offered.delete_mcp_access_endpoint(name, key)
    offered.delete_mcp_server_alias(name, "best")
    offered.delete_mcp_server_version_tag(name, "1.0.0", "k")
    offered.delete_mcp_server_tag(name, "k")
    offered.delete_mcp_server_version(name, "1.1.0")
    with scene.judged():
        offered.delete_mcp_server_version(name, "1.0.0")
    with scene.judged():
        offered.delete_mcp_server(name)
    offered.update_mcp_server_version(name, "1.0.0", status=retired)
    offered.delete_mcp_server_version(name, "1.0.0")
    offered.delete_mcp_server(name)
    offered.search_mcp_servers()


def _described(name: str, version: str) -> dict[str, Any]:
    return {
        "$schema": "https://static.modelcontextprotocol.io/schemas/2025-09-29/server.schema.json",
        "name": name,
        "description": "does things",
        "version": version,
        "remotes": [{"type": "streamable-http", "url": "https://127.0.0.1:9/mcp"}],
    }
