"""From a step and what is known by now to the job that it becomes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from lazur.engine.decisions import ChildView
from lazur.engine.states import State
from lazur.kinds.pipelines import bindings, control
from lazur.kinds.pipelines.bindings import Ref
from lazur.kinds.pipelines.compiling import Graph, Step
from lazur.kinds.pipelines.steps import ARTIFACTS, PRIMITIVE, is_primitive, mapping, names
from lazur.spec import expressions
from lazur.spec.inputs import PATH_TYPES
from lazur.spec.model import squashed

_LONGEST = 160
_LONGEST_STEP = 60
_NO_NAME = re.compile(r"[^A-Za-z0-9_-]")
_UNLIKE = re.compile(r"__|[^A-Za-z0-9_.-]")
"""What makes steps that are not the same look alike."""
_FOLDER = re.compile(r"[a-z0-9_-][a-z0-9_.-]*")
_OWN_PLACE = "azureml://datastores/${{default_datastore}}/paths/azureml/${{name}}"
_INHERITED = ("default_datastore", "continue_on_step_failure", "force_rerun")

Children = Mapping[str, ChildView]


def child_name(parent: str, step: str) -> str:
    """The same whenever it is asked, and another for each step of each parent."""
    if len(parent) > _LONGEST:
        parent = f"{parent[:_LONGEST]}_{_digest(parent)}"
    name = _NO_NAME.sub("__", step)
    if _UNLIKE.search(step) or len(step) > _LONGEST_STEP:
        name = f"{name[:_LONGEST_STEP]}_{_digest(step)}"
    return f"{parent}_{name}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def job(
    graph: Graph,
    name: str,
    parent: str,
    given: Mapping[str, Any],
    children: Children,
    item: str = "",
) -> dict[str, Any]:
    """The job of a step; `given` are inputs that a loop gives it, for the `item` of this name."""
    step = graph["steps"][name]
    known = _known(graph, parent, children)
    own = {key: part for key, part in step["spec"].items() if key != "jobs"}
    spec = {**step["spec"], **bindings.filled(own, known)}  # its steps have another parent
    bound = {**step["inputs"], **given}
    made = {
        **spec,
        "inputs": {
            port: _in_default_store(graph, _input(graph, parent, step, port, written, children))
            for port, written in bound.items()
        },
        "outputs": dict(_outputs(graph, name, parent, known, item)),
        "display_name": spec.get("display_name") or name,
        "experiment_name": graph["experiment_name"],
        "compute": spec.get("compute") or _compute(graph),
    }
    if step["kind"] == "pipeline":
        made["settings"] = {**_inherited(graph), **mapping(spec.get("settings"))}
        made.pop("compute")
    return {key: part for key, part in made.items() if part is not None}


def notes(step: Step) -> dict[str, Any]:
    """Which of the outputs are values, to be read when they are written."""
    found = {
        port: squashed(body["type"])
        for port, body in step["outputs"].items()
        if squashed(body.get("type")) in PRIMITIVE
    }
    return {"values": found} if found else {}


def value(graph: Graph, parent: str, written: Any, children: Children) -> Any:
    """What a bound value is by now: a literal, a mapping with `path`, or None."""
    if isinstance(written, Mapping):
        return _body(graph, parent, mapping(written), children)
    return _text(graph, parent, written, children)


def _text(graph: Graph, parent: str, written: Any, children: Children) -> Any:
    """Bound to what was not given it is not given either."""
    known = _known(graph, parent, children)
    alone = bindings.whole(written)
    return bindings.filled(written, known) if alone is None else known(alone)


def mapped(written: Any, body: str, output: Callable[[str], Any]) -> dict[str, Any]:
    """The inputs of the next round, from what the last one made: {"out": ["${{…inputs.x}}"]}."""
    given: dict[str, Any] = {}
    for port, targets in mapping(written).items():
        for target in names(targets):
            given[target.removeprefix(f"{body}.inputs.")] = output(port)
    return given


def gathered(graph: Graph, parent: str, body: str, port: str, children: Children) -> Any:
    """Of all items, as on Azure: values as the text of a list, and data as one table, which has an
    entry for each."""
    if not is_primitive(graph["steps"][body]["outputs"].get(port, {})):
        path = f"azureml://jobs/{parent}/outputs/{body}.{port}"
        return {"type": "mltable", "path": path}
    found = [
        child.notes.get("results", {}).get(port)
        for step, child in children.items()
        if step.startswith(f"{body}.") and child.state is State.COMPLETED
    ]
    return json.dumps(found)


def last_child(graph: Graph, name: str, children: Children) -> ChildView | None:
    """The job of a step; of a loop's body that of the last round."""
    loop = control.runner(graph, name)
    name = control.body(graph, loop) or name
    if graph["steps"][loop]["kind"] != "do_while":
        return children.get(name)
    count = sum(1 for child in children if child.partition(".")[0] == name)
    return children.get(f"{name}.{count}")


def says(settings: Mapping[str, Any], field: str, default: bool) -> bool:
    said = settings.get(field)
    return default if said is None else control.is_true(said)


def _known(graph: Graph, parent: str, children: Children) -> Callable[[Ref], Any]:
    def know(ref: Ref) -> Any:
        match ref.kind:
            case "input":
                return _given(graph, ref.name)
            case "step_output":
                return _made(graph, parent, ref, children)
            case "step_input":
                bound = graph["steps"][ref.step]["inputs"].get(ref.name)
                return value(graph, parent, bound, children)
            case _:
                return None

    return know


