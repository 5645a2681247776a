"""What a parallel job and a parallel component have in common: a script, the input that is cut
into mini-batches, and what happens when one of them fails."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from lazur.kinds.assets.component import Component
from lazur.kinds.assets.environment import AnonymousEnvironment
from lazur.spec.expressions import parse
from lazur.spec.inputs import LiteralValue
from lazur.spec.model import Map, Spec, TextValue, Whole, spelled
from lazur.spec.resources import Resources, parse_size

Level = Literal["DEBUG", "INFO", "WARNING"]
_COUNT = re.compile(r"\s*[0-9]{1,12}\s*(?:rows?|files?)?\s*", re.IGNORECASE)
_LONGEST = 259_200
_MOST = 100_000


def _size(text: str) -> str:
    """`5`, `10kb`, `100 rows`, or an expression."""
    if parse(text).expressions or _COUNT.fullmatch(text):
        return text
    try:
        if parse_size(text) > 0:
            return text
    except ValueError:
        pass  # what it should be is said below
    raise ValueError(
        f"{text!r} is no size of a mini-batch: write a number of files such as 5, or for tables a"
        " size such as 10kb"
    )


def _whole(least: int, most: int) -> BeforeValidator:
    """A number within bounds, or an expression that stands for one."""

    def read(value: Any) -> Any:
        if isinstance(value, str) and parse(value).expressions:
            return value
        text = "" if isinstance(value, bool) else str(value)
        if not text.isdecimal() or not least <= int(text) <= most:
            raise ValueError(f"{value!r} is not a whole number from {least} to {most}")
        return int(text)

    return BeforeValidator(read)


def _script(text: str) -> str:
    if text.startswith("/") or ".." in text.split("/"):
        raise ValueError(f"{text!r} must lie in the folder of `code`")
    if not text.endswith(".py"):
        raise ValueError(f"{text!r} is no Python file")
    return text


Threshold = Annotated[Whole, Field(ge=-1)]
MiniBatchSize = Annotated[TextValue, AfterValidator(_size)]
Workers = Annotated[Whole, Field(ge=1, le=_MOST)]


class RetrySettings(Spec):
    """What happens to a mini-batch that fails."""

    timeout: Annotated[int | str, _whole(1, _LONGEST)] | None = None
    """Seconds that `run` may take for one mini-batch; 60 when left out."""
    max_retries: Annotated[int | str, _whole(0, _MOST)] | None = None
    """How often a mini-batch that failed is tried again; 2 when left out."""


class ParallelTask(Spec):
    """What is done with each mini-batch."""

    type: Annotated[
        Literal["run_function", "model", "function"],
        spelled(Literal["run_function", "model", "function"]),
    ] = "run_function"
    code: str | None = None
    """The folder that the script lies in."""
    entry_script: Annotated[str, AfterValidator(_script)] | None = None
    """A Python file with `run(mini_batch[, mini_batch_context])`, and perhaps `init()` and
    `shutdown()`."""
    program_arguments: str | None = None
    """What the script finds in `sys.argv`, with `${{inputs.x}}` and `${{outputs.y}}` in it."""
    model: str | None = None
    append_row_to: str | None = None
    """The output that what the script returns is added to: `${{outputs.x}}`."""
    environment: str | AnonymousEnvironment | None = None


class Cutting(Spec):
    """The fields of both."""

    task: ParallelTask
    input_data: str | None = None
    """The input that is cut into mini-batches: `${{inputs.x}}`."""
    mini_batch_size: MiniBatchSize | None = None
    """Files in a mini-batch, 1 when left out; of a table a size such as `10kb`, 1 MB when left
    out, or a number of rows such as `100 rows`."""
    partition_keys: list[TextValue] | None = None
    """Columns of a table, or names of folders: what has the same values is one mini-batch."""
    logging_level: Annotated[Level, spelled(Level)] | None = None
    """Of the logger that `EntryScript().logger` gives."""
    retry_settings: RetrySettings | None = None
    max_concurrency_per_instance: Workers | None = None
    """Worker processes on each node; as many as the machine has cores when left out."""
    error_threshold: Threshold | None = None
    """Items that may fail before the job does; any number when left out or -1."""
    mini_batch_error_threshold: Threshold | None = None
    """Mini-batches that may fail before the job does; any number when left out or -1."""


class ParallelComponent(Component, Cutting):
    """A script that is given its data in mini-batches, on several processes and nodes."""

    type: Annotated[Literal["parallel"], spelled(Literal["parallel"])]
    environment_variables: Map[LiteralValue | None] = Field(default_factory=dict)
    resources: Resources | None = None
