from __future__ import annotations

from collections import defaultdict
from typing import Any

from lazur.cli import run_tables


class TestDescribed:
    def test_things_of_one_name_are_all_shown(self) -> None:
        nothing: Any = defaultdict(dict, status="FINISHED", deleted=False, started_at=None)
        data = [{"context": "training", "name": "mnist", "digest": d} for d in ("d1", "d2")]
        models = [{"name": "model", "id": f"m-{n}", "status": "READY"} for n in (1, 2)]
        lines = run_tables.described(
            nothing | {"duration": None, "inputs": data, "models": models}
        )
        assert "  training  mnist d1, mnist d2" in lines
        assert "  model  m-1 READY, m-2 READY" in lines
