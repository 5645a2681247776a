"""Pipelines: everything that their steps name is looked up when they are submitted, so that each
run of a step sees the same, and what cannot work is said before anything runs."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

from lazur.engine.decisions import ChildView
from lazur.engine.recipe import Recipe
from lazur.engine.states import State
from lazur.errors import Invalid, LazurError, SpecError
from lazur.kinds import catalog
from lazur.kinds.assets.environment import AnonymousEnvironment
from lazur.kinds.jobs.pipeline import PipelineJob
from lazur.kinds.pipelines import jobs as step_jobs
from lazur.kinds.pipelines import ports, slips
from lazur.kinds.pipelines.compiling import Graph, compile_graph
from lazur.kinds.pipelines.steps import CONTROL, kind_of, mapping
from lazur.services.assets import assets, environments, places, versions
from lazur.services.base.checks import CheckedJob
from lazur.services.base.home import BLOBSTORE
from lazur.services.base.site import Context
from lazur.services.content import content
from lazur.services.jobs import resolve
from lazur.services.resources.shelves import Registry
from lazur.spec import references
from lazur.spec.checking import Check
from lazur.spec.diagnostics import Diagnostic, errors_of, raise_if_errors, told
from lazur.spec.model import squashed
from lazur.spec.references import Asset, Tree
from lazur.store.db import AnyRow

_DEEPEST = 20
_SAMPLES: dict[str, Any] = {"boolean": True, "integer": 1, "number": 1.0, "string": "text"}


def freeze(context: Context, home: AnyRow, name: str, checked: CheckedJob) -> dict[str, Any]:
    """The parts of `Frozen`."""
    spec = checked.model
    assert isinstance(spec, PipelineJob)
    work = Freezing(context, home)
    value = work.expanded(checked.value, ())
    graph = work.graph(value, name, ())
    raise_if_errors(work.problems)
    inputs = {k: v for k, v in spec.inputs.items() if v is not None}
    settings = graph["settings"]
    compute: str | None = settings.get("default_compute") or spec.compute
    return {
        "plan": {"graph": graph, "jobs": value.get("jobs", {})},
        "inputs": inputs,
        "compute": compute,
        "recipes": work.recipes,
        "warnings": told(work.problems),
        "apart": frozenset({"jobs"}),
    }


class Freezing:
    """Looks up everything that a pipeline, or a sweep, names; what is wrong is gathered."""

    def __init__(self, context: Context, home: AnyRow) -> None:
        self._context = context
        self._home = home
        self.problems: list[Diagnostic] = []
        self._recipes: dict[str, tuple[Recipe, str]] = {}
        self._environments: dict[str, str | dict[str, Any]] = {}
        self._whole: set[str] = set()
        self._computes: set[str] = set()
        self._told: set[tuple[bool, str, str]] = set()

    @property
    def recipes(self) -> list[tuple[Recipe, str]]:
        return list(self._recipes.values())

    def expanded(self, value: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
        """With each component in place of its name, however deep."""
        made = dict(value)
        if len(path) > 2 * _DEEPEST:
            raise Invalid(f"{'.'.join(path)}: components are nested too deeply.")
        if not made.get("jobs") and made.get("component") is not None:
            whole = mapping(self._named(made, "component", path))
            made["jobs"] = whole.get("jobs")
            declared, given = mapping(whole.get("inputs")), mapping(made.get("inputs"))
            made["inputs"] = {**_defaults(declared), **given}
            made["outputs"] = {**mapping(whole.get("outputs")), **mapping(made.get("outputs"))}
            made["component"] = None
        made["jobs"] = {
            name: self.step(mapping(step), (*path, "jobs", name))
            for name, step in mapping(made.get("jobs")).items()
        }
        made["inputs"] = self.pinned_inputs(mapping(made.get("inputs")), path)
        return {key: part for key, part in made.items() if part is not None}

    def graph(self, value: Mapping[str, Any], name: str, path: tuple[str, ...]) -> Graph:
        """Checked as a whole, and each step as the job that it will be."""
        check = Check(value, prefix=path)
        graph = compile_graph(value, check, begins=True)
        self.problems += check.diagnostics
        if not check.failed:
            self._try(graph, mapping(value.get("jobs")), name, path)
        return graph

    def step(self, step: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
        for key in ("component", "trial"):
            if step.get(key) is not None:
                step[key] = self._component(step, key, path)
        self._pin_environments(step, path)
        step["inputs"] = self.pinned_inputs(mapping(step.get("inputs")), path)
        if isinstance(step.get("jobs"), Mapping):
            return self.expanded(step, path)
        return step

    def _named(self, holder: Mapping[str, Any], key: str, path: tuple[str, ...]) -> Any:
        """A component, in place of its name."""
        written = holder[key]
        found = self._registered(written, (*path, key)) if isinstance(written, str) else None
        return found or written

    def _component(self, holder: Mapping[str, Any], key: str, path: tuple[str, ...]) -> Any:
        """With all that it names itself."""
        written, where = self._named(holder, key, path), (*path, key)
        if not isinstance(written, Mapping):
            return written
        found = mapping(cast("Any", written))
        if written is holder[key] and key == "component":
            entry = catalog.KINDS.get(f"{kind_of(found)}-component")
            self._slips(slips.of_part(entry.model, found) if entry else (), where)
        if "jobs" in found:
            found["jobs"] = {
                name: self.step(mapping(step), (*where, "jobs", name))
                for name, step in mapping(found["jobs"]).items()
            }
        self._pin_environments(found, where)
        return found

    def _registered(self, text: str, path: tuple[str, ...]) -> dict[str, Any] | None:
        with self._noting(path):
            found = references.parse(text)
            if not isinstance(found, Asset):
                raise Invalid(
                    f"{text!r} names no component, and was not uploaded.",
                    hint="Use azureml:<name>:<version>, azureml:<name>@latest, a registry's, a "
                    "file beside the YAML, or write it in place.",
                )
            version = found.version or f"@{found.label or 'latest'}"
            if found.registry is not None:
                shelf = Registry(found.registry)
                row = versions.find_row(self._context, shelf, "components", found.name, version)
            else:
                row = assets.known(self._context, self._home, "components", found.name, version)
            kind = "components" if found.registry is not None else None
            exactly = Asset(row.name, row.version, None, kind, found.registry)
            said = {"id": str(exactly), "name": row.name, "version": row.version}
            return {**row.spec, **said}
        return None

    def pinned_inputs(self, inputs: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
        """With versions in place of labels: all steps see the same one."""
        return {name: self._pinned(v, (*path, "inputs", name)) for name, v in inputs.items()}

    def _pinned(self, written: Any, path: tuple[str, ...]) -> Any:
        if not isinstance(written, Mapping):
            return written
        value = mapping(cast("Any", written))
        text = value.get("path")
        found = references.parse(text) if isinstance(text, str) and text else None
        if isinstance(found, Asset) and found.version is None:
            with self._noting((*path, "path")):
                kind = str(value.get("type") or "uri_folder")
                row = places.asset_row(self._context, self._home, found, kind, ".".join(path))
                pinned = Asset(row.name, row.version, None, found.kind, found.registry, found.arm)
                return {**value, "path": str(pinned)}
        return value

    def _pin_environments(self, holder: dict[str, Any], path: tuple[str, ...]) -> None:
        """Its own; that of a parallel job stands with what it runs."""
        self._pin_environment(holder, path)
        if isinstance(holder.get("task"), Mapping):
            holder["task"] = mapping(holder["task"])
            self._pin_environment(holder["task"], (*path, "task"))

    def _pin_environment(self, holder: dict[str, Any], path: tuple[str, ...]) -> None:
        """A label may mean another version by the time that the step runs."""
        written = holder.get("environment")
        if written is None or (isinstance(written, str) and "${{" in written):
            return
        known = str(written)
        if known not in self._environments:
            self._environments[known] = written
            if not isinstance(written, str) and _is_no_environment(written):
                return  # told of the step, where it stands
            with self._noting((*path, "environment")):
                found = self.resolve(written)
                if found is not None:
                    self.needs(found.recipe, found.name)
                    where = ".".join((*path, "environment"))
                    for note in found.recipe.warnings:
                        self.problems.append(Diagnostic("warning", note, where))
                if found is not None and isinstance(written, str):
                    self._environments[known] = _exactly(written, found.name)
        holder["environment"] = self._environments[known]

    def resolve(self, written: Any) -> environments.Found | None:
        """An environment; None where it cannot be told yet."""
        return environments.resolve(self._context, self._home.id, written)

    def needs(self, recipe: Recipe, name: str) -> None:
        self._recipes[self._context.site.builder.key(recipe)] = (recipe, name)

    def _try(
        self, graph: Graph, written: Mapping[str, Any], name: str, path: tuple[str, ...]
    ) -> None:
        """Make each step's job as if all before it had ended well, and check that."""
        children = _as_if_done(graph, name)
        for step_name in graph["order"]:
            step = graph["steps"][step_name]
            where = (*path, "jobs", step_name)
            if step["kind"] in CONTROL.values():
                continue
            if self._said(*where, "component") or self._said(*where, "trial"):
                continue  # what it lacks because of that would be said as well
            with self._noting(where):
                given = _given_by_loop(graph, step_name)
                spec = step_jobs.job(graph, step_name, name, given, children)
                self._look_up(mapping(spec.get("inputs")), name, where)
                self._runs_on(spec, graph, where)
                if step["kind"] == "pipeline":
                    inside = "component" in mapping(written.get(step_name))
                    at = (*where, "component") if inside else where
                    self.graph(spec, step_jobs.child_name(name, step_name), at)
                    found = slips.of_part(PipelineJob, spec)
                else:
                    found = self.check(spec, step["kind"], where)
                self._slips(slips.of_step(mapping(written.get(step_name)), found), where)

    def _said(self, *path: str) -> bool:
        """Whether something is wrong there already."""
        where = ".".join(path)
        return any(one.path == where for one in errors_of(self.problems))

    def _runs_on(self, spec: dict[str, Any], graph: Graph, path: tuple[str, ...]) -> None:
        """A compute of its own is there, or another does its work; each is named once."""
        inherited = mapping(graph["settings"]).get("default_compute") or graph["compute"]
        if spec.get("compute") is None or "${{" in str(spec["compute"]):
            return
        wanted = references.compute_name(spec["compute"])
        same = inherited is not None and references.compute_name(inherited) == wanted
        if same or wanted in self._computes:
            return
        self._computes.add(wanted)
        with self._noting((*path, "compute")):
            nodes = mapping(spec.get("resources")).get("instance_count")
            for note in resolve.compute_notes(self._context, self._home, wanted, nodes or 1):
                where = ".".join((*path, "compute"))
                self.problems.append(Diagnostic("warning", note, where))

    def _look_up(self, inputs: dict[str, Any], parent: str, path: tuple[str, ...]) -> None:
        """What is given from outside is there, or is asked for now."""
        for name, value in inputs.items():
            text = mapping(value).get("path")
            if not isinstance(text, str) or text.startswith(f"azureml://jobs/{parent}_"):
                continue
            where = (*path, "inputs", name)
            if self._said(*where, "path"):
                continue
            with self._noting(where):
                found = references.parse(text)
                if isinstance(found, Tree):
                    self.whole_tree(found)
                elif isinstance(found, Asset):
                    kind = str(mapping(value).get("type") or "uri_folder")
                    places.asset_row(self._context, self._home, found, kind, ".".join(where))

    def whole_tree(self, tree: Tree) -> None:
        """Content that a client has to have sent."""
        if tree.digest not in self._whole:
            content.whole_tree(self._context, tree.digest)
            self._whole.add(tree.digest)

    def check(self, spec: dict[str, Any], kind: str, path: tuple[str, ...]) -> list[Diagnostic]:
        """Returns all that was found, of which errors are noted."""
        if f"{kind}-job" not in catalog.KINDS:
            raise Invalid(f"steps of type {kind!r} are not supported.", hint=f"Known: {_KNOWN}.")
        _, found = catalog.validate(f"{kind}-job", spec)
        for one in errors_of(found):
            at = ".".join(path)
            where = f"{at}.{one.path}" if one.path else at
            self.problems.append(Diagnostic("error", one.message, where, hint=one.hint))
        for text in _codes(spec):
            with self._noting((*path, "code")):
                place = references.parse(text)
                if isinstance(place, Tree):
                    self.whole_tree(place)
                elif isinstance(place, Asset):
                    places.code(self._context, self._home, text)
        return found

    def _slips(self, found: Iterable[Diagnostic], path: tuple[str, ...]) -> None:
        """Each is told once, however many steps or components have it."""
        for one in found:
            known = (path[-1] == "component", one.path, one.message)
            if known not in self._told:
                self._told.add(known)
                self.problems.append(replace(one, path=".".join((*path, one.path))))

    @contextmanager
    def _noting(self, path: tuple[str, ...]) -> Generator[None]:
        """An error within becomes a problem of that place, so that all are said at once."""
        try:
            yield
        except LazurError as error:
            if _passes(error):
                raise
            field = error.details.get("field")
            where = ".".join(path) + (f".{field}" if isinstance(field, str) else "")
            self.problems.append(Diagnostic("error", error.message, where, hint=error.hint))


