"""The step that finds, fetches or replaces the Python of an environment."""

from __future__ import annotations

from lazur.builders import _pythons
from lazur.builders._work import Work
from lazur.errors import BuildFailed


class Interpreter:
    def __init__(self, work: Work) -> None:
        self._work = work
        self._wanted = work.recipe.python

    def choose(self) -> _pythons.Python:
        """Raises BuildFailed when there is none that will do."""
        found = self._known() or self._present()
        if found:
            return found
        recipe = self._work.recipe
        fetched = self._fetched() if recipe.exact_python or recipe.requirements else None
        return fetched or self._stand_in()

    def _known(self) -> _pythons.Python | None:
        return self._exact(_pythons.known(self._work.env, self._work.places.pythons))

    def _present(self) -> _pythons.Python | None:
        return self._exact(self._all())

    def _exact(self, pythons: list[_pythons.Python]) -> _pythons.Python | None:
        choice = _pythons.choose(self._wanted, pythons)
        return choice.python if choice.exact else None

    def _all(self) -> list[_pythons.Python]:
        return _pythons.present(self._work.env, self._work.cwd, self._work.places.pythons)

    def _fetched(self) -> _pythons.Python | None:
        env = self._work.env
        if not self._wanted or env.get("UV_PYTHON_DOWNLOADS") == "never" or env.get("UV_OFFLINE"):
            return None
        self._work.say(f"Python {self._wanted} is not here; fetching it.")
        ended = self._work.uv(
            ["python", "install", "--no-bin", _pythons.request(self._wanted)],
            more={"UV_HTTP_RETRIES": "0", "UV_HTTP_CONNECT_TIMEOUT": _pythons.FETCH_TIMEOUT},
        )
        return self._exact(self._all()) if ended.code == 0 else None

    def _stand_in(self) -> _pythons.Python:
        pythons = self._all()
        closest = _pythons.choose(self._wanted, pythons).python
        if closest and self._wanted and _pythons.serves(self._wanted, closest):
            self._work.warn(f"Python {self._wanted} is not here; {closest.version} serves for it.")
            return closest
        if closest and not self._work.recipe.exact_python:
            self._work.warn(
                f"Python {self._wanted} is not here; the closest one serves: {closest.version}."
            )
            return closest
        raise self._none(pythons)

    def _none(self, pythons: list[_pythons.Python]) -> BuildFailed:
        versions = [python.version for python in pythons]
        wanted = self._wanted or "3"
        hint = f"Install one: uv python install {wanted}"
        if versions:
            hint = (
                f"Here are {', '.join(versions)}: ask for one of them, or install the other:"
                f" uv python install {wanted}"
            )
        return BuildFailed(
            f"Python {wanted} is not on this machine and could not be fetched.",
            hint=hint,
            phase="python",
            present=versions,
        )
