"""What is meant by many models at once: which files are one each, what they are called, and
whether they are what is there already. It only looks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from lazur.engine import patterns
from lazur.engine.lineage import JOBS, TREES, Node
from lazur.engine.patterns import Pattern
from lazur.errors import Invalid, LazurError
from lazur.services.assets import edges, model_facts
from lazur.services.assets.model_contents import Same
from lazur.services.assets.model_facts import Files
from lazur.services.assets.registered_models import KIND
from lazur.services.assets.versions import filled
from lazur.services.base import checks
from lazur.services.base.access import Resource
from lazur.services.base.site import Context
from lazur.services.content import content
from lazur.services.resources.shelves import Registry, Shelf
from lazur.services.results import mini_batches
from lazur.spec import references
from lazur.spec.references import Local, Tree
from lazur.store import jobs
from lazur.store.db import AnyRow

_FIELDS = (
    "path files name models type description tags properties metrics_of dry_run flavors".split()
)
_OF_ALL = ("type", "description", "tags", "properties", "flavors")
MOST = 50_000
_TOLD = 20
"""Problems that an error names."""
_PLAIN = "custom_model"


@dataclass(frozen=True)
class Wanted:
    place: int
    """In the order in which they were given."""
    name: str
    spec: dict[str, Any]
    sources: tuple[Node, ...]


@dataclass(frozen=True)
class Batch:
    wanted: list[Wanted]
    same: Same
    title: str
    """What the deed is called in the log: the names' pattern."""
    written: str | None
    """The path as it was asked for."""
    job: str | None
    """Whose output they are."""
    run: str | None
    trees: list[str]
    dry_run: bool


@dataclass
class _Problems:
    """All of them are told at once."""

    found: list[str] = field(default_factory=list[str])
    count: int = 0

    def add(self, what: str, why: str) -> None:
        self.count += 1
        if len(self.found) < _TOLD:
            self.found.append(f"{what}: {why}")

    def check(self) -> None:
        if self.count:
            more = f"; and {self.count - len(self.found):,} more" if self.count > _TOLD else ""
            raise Invalid(
                f"Nothing was registered, for {self.count:,} of the models cannot be: "
                f"{'; '.join(self.found)}{more}",
                hint="Mend these, and register all of them again: those that are there already "
                "are not registered twice.",
                problems=self.found,
            )


def find(context: Context, shelf: Shelf, home: AnyRow, asked: dict[str, Any]) -> Batch:
    """Raises Invalid with all that is wrong with them."""
    _check_fields(asked)
    written = asked.get("path")
    base = _base(context, home, written) if written is not None else {}
    listed = asked.get("models")
    entries = _listed(asked, base) if listed is not None else _matched(context, home, asked, base)
    name = _writer(context, home, base)
    row = jobs.by_name(context.db, home.id, name) if name is not None else None
    if base and row is not None:
        base["job_name"] = row.name
    if (known := _figures(context, shelf, row, asked.get("metrics_of"))) is not None:
        entries = _measured(known, entries)
    wanted = list(_checked(context, home, entries, written, base))
    found = (references.parse(one.spec["path"]) for one in wanted)
    return Batch(
        wanted,
        Same(context),
        str(asked.get("name") or wanted[0].name),
        written,
        name,
        str(row.run_id) if row is not None else None,
        sorted({f"tree:{one.digest}" for one in found if isinstance(one, Tree)}),
        asked.get("dry_run") is True,
    )


def _writer(context: Context, home: AnyRow, base: dict[str, Any]) -> str | None:
    """The job that wrote them, also where a step names them that was not run again."""
    found = (node.name for node in _sources(context, home, base.get("path")) if node.kind == JOBS)
    return next(found, base.get("job_name"))


