"""Runs written as MLflow writes them, straight into the tables."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from lazur.services.base import workspaces
from lazur.store.mlflow import spaces, sql
from tests.site import TestSite, call

_TABLES = (
    "runs metrics latest_metrics params tags inputs input_tags datasets logged_models "
    "logged_model_params lazur_jobs lazur_tokens"
).split()


class Tracked:
    """What a workspace's scripts did."""

    def __init__(self, site: TestSite, workspace: str = "default") -> None:
        self.site = site
        self.workspace = workspace
        if workspace != "default":
            call(site, workspaces.create, {"name": workspace})
        with site.db.read() as db:
            found = sql.row(
                db, "SELECT id FROM lazur_workspaces WHERE name = :w", {"w": workspace}
            )
            assert found
            self.space = spaces.name(found[0])
            self.experiment = spaces.experiment(db, self.space, "Default")
        self.root = spaces.artifact_root(self.space)

    def run(
        self,
        name: str = "run",
        *,
        params: dict[str, str] | None = None,
        metrics: dict[str, list[float]] | None = None,
        files: dict[str, bytes] | None = None,
        artifact_uri: str | None = None,
        tags: dict[str, str] | None = None,
        start: float = 1_699_999_000.0,
        digest: str = "d1",
        run_id: str | None = None,
    ) -> str:
        run = run_id or uuid.uuid4().hex
        uri = artifact_uri or f"{self.root}/{self.experiment}/{run}/artifacts"
        with self.site.db.write() as db:
            sql.execute(
                db,
                """INSERT INTO runs (run_uuid, name, user_id, status, start_time, end_time,
                       lifecycle_stage, artifact_uri, experiment_id, source_type)
                   VALUES (:run, :name, 'ann', 'FINISHED', :start, :end, 'active', :uri, :exp,
                           'LOCAL')""",
                {
                    "run": run,
                    "name": name,
                    "start": int(start * 1000),
                    "end": int(start * 1000) + 2000,
                    "uri": uri,
                    "exp": self.experiment,
                },
            )
            for key, value in (params or {}).items():
                _put(db, "params", key=key, value=value, run_uuid=run)
            for key, value in {"mlflow.runName": name, **(tags or {})}.items():
                _put(db, "tags", key=key, value=value, run_uuid=run)
            for key, values in (metrics or {}).items():
                self._points(db, run, key, values)
            self._dataset(db, run, digest)
        for path, data in (files or {}).items():
            self._write(self.place(uri) / path, data)
        return run

    def use(self, run: str, digest: str) -> None:
        """A further dataset, for training too."""
        with self.site.db.write() as db:
            self._dataset(db, run, digest)

    def log_model(self, run: str, files: dict[str, bytes] | None = None) -> str:
        model = f"m-{uuid.uuid4().hex}"
        uri = f"{self.root}/{self.experiment}/models/{model}/artifacts"
        with self.site.db.write() as db:
            _put(
                db, "logged_models", model_id=model, experiment_id=self.experiment, name="model",
                artifact_location=uri, creation_timestamp_ms=1, last_updated_timestamp_ms=2,
                status=2, lifecycle_stage="active", model_type="", source_run_id=run,
            )  # fmt: skip
            _put(
                db, "logged_model_params", model_id=model, experiment_id=self.experiment,
                param_key="depth", param_value="3",
            )  # fmt: skip
            _put(
                db, "inputs", input_uuid=uuid.uuid4().hex, source_type="RUN_OUTPUT",
                source_id=run, destination_type="MODEL_OUTPUT", destination_id=model, step=3,
            )  # fmt: skip
        for path, data in (files or {}).items():
            self._write(self.place(uri) / path, data)
        return model

    def register(self, name: str, source: str, run: str | None = None) -> None:
        with self.site.db.write() as db:
            _put(db, "registered_models", name=name, workspace=self.space)
            _put(
                db, "model_versions", name=name, version=1, source=source, run_id=run,
                workspace=self.space, status="READY",
            )  # fmt: skip

    def place(self, uri: str) -> Path:
        store = self.site.home.datastore(self.workspace, "workspaceartifactstore")
        return store / uri.removeprefix(f"{self.root}/")

    def folder(self, run: str) -> Path:
        return self.place(f"{self.root}/{self.experiment}/{run}/artifacts")

    def rows(self) -> dict[str, int]:
        """How many there are of each table that a run touches."""
        with self.site.db.read() as db:
            counts = {t: sql.row(db, f"SELECT COUNT(*) FROM {t}") for t in _TABLES}
        return {table: row[0] for table, row in counts.items() if row}

    def _points(self, db: Any, run: str, key: str, values: list[float]) -> None:
        for step, value in enumerate(values):
            nan = value != value
            point = {
                "key": key,
                "value": 0.0 if nan else value,
                "timestamp": 1_699_999_000_000 + step,
                "step": step,
                "is_nan": nan,
                "run_uuid": run,
            }
            _put(db, "metrics", **point)
            if step == len(values) - 1:
                _put(db, "latest_metrics", **point)

    def _dataset(self, db: Any, run: str, digest: str) -> None:
        found = sql.row(
            db,
            "SELECT dataset_uuid FROM datasets WHERE name = 'mnist' AND digest = :d "
            "AND experiment_id = :e",
            {"d": digest, "e": self.experiment},
        )
        dataset = found[0] if found else uuid.uuid4().hex
        if not found:
            _put(
                db, "datasets", dataset_uuid=dataset, experiment_id=self.experiment, name="mnist",
                digest=digest, dataset_source_type="local", dataset_source="{}",
                dataset_schema="{}",
            )  # fmt: skip
        use = uuid.uuid4().hex
        _put(
            db, "inputs", input_uuid=use, source_type="DATASET", source_id=dataset,
            destination_type="RUN", destination_id=run,
        )  # fmt: skip
        _put(db, "input_tags", input_uuid=use, name="mlflow.data.context", value="training")

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _put(db: Any, table: str, **values: Any) -> None:
    names = ", ".join(f'"{name}"' for name in values)
    marks = ", ".join(f":{name}" for name in values)
    sql.execute(db, f"INSERT INTO {table} ({names}) VALUES ({marks})", values)