def _passes(error: LazurError) -> bool:
    """What the client has to answer, and what may be otherwise in a moment."""
    return error.status >= 500 or "missing" in error.details or isinstance(error, SpecError)


def _is_no_environment(written: Any) -> bool:
    if not isinstance(written, Mapping):
        return True
    check = Check(cast("Mapping[str, Any]", written))
    check.model(AnonymousEnvironment)
    return check.failed


def _exactly(written: str, name: str) -> str:
    """`azureml:sklearn@latest` -> `azureml:sklearn:4`, in the registry where it was."""
    found = references.parse(written)
    assert isinstance(found, Asset)
    bare, _, version = name.rpartition(":")
    if found.registry is not None:
        return str(Asset(bare, version, None, "environments", found.registry))
    return str(Asset(bare, version))


def _defaults(declared: dict[str, Any]) -> dict[str, Any]:
    """Inputs of a pipeline that is a component alone."""
    return {name: mapping(port).get("default") for name, port in declared.items()}


def _as_if_done(graph: Graph, parent: str) -> dict[str, ChildView]:
    found: dict[str, ChildView] = {}
    for name, step in graph["steps"].items():
        child = f"{name}.1" if "owner" in step else name
        values = step_jobs.notes(step).get("values", {})
        results = {port: _SAMPLES[squashed(kind)] for port, kind in values.items()}
        made = step_jobs.child_name(parent, child)
        found[child] = ChildView(child, made, made, State.COMPLETED, False, {"results": results})
    return found


def _given_by_loop(graph: Graph, name: str) -> dict[str, Any]:
    """Something of the right type for each input that a loop fills."""
    types = graph["steps"][name]["types"]
    given: dict[str, Any] = {}
    for port in ports.given_by_loop(graph, name):
        kind = squashed(types.get(f"inputs.{port}", "string"))
        place = {"path": f"azureml://datastores/{BLOBSTORE}/paths/x"}
        given[port] = _SAMPLES.get(kind, place)
    return given


def _codes(spec: Mapping[str, Any]) -> Iterator[str]:
    for holder in (spec, mapping(spec.get("task")), mapping(spec.get("trial"))):
        if isinstance(holder.get("code"), str):
            yield holder["code"]


_KNOWN = "command, sweep, parallel, pipeline, if_else, do_while, parallel_for"