def _figures(
    context: Context, shelf: Shelf, row: AnyRow | None, asked: Any
) -> mini_batches.Figures | None:
    """Of the job that was asked for; those of the job whose output they are come along unasked,
    where the caller may read what runs have measured."""
    if isinstance(shelf, Registry):
        if asked is not None:
            raise Invalid(
                "metrics_of: a registry has no jobs.",
                hint="Register them in the job's workspace, and share those that are wanted.",
            )
        return None
    if asked is not None:
        return mini_batches.figures(context, shelf, str(asked))
    if row is None or row.type != "parallel":
        return None
    may = context.who.may("workspaces/experiments/runs/read", Resource(shelf))
    return mini_batches.figures_of(context, shelf, row.name) if may else None


def _check_fields(asked: dict[str, Any]) -> None:
    if unknown := sorted(set(asked) - set(_FIELDS)):
        raise Invalid(
            f"{unknown[0]!r} is no field of many models.", hint=f"Known: {', '.join(_FIELDS)}."
        )
    given = asked.get("models")
    if given is not None and (asked.get("files") is not None or asked.get("name") is not None):
        raise Invalid(
            "`models` lists them, and `files` with `name` finds them: give one of the two."
        )
    if given is None and not all(isinstance(asked.get(k), str) for k in ("path", "files", "name")):
        raise Invalid(
            "Which models? `path`, `files` and `name` are needed, or a list `models`.",
            hint="Such as path: azureml://jobs/NAME/outputs/models, files: '{Shop}.json', "
            "name: 'sales-{Shop}'.",
        )
    if asked.get("dry_run") not in (None, True, False):
        raise Invalid("dry_run is true or false.")


def _base(context: Context, home: AnyRow, written: Any) -> dict[str, Any]:
    """The folder with all of them, named by where it is: path, and the job that wrote it."""
    if not isinstance(written, str) or not written:
        raise Invalid("path must be the address of a folder.")
    found = references.parse(written)
    if isinstance(found, Local):
        raise Invalid(
            f"path: {written!r} is a path on your own machine, which the server cannot see.",
            hint="The CLI and the SDK upload local paths. Over REST, upload a tree first.",
        )
    if isinstance(found, Tree):
        content.whole_tree(context, found.digest)
    located = model_facts.located(context, home, {"path": written})
    return {key: located[key] for key in ("path", "job_name") if located.get(key)}


