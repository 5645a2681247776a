"""What is found out about a model when it is registered: where it really lies, which holds for
data, too, and what its files say of it."""

from __future__ import annotations

from typing import Any, Protocol

from lazur.engine import paths
from lazur.errors import Invalid, NotFound, Unsupported
from lazur.kinds.assets import mlmodel, triton
from lazur.safe import SafeRoot
from lazur.services.assets import versions
from lazur.services.assets.places import that_ran
from lazur.services.base import artifact_uris
from lazur.services.base.home import ARTIFACTSTORE
from lazur.services.base.site import Context
from lazur.services.content import content, far
from lazur.services.resources.shelves import Registry
from lazur.spec import references
from lazur.spec.references import Asset, DatastorePath, JobOutput, RunArtifact, Tree
from lazur.store import jobs
from lazur.store.db import AnyRow
from lazur.store.mlflow import artifacts, models, spaces
from lazur.store.workspaces import REGISTRY

_REQUIREMENTS = "requirements.txt"
_MOST = 100_000
_PLAIN = (None, "custom_model")


def found(context: Context, home: AnyRow, spec: dict[str, Any]) -> dict[str, Any]:
    """The spec, with the exact place, and what the model's own files say that lie here. Raises
    what a person can mend."""
    made = located(context, home, spec)
    return told(made, Files.of(context, home, made))


def told(made: dict[str, Any], files: Facts | None) -> dict[str, Any]:
    """With what the files say."""
    if files is None:
        return made
    if made.get("type") == "mlflow_model":
        said = _mlflow(files)
        return {**made, **said, "flavors": made.get("flavors") or said["flavors"]}
    if made.get("type") == "triton_model":
        triton.check(files.names())
    return made


def located(
    context: Context, home: AnyRow, spec: dict[str, Any], kind: str = "models"
) -> dict[str, Any]:
    """What lies in a job's output is named by where that is, and a model by the job, too; what
    another asset is, by what that holds."""
    written = spec.get("path")
    reference = references.parse(written) if isinstance(written, str) else None
    if isinstance(reference, JobOutput | RunArtifact):
        if home.kind == REGISTRY:
            raise Unsupported(
                f"path: {written!r} lies in a workspace, and others cannot read it.",
                hint=f"Register it there, and bring it here: lazur {versions.noun_of(kind)} share",
            )
        told = _of_job(context, home, reference)
        return {**spec, **(told if kind == "models" else {"path": told["path"]})}
    if isinstance(reference, Asset):
        row, place = _of_asset(context, home, reference, kind)
        if kind == "data" and not place:
            raise Invalid(f"path: {written!r} has no path itself.", hint="Name data or a model.")
        return {**spec, "path": place, **_type_of(row, kind, spec.get("type"))}
    return spec


def in_artifacts(inside: str) -> str:
    return f"azureml://datastores/{ARTIFACTSTORE}/paths/{inside}"


class Facts(Protocol):
    """What a model holds, wherever that is."""

    def names(self) -> list[str]:
        """Paths of its files."""
        ...

    def read(self, name: str, most: int) -> bytes | None:
        """None where there is no such file. At most one byte more than `most`."""
        ...


class Files(Facts):
    """Of one that lies on this site."""

    def __init__(self, context: Context, home: AnyRow, place: Tree | DatastorePath) -> None:
        self._context = context
        self._place = place
        self._home = home

    @classmethod
    def of(cls, context: Context, home: AnyRow, spec: dict[str, Any]) -> Files | None:
        """None for what lies elsewhere."""
        written = spec.get("path")
        place = references.parse(written) if isinstance(written, str) else None
        if isinstance(place, Tree):
            return cls(context, home, place)
        if isinstance(place, DatastorePath) and far.is_here(context, home.id, place.datastore):
            return cls(context, home, place) if home.kind != REGISTRY else None
        return None

    def names(self) -> list[str]:
        if isinstance(self._place, Tree):
            return [file.path for file in self._manifest().files]
        inside = self._inside()
        with self._root() as root:
            return [entry.path[len(inside) + 1 :] for entry in root.scan(inside)][:_MOST]

    def read(self, name: str, most: int) -> bytes | None:
        if isinstance(self._place, Tree):
            file = self._manifest().file(name)
            if file is None:
                return None
            with self._context.site.blobs.open(file.digest) as opened:
                return opened.read(most + 1)
        try:
            with self._root() as root, root.open(f"{self._inside()}/{name}".lstrip("/")) as opened:
                return opened.read(most + 1)
        except NotFound:
            return None

    def _manifest(self) -> Any:
        assert isinstance(self._place, Tree)
        digest, _ = content.part(self._context, self._place.digest, self._place.path)
        return content.manifest(self._context, digest)

    def _inside(self) -> str:
        assert isinstance(self._place, DatastorePath)
        if inside := self._place.path.strip("/"):
            paths.check(inside)
        return inside

    def _root(self) -> SafeRoot:
        assert isinstance(self._place, DatastorePath)
        return SafeRoot(self._context.site.home.datastore(self._home.name, self._place.datastore))


