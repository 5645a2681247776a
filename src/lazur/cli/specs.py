"""From a YAML file, flags and `--set` to what is sent: `--set` wins over flags, flags over the
file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from knack.log import get_logger
from knack.util import CLIError

from lazur.cli.terminal import Progress

if TYPE_CHECKING:
    from lazur.sdk.publishing import Watch
    from lazur.sdk.source import Source

log = get_logger(__name__)


def source(
    file: str | None, sets: list[list[str]] | None = None, flags: dict[str, Any] | None = None
) -> Source:
    """Without a file, the flags are all there is."""
    # Not needed for help and for commands that only read.
    from lazur.sdk.source import Source, read  # noqa: PLC0415
    from lazur.spec.overrides import apply, parse  # noqa: PLC0415

    found = read(file) if file else Source({}, Path.cwd())
    given = {key: value for key, value in (flags or {}).items() if value is not None}
    found.spec.update(given)
    for assignment in assignments(sets):
        apply(found.spec, *parse(assignment))
    return found


def assignments(sets: list[list[str]] | None) -> list[str]:
    return [one for several in sets or [] for one in several]


def changes(sets: list[list[str]] | None, current: dict[str, Any], **flags: Any) -> dict[str, Any]:
    """What `update --set` asks for: the top-level fields that it touches, whole. `current` is what
    is there."""
    from lazur.spec.overrides import apply, parse, text  # noqa: PLC0415 - as above

    changed = {key: value for key, value in flags.items() if value is not None}
    for assignment in assignments(sets):
        steps, value = parse(assignment)
        top = text(steps[:1])
        if len(steps) > 1 and top not in changed:
            changed[top] = dict(current.get(top) or {})
        apply(changed, steps, value)
    if not changed:
        raise CLIError("Nothing to change was given. Write, for example: --set tags.owner=me")
    return changed


def pairs(texts: list[str] | None) -> dict[str, str] | None:
    """`--tags a=1 b=2`."""
    if texts is None:
        return None
    split = [text.partition("=") for text in texts]
    if wrong := [key for key, equals, _ in split if not equals]:
        raise CLIError(f"{wrong[0]!r} is not of the form key=value.")
    return {key: value for key, _, value in split}


def watch(progress: Progress) -> Watch:
    from lazur.sdk.publishing import Watch  # noqa: PLC0415 - as above

    return Watch(notice=log.warning, progress=progress)


def warn(view: dict[str, Any]) -> None:
    """What the server found odd in a spec, once, on stderr."""
    for warning in view.get("warnings") or []:
        log.warning(warning if isinstance(warning, str) else warning.get("message", warning))


def list_view(include_archived: bool, archived_only: bool) -> str:
    if archived_only:
        return "ArchivedOnly"
    return "All" if include_archived else "ActiveOnly"


def here(path: str | None) -> str | None:
    """A path on the command line is relative to the working directory, whatever file is given
    beside it."""
    if path is None or ":" in path:
        return path
    return str(Path(path).absolute())
