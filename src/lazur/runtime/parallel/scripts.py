"""The user's entry script, and what it finds around it: its arguments, a mini-batch's context, and
`azureml_user.parallel_run`."""

from __future__ import annotations

import importlib.util
import inspect
import logging
import os
import sys
import types

from lazur.runtime.parallel.settings import Wrong

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from lazur.runtime.parallel.paths import Paths
    from lazur.runtime.parallel.settings import Settings

_NAME = "azureml_user"
_FORM = "%(asctime)s %(levelname)s %(message)s"


class Context:
    """`mini_batch_context`, the second argument of `run` where it takes one."""

    def __init__(self, number: int, claim: dict[str, Any]) -> None:
        self.mini_batch_id = number
        self.minibatch_index = number
        self.partition_key_value: dict[str, Any] = dict(claim.get("k") or {})
        self.item_count: int = claim["n"]
        self.metrics: dict[str, float] = {}

    def log_metric(self, name: str, value: float) -> None:
        """Of this mini-batch: shown with it by `lazur job mini-batches`."""
        self.metrics[str(name)] = float(value)

    def log_metrics(self, values: dict[str, float]) -> None:
        for name, value in values.items():
            self.log_metric(name, value)


class Script:
    def __init__(self, module: types.ModuleType, name: str) -> None:
        run: Callable[..., Any] | None = getattr(module, "run", None)
        if not callable(run):
            raise Wrong("the entry script %s has no function run(mini_batch)" % name)
        self._run = run
        self._takes_context = _takes_two(run)
        self.init: Callable[[], Any] = getattr(module, "init", None) or _nothing
        self.shutdown: Callable[[], Any] = getattr(module, "shutdown", None) or _nothing

    def run(self, mini_batch: Any, context: Context) -> Any:
        return self._run(mini_batch, context) if self._takes_context else self._run(mini_batch)


def load(asked: Settings, paths: Paths) -> Script:
    path = os.path.join(paths.working, asked.entry_script)
    if not os.path.isfile(path):
        raise Wrong(
            "the entry script %s is not in the job's code: `task.code` names the folder that it "
            "lies in" % asked.entry_script
        )
    sys.argv = [path, *asked.arguments]
    for folder in (paths.working, os.path.dirname(path)):
        if folder not in sys.path[:2]:
            sys.path.insert(0, folder)
    _offer_entry_script(asked, paths)
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise Wrong("the entry script %s is no Python file" % asked.entry_script)
    module = importlib.util.module_from_spec(spec)
    # Pickles that it writes name its classes by this module.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return Script(module, asked.entry_script)


def counted(returned: Any) -> dict[str, int]:
    """How many results it is. None is none; a mapping is one."""
    if returned is None:
        return {"n": 0}
    if isinstance(returned, (dict, str, bytes)):
        return {"n": 1}
    return {"n": len(returned)} if hasattr(returned, "__len__") else {"n": len(list(returned))}


def _takes_two(run: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(run).parameters.values()
    except (TypeError, ValueError):
        return False
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return True
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters) > 1


def _offer_entry_script(asked: Settings, paths: Paths) -> None:
    """What entry scripts written for Azure ask for their logger."""
    logger = logging.getLogger("entry_script")
    logger.setLevel(asked.level)
    logger.propagate = False
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(logging.Formatter(_FORM))
        logger.addHandler(handler)
    members = {"logger": logger, "log_dir": paths.logs, "working_dir": paths.working}
    package = types.ModuleType(_NAME)
    inner = types.ModuleType(_NAME + ".parallel_run")
    vars(package).update(__path__=[], parallel_run=inner)
    vars(inner)["EntryScript"] = type("EntryScript", (), members)
    sys.modules[_NAME] = package
    sys.modules[_NAME + ".parallel_run"] = inner


def _nothing() -> None:
    pass
