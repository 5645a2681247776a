from __future__ import annotations

import uuid
from typing import Any

from azure.ai.ml.entities import AmlCompute, ComputeInstance, KubernetesCompute
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests.parity.cases.operations import operation, raises


@operation("compute.begin_create_or_update", "a cluster")
@operation("compute.get")
@operation("compute.begin_delete")
def a_cluster_is_made_and_deleted(client: Any) -> None:
    name = f"c-{uuid.uuid4().hex[:8]}"
    with raises(ResourceNotFoundError, name):
        client.compute.get(name)
    asked = AmlCompute(
        name=name,
        size="Standard_DS3_v2",
        min_instances=0,
        max_instances=3,
        idle_time_before_scale_down=120,
        tier="low_priority",
        description="for tests",
        tags={"a": "b"},
    )
    made = client.compute.begin_create_or_update(asked).result()
    assert (made.name, made.type, made.max_instances) == (name, "amlcompute", 3)
    found = client.compute.get(name)
    assert found.size == "Standard_DS3_v2"
    assert found.provisioning_state == "Succeeded"
    assert found.idle_time_before_scale_down == 120
    assert found.tier == "low_priority"
    assert found.description == "for tests"
    assert found.tags == {"a": "b"}
    client.compute.begin_delete(name).wait()
    with raises(ResourceNotFoundError):
        client.compute.get(name)


@operation("compute.begin_update")
def a_cluster_grows(client: Any) -> None:
    name = f"c-{uuid.uuid4().hex[:8]}"
    made = client.begin_create_or_update(AmlCompute(name=name, max_instances=1)).result()
    made.max_instances = 5
    client.compute.begin_update(made).wait()
    assert client.compute.get(name).max_instances == 5
    client.compute.begin_delete(name).wait()


@operation("compute.begin_start")
@operation("compute.begin_stop")
@operation("compute.begin_restart")
def an_instance_is_stopped_and_started(client: Any) -> None:
    name = f"i-{uuid.uuid4().hex[:8]}"
    client.compute.begin_create_or_update(ComputeInstance(name=name)).wait()
    client.compute.begin_stop(name).wait()
    assert client.compute.get(name).state == "Stopped"
    client.compute.begin_start(name).wait()
    assert client.compute.get(name).state == "Running"
    client.compute.begin_restart(name).wait()
    client.compute.begin_delete(name).wait()


@operation("compute.list")
@operation("compute.list_nodes")
@operation("compute.list_sizes")
@operation("compute.list_usage")
def what_there_is_to_compute_on_is_listed(client: Any) -> None:
    assert "local" in {one.name for one in client.compute.list()}
    assert "local" in {one.name for one in client.compute.list(compute_type="amlcompute")}
    assert list(client.compute.list_nodes("local")) == []
    (size,) = client.compute.list_sizes()
    assert size.name == "local"
    (cores,) = client.compute.list_usage()
    assert cores.limit >= 1


@operation("compute.begin_update", "its notes, and all of its scale")
def all_of_a_cluster_is_changed(client: Any) -> None:
    name = f"c-{uuid.uuid4().hex[:8]}"
    client.compute.begin_create_or_update(AmlCompute(name=name, max_instances=1)).wait()
    found = client.compute.get(name)
    found.min_instances, found.max_instances = 1, 4
    found.idle_time_before_scale_down = 300
    found.description, found.tags = "changed", {"a": "b"}
    client.compute.begin_update(found).wait()
    again = client.compute.get(name)
    assert (again.min_instances, again.max_instances) == (1, 4)
    assert again.idle_time_before_scale_down == 300
    assert (again.description, again.tags) == ("changed", {"a": "b"})
    client.compute.begin_delete(name).wait()


@operation("compute.enable_sso", lacks="there is no machine of its own to sign in to")
def nobody_signs_in_on_an_instance(client: Any) -> None:
    name = f"i-{uuid.uuid4().hex[:8]}"
    client.compute.begin_create_or_update(ComputeInstance(name=name)).wait()
    client.compute.enable_sso(name=name, enable_sso=False)
    with raises(HttpResponseError, "Conflict"):
        client.compute.enable_sso(name=name)
    client.compute.begin_delete(name).wait()


@operation("compute.begin_attach", lacks="nothing is attached yet; it is refused by name")
def what_cannot_be_attached_is_refused(client: Any) -> None:
    cluster = (
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c"
    )
    asked = KubernetesCompute(name="k8s", resource_id=cluster, namespace="default")
    with raises(HttpResponseError, "cannot be attached"):
        client.compute.begin_attach(asked).result()
