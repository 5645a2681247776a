from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazur.runtime import documents

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


class TestJson:
    @given(VALUES)
    def test_what_is_rendered_is_json(self, value: object) -> None:
        assert json.loads(documents.render(value)) == value

    @given(VALUES)
    def test_what_json_renders_is_read(self, value: object) -> None:
        assert documents.parse(json.dumps(value, indent=1)) == value

    @pytest.mark.parametrize("text", ["", "{", '{"a":1}}', "[1,]", "nope", '"\n"', "{} {}"])
    def test_what_is_no_json_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError):
            documents.parse(text)


class TestWrite:
    def test_it_replaces_in_one_step_for_the_owner_only(self, tmp_path: Path) -> None:
        path = tmp_path / "exit.json"
        path.write_text("old")
        documents.write(str(path), {"a": 1})
        assert path.read_text() == '{"a":1}'
        assert path.stat().st_mode & 0o777 == 0o600
        assert [p.name for p in tmp_path.iterdir()] == ["exit.json"]