def _given(graph: Graph, name: str) -> Any:
    """An input of the pipeline; with a dot one of a group."""
    if name in graph["inputs"]:
        return graph["inputs"][name]
    found: Any = graph["inputs"]
    for part in name.split("."):
        found = mapping(found).get(part)
    return found


def _made(graph: Graph, parent: str, ref: Ref, children: Children) -> Any:
    """An output of a step that ran: a value, or where it lies."""
    if (body := control.collected(graph, ref.step)) is not None:
        return gathered(graph, parent, body, ref.name, children)
    name = control.body(graph, ref.step) or ref.step
    child = last_child(graph, name, children)
    if child is None:
        return None
    results = child.notes.get("results", {})
    if ref.name in results:
        return results[ref.name]
    said = graph["steps"][name]["outputs"].get(ref.name, {})
    return {
        "type": said.get("type") or "uri_folder",
        "path": f"azureml://jobs/{child.name}/outputs/{ref.name}",
    }


def _input(
    graph: Graph, parent: str, step: Step, port: str, written: Any, children: Children
) -> Any:
    """As the job gets it: of the type that the port is declared with."""
    found: Any = value(graph, parent, written, children)
    declared = step["types"].get(f"inputs.{port}")
    is_path = squashed(declared) in {squashed(kind) for kind in (*PATH_TYPES, "path")}
    if isinstance(found, str) and is_path:
        found = {"path": found}
    if isinstance(found, Mapping) and is_path:
        body = mapping(cast("Any", found))
        said: Any = mapping(written).get("type")
        return {**body, "type": _kind(body.get("type"), said or declared)}
    return cast("Any", found)


def _kind(given: Any, wanted: Any) -> Any:
    """A single file stays one, whatever is asked for: its path is what the command can use."""
    return given if squashed(given) == "urifile" else wanted


def _body(graph: Graph, parent: str, written: dict[str, Any], children: Children) -> Any:
    """`{path: ${{…}}, mode: download}`: what it is bound to, and over it what is said here."""
    if "path" not in written:
        return bindings.filled(written, _known(graph, parent, children))
    inner = _text(graph, parent, written["path"], children)
    said = {key: part for key, part in written.items() if key != "path" and part is not None}
    if isinstance(inner, Mapping):
        return {**mapping(cast("Any", inner)), **said}
    return {**said, "path": inner} if inner is not None else None


def _outputs(graph: Graph, name: str, parent: str, known: Callable[[Ref], Any], item: str) -> Any:
    step, is_part = graph["steps"][name], control.collected(graph, name) is not None
    for port, said in step["outputs"].items():
        if port in ARTIFACTS and not said:
            continue
        body = bindings.filled({k: v for k, v in said.items() if k != "promoted"}, known)
        if (target := _target(graph, name, port)) is not None:
            whole = _promoted(graph["outputs"].get(target, {}), parent, target, body)
            body |= _part(whole, item) if is_part else whole
        if squashed(body.get("type")) in PRIMITIVE:
            body["type"] = "uri_file"
        body.pop("description", None)
        if not body.get("path") and graph["settings"].get("default_datastore"):
            body["path"] = f"{_OWN_PLACE}/{port}/"
        yield port, _in_default_store(graph, body)


def _in_default_store(graph: Graph, body: Any) -> Any:
    """What the pipeline's settings say is the default, where a path asks for it."""
    store, path = graph["settings"].get("default_datastore"), mapping(body).get("path")
    if not store or not isinstance(path, str):
        return body
    known = {"default_datastore": str(store).removeprefix("azureml:")}
    return {**mapping(body), "path": expressions.fill(path, known)}


def _promoted(
    said: Mapping[str, Any], parent: str, target: str, body: Mapping[str, Any]
) -> dict[str, Any]:
    """What is said of the pipeline's output holds for the step's; names there are the
    pipeline's."""
    found = {k: v for k, v in said.items() if v is not None}
    if squashed(found.get("type")) in PRIMITIVE or squashed(body.get("type")) in PRIMITIVE:
        found.pop("type", None)
    if isinstance(found.get("path"), str):
        found["path"] = expressions.fill(found["path"], {"name": parent, "output_name": target})
    return found


def _target(graph: Graph, name: str, port: str) -> str | None:
    """The output of the pipeline that one of a step is, by itself or by the loop that runs it."""
    for one in (name, control.runner(graph, name)):
        if (found := graph["steps"][one]["outputs"].get(port, {}).get("promoted")) is not None:
            return str(found)
    return None


def _part(whole: Mapping[str, Any], item: str) -> dict[str, Any]:
    """Of what is said of all that a loop makes, what holds for one item: a place of its own there.
    Its type and its name are those of the whole."""
    found = {key: whole[key] for key in ("mode", "path") if key in whole}
    if isinstance(found.get("path"), str) and item:
        found["path"] = f"{found['path'].rstrip('/')}/{_folder(item)}"
    return found


def _folder(item: str) -> str:
    """Another for each item, also where names differ in nothing but case."""
    if _FOLDER.fullmatch(item):
        return item
    return f"{_NO_NAME.sub('_', item)[:_LONGEST_STEP]}_{_digest(item)}"


def _compute(graph: Graph) -> Any:
    return graph["settings"].get("default_compute") or graph["compute"]


def _inherited(graph: Graph) -> dict[str, Any]:
    found = {key: graph["settings"].get(key) for key in _INHERITED}
    found["default_compute"] = _compute(graph)
    return {key: part for key, part in found.items() if part is not None}