def _mlflow(files: Facts) -> dict[str, Any]:
    data = files.read(mlmodel.NAME, mlmodel.MAX_BYTES)
    if data is None:
        raise Invalid(
            "The model has no file MLmodel at its top, which an mlflow_model needs.",
            hint="Give the folder that MLflow saved, or register it with `type: custom_model`.",
        )
    requirements = files.read(_REQUIREMENTS, mlmodel.MAX_BYTES)
    return mlmodel.facts(data, requirements)


def _of_job(context: Context, home: AnyRow, reference: JobOutput | RunArtifact) -> dict[str, Any]:
    named = reference.job if isinstance(reference, JobOutput) else reference.run
    row = jobs.by_name(context.db, home.id, named) or jobs.by_run(context.db, home.id, named)
    output = reference.output if isinstance(reference, JobOutput) else "artifacts"
    if output in ("artifacts", "default"):
        run = str(that_ran(context, row).run_id) if row is not None else named
        made = {"path": _of_run(context, home, run, reference.path.strip("/"))}
    elif row is None:
        raise NotFound(f"path: there is no job {named!r} here.", hint="See: lazur job list")
    else:
        made = {"path": _output(row, output, reference.path)}
    return {**made, "job_name": row.name} if row is not None else made


def _of_run(context: Context, home: AnyRow, run: str, path: str) -> str:
    """Of a model that the run logged by this name, or of its own files."""
    space = spaces.name(home.id)
    name, _, rest = path.partition("/")
    uri = models.logged_by(context.db, space, run).get(name)
    if uri is None:
        uri, rest = artifacts.of_run(context.db, space, run), path
    if uri is None:
        raise NotFound(f"path: there is no run {run!r} here.", hint="See: lazur run list")
    inside = artifact_uris.inside(space, uri)
    if inside is None:
        return f"{uri.rstrip('/')}/{rest}".rstrip("/")
    return in_artifacts(f"{inside}/{rest}".rstrip("/"))


def _output(row: AnyRow, output: str, path: str) -> str:
    for known in row.resolved["outputs"]:
        if known["name"] == output:
            if isinstance(all_of := references.parse(known["uri"]), JobOutput):
                return str(JobOutput(all_of.job, all_of.output, path.strip("/")))
            return f"{known['uri'].rstrip('/')}/{path.strip('/')}".rstrip("/")
    names = ", ".join(o["name"] for o in row.resolved["outputs"]) or "none"
    raise NotFound(
        f"path: job {row.name!r} has no output {output!r}.", hint=f"It has: {names}, artifacts."
    )


def _of_asset(context: Context, home: AnyRow, reference: Asset, kind: str) -> tuple[AnyRow, str]:
    """Of a registry only what was uploaded is there, and it is kept once."""
    version = reference.version or f"@{reference.label or 'latest'}"
    kind = reference.kind or kind
    if reference.registry is not None:
        shelf = Registry(reference.registry)
        row = versions.find_row(context, shelf, kind, reference.name, version)
    else:
        row = versions.known(context, home, kind, reference.name, version)
    place = str(row.spec.get("path") or "")
    tree = references.parse(place) if place else None
    if isinstance(tree, Tree):
        content.whole_tree(context, tree.digest)
    return row, place


def _type_of(row: AnyRow, kind: str, given: str | None) -> dict[str, Any]:
    """That of what it is made of, unless another one was asked for."""
    plain = given in _PLAIN if kind == "models" else given is None
    known = versions.filled(row.kind, row.spec).get("type") if row.kind == kind else None
    return {"type": known} if plain and known else {}
