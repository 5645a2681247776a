"""What is known of workspaces and their jobs, kept for a moment: it is asked at every request."""

from __future__ import annotations

import time

from anyio.to_thread import run_sync

from lazur.server.mlflow.names import Names
from lazur.services.base.site import Site
from lazur.services.tracking import places
from lazur.services.tracking.places import Place
from lazur.spec.names import fold

FRESH = 1.0
"""Seconds that what is known of a workspace holds: a deleted one is gone within them."""
_JOBS = 10_000


class Rooms:
    """Asked after the access decision."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._places: dict[str, tuple[float, Place]] = {}
        self._runs: dict[tuple[int, str], str] = {}
        self._shared: set[int] = set()

    async def place(self, workspace: str) -> Place:
        """Raises NotFound."""
        found = self._places.get(fold(workspace))
        if found is not None and time.monotonic() < found[0]:
            return found[1]
        place = await run_sync(self._find, workspace)
        if len(self._places) > _JOBS:
            self._places.clear()
        self._places[fold(workspace)] = (time.monotonic() + FRESH, place)
        return place

    async def resolve(self, place: Place, names: Names) -> None:
        """Put upstream's ids to the names. A job keeps its run as long as it is there, so what was
        found once is not asked again."""
        for name in names.experiments:
            names.experiments[name] = place.default_experiment
        unknown = [name for name in names.runs if (place.id, name) not in self._runs]
        if unknown:
            await run_sync(self._find_runs, place, unknown)
        for name in names.runs:
            names.runs[name] = self._runs.get((place.id, name), name)

    def _find(self, workspace: str) -> Place:
        with self._site.context(write=False) as context:
            place = places.find(context, workspace)
        if place.id not in self._shared:
            places.share(self._site.home, place)
            self._shared.add(place.id)
        return place

    def _find_runs(self, place: Place, names: list[str]) -> None:
        if len(self._runs) > _JOBS:
            self._runs.clear()
        with self._site.context(write=False) as context:
            for name in names:
                if (run := places.run_id(context, place.id, name)) is not None:
                    self._runs[place.id, name] = run
