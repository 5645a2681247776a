"""Outputs: their places before the command, and what becomes of them after it."""

from __future__ import annotations

import os

from lazur.runtime.attempt import Attempt
from lazur.runtime.plan import Output, Unkept, Unprepared
from lazur.runtime.values import Values


def prepare(attempt: Attempt, values: Values) -> None:
    for output in attempt.plan.outputs:
        if output.mode == "direct":
            values.add_output(output.name, output.destination, is_path=False)
            continue
        try:
            aside = output.mode == "upload" or output.remote
            place = _private(attempt, output) if aside else output.destination
            os.makedirs(os.path.dirname(place) if output.file else place, exist_ok=True)
        except OSError as error:
            text = "the output %s cannot be written to %s: %s"
            raise Unprepared(text % (output.name, output.destination, error.strerror)) from None
        values.add_output(output.name, place, is_path=True)


def keep(attempt: Attempt, ended_well: bool) -> None:
    """`upload` outputs appear at their destination, each whole or not at all; so do `./outputs`
    and `./logs` where the command replaced the links by folders of its own. Stores elsewhere get
    what a command left that ended well. Raises Unkept."""
    for name in ("outputs", "logs"):
        _keep_folder(attempt, name)
    for output in attempt.plan.outputs:
        if output.remote:
            _send(attempt, output, ended_well)
        elif output.mode == "upload":
            _upload(attempt, output)


def _keep_folder(attempt: Attempt, name: str) -> None:
    place = attempt.wd + "/" + name
    if os.path.islink(place) or not os.path.isdir(place):
        return
    # Rare, and every job comes by here.
    from lazur.runtime.folders import merge  # noqa: PLC0415

    try:
        merge(place, attempt.artifacts + "/" + name)
    except OSError as error:
        raise Unkept("./%s could not be kept: %s" % (name, error)) from None


def _upload(attempt: Attempt, output: Output) -> None:
    place = _private(attempt, output)
    if not os.path.lexists(place):
        attempt.warn("the output %s was not written" % output.name)
        return
    from lazur.runtime.folders import merge, move  # noqa: PLC0415  # as above

    try:
        os.makedirs(os.path.dirname(output.destination), exist_ok=True)
        if _has_content(output.destination) and os.path.isdir(place):
            merge(place, output.destination)
        else:
            move(place, output.destination)
    except OSError as error:
        text = "the output %s could not be kept in %s: %s"
        raise Unkept(text % (output.name, output.destination, error)) from None


def _send(attempt: Attempt, output: Output, ended_well: bool) -> None:
    if output.mode == "direct":
        return
    if not ended_well:
        attempt.note("the output %s was not sent: the command failed" % output.name)
        return
    place = _private(attempt, output)
    if not (os.path.isfile(place) if output.file else _has_content(place)):
        attempt.warn("the output %s was not written" % output.name)
        return
    # Brings modules that few jobs need.
    from lazur.runtime import carrying  # noqa: PLC0415

    carrying.send(attempt, output, os.path.dirname(place) if output.file else place)


def _has_content(path: str) -> bool:
    return os.path.isdir(path) and bool(os.listdir(path))


def _private(attempt: Attempt, output: Output) -> str:
    folder = "%s/named-outputs/%s" % (attempt.folder, output.name)
    return folder + "/" + os.path.basename(output.destination) if output.file else folder