def _matched(
    context: Context, home: AnyRow, asked: dict[str, Any], base: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """One for each file (or folder) that the pattern fits."""
    wanted = patterns.parse(asked["files"].rstrip("/"), "files")
    name = patterns.parse(asked["name"], "name")
    if unknown := sorted(set(name.names) - set(wanted.names)):
        known = ", ".join(f"{{{one}}}" for one in wanted.names) or "no placeholders"
        raise Invalid(f"name: {{{unknown[0]}}} is not in `files`, which has {known}.")
    files = Files.of(context, home, base)
    if files is None:
        raise Invalid(
            f"path: {asked['path']!r} does not lie on this server, which cannot list its files.",
            hint="List them: models: [{name, path}, …].",
        )
    names = files.names()
    if asked["files"].endswith("/"):
        depth = len(wanted.parts)
        parts = (path.split("/") for path in names)
        names = dict.fromkeys("/".join(one[:depth]) for one in parts if len(one) > depth)
    return _entries(asked, base, wanted, name, list(names))


def _entries(
    asked: dict[str, Any],
    base: dict[str, Any],
    wanted: Pattern,
    name: Pattern,
    names: list[str],
) -> Iterator[dict[str, Any]]:
    common = {key: asked[key] for key in _OF_ALL if asked.get(key) is not None}
    found = 0
    for path in names:
        if (values := wanted.match(path)) is None:
            continue
        found += 1
        tags = {**values, **_mapping("tags", common.get("tags"))}
        yield {
            **common,
            "name": name.fill(values),
            "path": f"{base['path'].rstrip('/')}/{path}",
            "tags": tags,
            "_key": values,
            "_what": path,
        }
    if not found:
        example = f", such as {names[0]}" if names else ""
        raise Invalid(
            f"files: none of the {len(names):,} in {asked['path']} is {asked['files']}{example}."
        )


def _listed(asked: dict[str, Any], base: dict[str, Any]) -> Iterator[dict[str, Any]]:
    given: Any = asked["models"]
    if not isinstance(given, list) or not given:
        raise Invalid("models must be a list of models, each with name and path.")
    common = {key: asked[key] for key in _OF_ALL if asked.get(key) is not None}
    for number, one in enumerate(cast("list[Any]", given)):
        if not isinstance(one, dict):
            raise Invalid(f"models[{number}] must be an object with name and path.")
        own = cast("dict[str, Any]", one)
        tags = {**_mapping("tags", common.get("tags")), **_mapping("tags", own.get("tags"))}
        path = own.get("path")
        if base and isinstance(path, str) and ":" not in path:
            own = {**own, "path": f"{base['path'].rstrip('/')}/{path.removeprefix('./')}"}
        yield {**common, **own, "tags": tags, "_key": tags}


def _measured(
    figures: mini_batches.Figures, entries: Iterator[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """With the metrics of the mini-batch of the same key, as properties."""
    names, known = figures
    for one in entries:
        found = known.get(tuple(str(one["_key"].get(name)) for name in names), {})
        told = {f"metrics.{name}": f"{value:.10g}" for name, value in found.items()}
        yield {**one, "properties": {**_mapping("properties", one.get("properties")), **told}}


def _checked(
    context: Context,
    home: AnyRow,
    entries: Iterator[dict[str, Any]],
    written: Any,
    base: dict[str, Any],
) -> Iterator[Wanted]:
    problems, seen = _Problems(), dict[str, str]()
    common = tuple(_sources(context, home, written))
    for place, entry in enumerate(entries):
        if place >= MOST:
            raise Invalid(f"At most {MOST:,} models are registered at once.")
        what = str(entry.get("_what") or entry.get("name") or f"models[{place}]")
        try:
            one = _one(context, home, place, entry, common, base)
        except LazurError as error:
            problems.add(what, error.message)
            continue
        if (before := seen.setdefault(one.name, what)) != what:
            problems.add(what, f"{before} is {one.name!r}, too")
            continue
        if not problems.count:
            yield one
    problems.check()


def _one(
    context: Context,
    home: AnyRow,
    place: int,
    entry: dict[str, Any],
    common: tuple[Node, ...],
    base: dict[str, Any],
) -> Wanted:
    if entry.get("version") is not None:
        raise Invalid("its version is always the next number: leave `version` out")
    checks.name(entry.get("name"))
    spec, _ = checks.asset(KIND, {k: v for k, v in entry.items() if not k.startswith("_")})
    name, path = checks.name(spec.get("name")), str(spec.get("path") or "")
    if base and path.startswith(f"{base['path'].rstrip('/')}/"):
        spec |= {key: base[key] for key in ("job_name",) if key in base}
        sources = common
    else:
        spec, sources = _elsewhere(context, home, spec, path), tuple(_sources(context, home, path))
    if spec.get("type", _PLAIN) != _PLAIN:
        spec = model_facts.found(context, home, spec)
    return Wanted(place, name, filled(KIND, spec), sources)


def _elsewhere(context: Context, home: AnyRow, spec: dict[str, Any], path: str) -> dict[str, Any]:
    """One that names its own place."""
    found = references.parse(path) if path else None
    if found is None or isinstance(found, Local):
        raise Invalid("its path is no address that the server can see")
    if isinstance(found, Tree):
        content.whole_tree(context, found.digest)
    return model_facts.located(context, home, spec)


def _sources(context: Context, home: AnyRow, written: Any) -> Iterator[Node]:
    """What it came of; its own content is no such thing."""
    if isinstance(written, str) and written:
        found = edges.sources(context, home, written, KIND)
        yield from (node for node in found if node.kind != TREES)


def _mapping(field: str, value: Any) -> dict[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise Invalid(f"{field} must be a mapping.")
    return dict(cast("dict[str, Any]", value or {}))
