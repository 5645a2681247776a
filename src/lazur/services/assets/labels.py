"""Labels: names for versions that move on, as `champion` or `reviewed`; a model's are MLflow's
aliases. `latest` is nobody's to give."""

from __future__ import annotations

import re
from typing import Any, cast

from lazur.errors import Invalid
from lazur.services.assets import registered_models
from lazur.services.base.site import Context
from lazur.store import assets as store
from lazur.store.assets import AssetRow
from lazur.store.db import AnyRow

_LABEL = re.compile(r"[A-Za-z0-9_-]{1,255}")
_RESERVED = re.compile(r"latest|v\d+", re.IGNORECASE)
"""MLflow's rule, for all kinds."""
_MOST = 100


def checked(value: Any) -> list[str]:
    """A list of labels, or one text with commas between them."""
    given = value.split(",") if isinstance(value, str) else value
    if not isinstance(given, list) or len(cast("list[Any]", given)) > _MOST:
        raise Invalid(f"labels is a list of at most {_MOST} texts.")
    return sorted({_checked(label) for label in cast("list[Any]", given) if label != ""})


def put(context: Context, home: AnyRow, row: AssetRow, wanted: list[str]) -> None:
    """These, and no others; each moves here from the version that had it."""
    there = store.labels_by_asset(context.db, [row.id]).get(row.id, [])
    gone = [label for label in there if label not in wanted]
    new = [label for label in wanted if label not in there]
    for label in gone:
        store.drop_label(context.db, row.container_id, label)
    for label in new:
        store.put_label(context.db, row.container_id, label, row.id)
    registered_models.tell_labels(context, home, row, gone, new)


def _checked(label: Any) -> str:
    text = label.strip() if isinstance(label, str) else ""
    if not _LABEL.fullmatch(text):
        raise Invalid(
            f"The label {str(label)[:100]!r} is none.",
            hint="Labels are letters, digits, `_` and `-`.",
        )
    if _RESERVED.fullmatch(text):
        raise Invalid(
            f"The label {text!r} is reserved.",
            hint="`latest` is always the newest version, and v1, v2, … are read as versions.",
        )
    return text
