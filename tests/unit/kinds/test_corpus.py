from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lazur.kinds.catalog import load_document, validate
from lazur.spec.diagnostics import errors_of
from lazur.spec.yaml import load

CORPUS = Path(__file__).parents[2] / "corpus"
FILES = sorted(p for p in CORPUS.rglob("*") if p.suffix in {".yml", ".yaml"})
KINDS = {
    "jobs": "command-job",
    "components": "command-component",
    "sweeps": "sweep-job",
    "environments": "environment",
    "data": "data",
    "models": "model",
}


def test_the_corpus_is_there() -> None:
    assert len(FILES) > 40


@pytest.mark.parametrize("file", FILES, ids=lambda p: str(p.relative_to(CORPUS)))
class TestCorpus:
    def test_it_loads_as_its_kind_without_errors(self, file: Path) -> None:
        kind, model, diagnostics = load_document(load(file.read_bytes(), file.name))
        assert [d.render() for d in errors_of(diagnostics)] == []
        assert model is not None
        assert kind == KINDS[file.parent.name]

    def test_the_family_may_be_given(self, file: Path) -> None:
        family = KINDS[file.parent.name].split("-")[-1]
        kind, _, _ = load_document(load(file.read_bytes(), file.name), family)
        assert kind == KINDS[file.parent.name]

    def test_no_field_is_unknown(self, file: Path) -> None:
        _, _, diagnostics = load_document(load(file.read_bytes(), file.name))
        assert [d.message for d in diagnostics if "not a known field" in d.message] == []

    def test_nothing_is_lost(self, file: Path) -> None:
        document = load(file.read_bytes(), file.name)
        kind, model, _ = load_document(document)
        assert model is not None
        dumped = model.dump()
        assert same(dumped, document.value)
        again, _ = validate(kind, dumped)
        assert again == model


def same(dumped: Any, written: Any) -> bool:
    """Equal but for the spelling of words and of scalars that are text."""
    if isinstance(written, dict):
        return dumped.keys() == written.keys() and all(
            same(dumped[k], written[k]) for k in written
        )
    if isinstance(written, list):
        return len(dumped) == len(written) and all(map(same, dumped, written))
    if dumped == written:
        return True
    old = {"mount": {"ro_mount", "rw_mount"}, "path": {"uri_folder"}}
    squashed = str(written).replace("_", "").lower()
    return (
        str(dumped) in old.get(str(written), set())
        or str(dumped).replace("_", "").lower() == squashed
    )
