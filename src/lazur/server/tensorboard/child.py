"""TensorBoard's own server as a child of ours: `python -m lazur.server.tensorboard.child`, see
leash.py.

Its web app and its loader of event files, on a tree that holds nothing else (tree.py). Left out
are the data server, a second process that opens whatever its paths lead to and serves it to all
on the machine, and plugins that open files whose paths a job writes down (PLUGINS).
"""

from __future__ import annotations

import importlib
import io
import logging
import resource
import socket
import sys
import threading
import time
import zipfile
from types import ModuleType
from typing import Any, BinaryIO

from tensorboard import assets, program
from tensorboard.backend import application
from tensorboard.backend.event_processing import data_ingester, data_provider
from tensorboard.plugins.core import core_plugin
from werkzeug import serving

from lazur.server import leash
from lazur.server.tensorboard import tree

PLUGINS = {
    "metrics": "metrics.metrics_plugin.MetricsPlugin",
    "scalars": "scalar.scalars_plugin.ScalarsPlugin",
    "custom_scalars": "custom_scalar.custom_scalars_plugin.CustomScalarsPlugin",
    "images": "image.images_plugin.ImagesPlugin",
    "audio": "audio.audio_plugin.AudioPlugin",
    "graphs": "graph.graphs_plugin.GraphsPlugin",
    "distributions": "distribution.distributions_plugin.DistributionsPlugin",
    "histograms": "histogram.histograms_plugin.HistogramsPlugin",
    "text": "text.text_plugin.TextPlugin",
    "pr_curves": "pr_curve.pr_curves_plugin.PrCurvesPlugin",
    "hparams": "hparams.hparams_plugin.HParamsPlugin",
    "mesh": "mesh.mesh_plugin.MeshPlugin",
}
"""They show what event files hold, and open no other. Not here: the projector, the debugger and
the profiler, which open files that a job names, and plugins that other packages bring."""
LOCATION = "the outputs, logs and artifacts of what is on this board"
"""What TensorBoard calls its folder, to people."""
RELOAD_SECONDS = 5.0
_STACK = 1 << 20
_WAITING = 128

log = logging.getLogger("lazur.tensorboard")


def main() -> None:
    settings = leash.take()
    logging.basicConfig(level="WARNING", format="%(levelname)s %(name)s: %(message)s")
    limit_memory(settings["megabytes"])
    listening = leash.listen(settings["socket"])
    app, multiplexer = load([tree.Mount(*mount) for mount in settings["mounts"]])
    reloading = threading.Thread(
        target=keep_up, args=(multiplexer, settings["megabytes"]), daemon=True
    )
    reloading.start()
    serve(app, settings["socket"], listening)
    leash.leave()


def limit_memory(megabytes: int) -> None:
    """An event file may hold any amount of anything. Threads get small stacks, since they count.
    Systems other than Linux do not hold a process to it."""
    threading.stack_size(_STACK)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (megabytes << 20, hard))


def load(mounts: list[tree.Mount]) -> tuple[Any, Any]:
    """Upstream's app, and what loads event files for it. TensorFlow is left out even where it is
    installed: it would open files by itself."""
    sys.modules["tensorboard.compat.notf"] = ModuleType("tensorboard.compat.notf")
    tree.take_over(mounts)
    plugins = [core_plugin.CorePluginLoader(), *(_plugin(path) for path in PLUGINS.values())]
    board = program.TensorBoard(plugins, pages)
    board.configure(["tensorboard", "--logdir", "/", "--load_fast", "false"])
    board.flags.reload_multifile = True
    board.flags.window_title = "TensorBoard · Lazur"
    multiplexer = data_ingester.LocalDataIngester(board.flags).deprecated_multiplexer
    data = data_provider.MultiplexerDataProvider(multiplexer, LOCATION)
    app = application.TensorBoardWSGIApp(board.flags, plugins, data, pages, multiplexer)
    return app, multiplexer


def pages() -> BinaryIO:
    """Upstream's own, as an archive. Their fonts are taken from beside them, not from the top of
    the host."""
    made = io.BytesIO()
    theirs = assets.get_default_assets_zip_provider()
    assert theirs is not None  # every release brings it
    with theirs() as file, zipfile.ZipFile(file) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"url(/font-", b"url(font-"))
    made.seek(0)
    return made


def keep_up(multiplexer: Any, megabytes: int) -> None:
    """Load what was written meanwhile, at most half of the time."""
    while True:
        began = time.monotonic()
        try:
            multiplexer.AddRunsFromDirectory("/")
            multiplexer.Reload()
        except MemoryError:
            log.critical("It needs more than %d MB: see tensorboard_megabytes.", megabytes)
            leash.leave(1)
        except Exception:
            log.exception("A file could not be loaded; it is tried again.")
        time.sleep(max(RELOAD_SECONDS, time.monotonic() - began))


def serve(app: Any, path: str, listening: socket.socket) -> None:
    server = serving.make_server(
        f"unix://{path}", 0, app, threaded=True, request_handler=_Quiet, fd=listening.fileno()
    )
    listening.listen(_WAITING)
    server.serve_forever()


class _Quiet(serving.WSGIRequestHandler):
    """Requests are logged in front."""

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        pass


def _plugin(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(f"tensorboard.plugins.{module}"), name)


if __name__ == "__main__":
    main()
