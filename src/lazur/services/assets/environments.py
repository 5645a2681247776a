"""Environments: what a job's `environment:` means here, the built-in registry, builds asked for by
people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

from lazur.engine.lineage import BUILT_IN
from lazur.engine.recipe import Recipe
from lazur.errors import Invalid, NotFound
from lazur.kinds.assets import curated, recipes
from lazur.services.assets import assets, builds, versions
from lazur.services.base import builtin
from lazur.services.base.site import Context
from lazur.services.base.workspaces import open_workspace
from lazur.services.content import content
from lazur.services.resources.shelves import Registry
from lazur.spec import references
from lazur.spec.names import fold
from lazur.spec.references import Asset


@dataclass(frozen=True)
class Found:
    """An environment, exactly: its recipe, and what to call it."""

    name: str
    recipe: Recipe
    variables: dict[str, str]
    home: int | None
    """The workspace or registry that it lies in; None for one that is written in place."""


def shown(written: Any) -> str:
    """What `environment:` of a job is called where people read it."""
    return written if isinstance(written, str) else str(written.get("name") or "inline")


def resolve(context: Context, workspace_id: int, written: Any) -> Found:
    """From `environment:` of a job, in any of its forms, to one recipe."""
    if isinstance(written, str):
        name, spec, home = _named(context, workspace_id, written)
    else:
        name, spec, home = shown(written), written, None
    recipe = recipes.recipe(spec, _reader(context, spec))
    if home == BUILT_IN and (told := _other_than_asked(str(written), spec)):
        recipe = replace(recipe, warnings=[told, *recipe.warnings])
    own: Any = spec.get("environment_variables") or {}
    if not isinstance(own, dict):
        raise Invalid("environment_variables must be a mapping of names to texts.")
    own = cast("dict[str, Any]", own)
    variables = {**recipe.variables, **{str(k): str(v) for k, v in own.items()}}
    return Found(name, recipe, variables, home)


def build(context: Context, workspace: str, name: str, version: str) -> dict[str, Any]:
    """Begin to make a registered environment; the answer is the build."""
    action = "workspaces/environments/build/action"
    with context.looking() as early:
        home = open_workspace(early, workspace, action, "environments", name)
        row = assets.known(early, home, "environments", name, version)
        found = resolve(early, row.workspace_id, row.spec)
    wanted = builds.want(context, row.workspace_id, found.recipe, f"{name}:{row.version}")
    return builds.view(builds.find_row(context, workspace, wanted.key, action))


def prune(context: Context, body: dict[str, Any]) -> dict[str, Any]:
    days, size = body.get("older_than_days"), body.get("max_bytes")
    for field, value in (("older_than_days", days), ("max_bytes", size)):
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, int | float) or value < 0
        ):
            raise Invalid(f"{field} must be a number of at least 0.")
    if days is None and size is None:
        raise Invalid("Say what to prune.", hint="Give older_than_days, max_bytes or both.")
    dry_run = body.get("dry_run", False)
    if not isinstance(dry_run, bool):
        raise Invalid("dry_run must be true or false.")
    return builds.prune(context, days, int(size) if size is not None else None, dry_run)


def _named(context: Context, workspace_id: int, written: str) -> tuple[str, dict[str, Any], int]:
    found = references.parse(written)
    if not isinstance(found, Asset):
        raise Invalid(
            f"environment: {written!r} does not name an environment.",
            hint="Use azureml:<name>:<version>, azureml:<name>@latest, a registry's, or inline.",
        )
    if found.registry is not None:
        spec, home = _from_registry(context, found)
        return f"{spec['name']}:{spec['version']}", spec, home
    version = found.version or f"@{found.label or 'latest'}"
    row = versions.lookup(context, workspace_id, "environments", found.name, version)
    if row is not None:
        return f"{found.name}:{row.version}", row.spec, workspace_id
    if versions.lookup(context, workspace_id, "environments", found.name, "@latest") is not None:
        raise NotFound(
            f"The environment {found.name!r} has no {_shown(version)}.",
            hint=f"See what it has: lazur environment list --name {found.name}",
        )
    try:
        spec = _curated(found)
    except NotFound as error:
        raise _no_environment(found, error) from None
    return f"{spec['name']}:{spec['version']}", spec, BUILT_IN


def _from_registry(context: Context, found: Asset) -> tuple[dict[str, Any], int]:
    assert found.registry is not None
    if fold(found.registry) == builtin.REGISTRY:
        return _curated(found), BUILT_IN
    version = found.version or f"@{found.label or 'latest'}"
    shelf = Registry(found.registry)
    row = versions.find_row(context, shelf, "environments", found.name, version)
    return {**row.spec, "name": row.name, "version": row.version}, row.workspace_id


def _curated(found: Asset) -> dict[str, Any]:
    spec = curated.serving(found.name, found.version)
    if found.label and found.label not in curated.labels(found.name):
        raise NotFound(
            f"{found.name!r} has no label {found.label!r}.", hint="Known labels: latest."
        )
    return spec


def _other_than_asked(written: str, spec: dict[str, Any]) -> str | None:
    """What to say where a curated environment serves for another one."""
    found = references.parse(written)
    assert isinstance(found, Asset)
    if curated.is_alias(found.name):
        return (
            f"The environment {found.name} of the registry {builtin.REGISTRY} is not here:"
            f" {spec['name']}:{spec['version']} serves. {spec['description']}"
        )
    if found.version in (None, spec["version"]):
        return None
    return (
        f"The environment {spec['name']} of the registry {builtin.REGISTRY} has no version"
        f" {found.version} here: version {spec['version']} serves, with the packages that its name"
        " tells."
    )


def _no_environment(found: Asset, curated_error: NotFound) -> NotFound:
    if found.name.lower().startswith("azureml-") or curated.has(found.name):
        return curated_error
    known = (curated_error.hint or "").replace("It has:", f"The registry {builtin.REGISTRY} has:")
    return NotFound(
        f"There is no environment named {found.name!r}.",
        hint=f"Register it: lazur environment create -f e.yml. {known}".strip(),
    )


def _shown(version: str) -> str:
    return f"label {version[1:]!r}" if version.startswith("@") else f"version {version!r}"


def _reader(context: Context, spec: dict[str, Any]) -> Any:
    """Reads files of the build context, for recipes."""
    build_context: dict[str, Any] = spec.get("build") or {}
    place = build_context.get("path")
    if not isinstance(place, str):
        return None
    tree = references.parse(place)
    if not isinstance(tree, references.Tree):
        raise Invalid(
            f"build.path: {place!r} was not uploaded.",
            hint="Use the CLI or the SDK, which upload it.",
        )
    content.whole_tree(context, tree.digest)
    digest, _ = content.part(context, tree.digest, tree.path)
    manifest = content.manifest(context, digest)

    def read(path: str) -> bytes | None:
        file = manifest.file(path)
        return None if file is None else content.whole_file(context, file.digest, path)

    return read
