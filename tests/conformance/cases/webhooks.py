"""Webhooks. Nothing listens where they point: that is told the same way on both sides."""

from __future__ import annotations

from mlflow.entities.webhook import WebhookStatus

from tests.conformance.scene import Scene

_NOWHERE = "https://127.0.0.1:9/hook"


def life(scene: Scene) -> None:
    client = scene.client
    made = client.create_webhook(
        scene.name,
        _NOWHERE,
        ["registered_model.created", "model_version.created"],
        description="tells",
        secret="not to be shown",
        status="DISABLED",
    )
    hook = made.webhook_id
    client.get_webhook(hook)
    client.update_webhook(hook, name="another", events=["prompt.created"], description="tells é")
    client.update_webhook(hook, status=WebhookStatus.ACTIVE, url=f"{_NOWHERE}/2")
    client.list_webhooks()
    client.create_webhook(f"{scene.name}-2", _NOWHERE, ["model_version_alias.created"])
    client.list_webhooks(max_results=1)
    client.test_webhook(hook)
    client.test_webhook(hook, "prompt.created")
    for each in client.list_webhooks():
        client.delete_webhook(each.webhook_id)
    with scene.judged():
        client.get_webhook(hook)
    client.list_webhooks()


def refusals(scene: Scene) -> None:
    client = scene.client
    for url in ("", "nonsense", "ftp://a/b", "http://127.0.0.1/x", "https://", "file:///etc"):
        with scene.judged():
            client.create_webhook("a", url, ["prompt.created"])
    for name in ("", "-a", "a b", "x" * 300):
        with scene.judged():
            client.create_webhook(name, _NOWHERE, ["prompt.created"])
    with scene.judged():
        client.create_webhook("a", _NOWHERE, [])
    for what in (client.get_webhook, client.delete_webhook, client.test_webhook):
        with scene.judged():
            what("0" * 32)
    with scene.judged():
        client.list_webhooks(max_results=0)
