"""What every environment builder must pass. Inherit, and give the fixtures `make` and `slow`."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lazur.engine.contracts import Builder, Built
from lazur.engine.recipe import Recipe
from lazur.errors import BuildFailed


def never() -> bool:
    return False


class BuilderContract:
    @pytest.fixture
    def make(self, tmp_path: Path) -> Callable[[], Builder]:
        """A builder over one and the same root, however often it is called."""
        raise NotImplementedError

    @pytest.fixture
    def builder(self, make: Callable[[], Builder]) -> Builder:
        return make()

    @pytest.fixture
    def recipe(self) -> Recipe:
        """Something small that `builder` can make without a network."""
        return Recipe()

    @pytest.fixture
    def impossible(self) -> Recipe:
        """A recipe that certainly fails."""
        return Recipe(python="3.99")

    @pytest.fixture
    def built(self, builder: Builder, recipe: Recipe) -> Built:
        return builder.build(recipe, io.BytesIO(), never)

    def test_an_environment_has_a_python_that_runs(self, built: Built) -> None:
        said = subprocess.run(
            [f"{built.prefix}/bin/python", "-c", "import sys; print(sys.version.split()[0])"],
            capture_output=True,
            check=True,
            text=True,
        )
        assert said.stdout.strip() == built.python

    def test_find_gives_what_build_gave(
        self, builder: Builder, recipe: Recipe, built: Built
    ) -> None:
        assert builder.find(builder.key(recipe)) == built

    def test_another_builder_on_the_same_root_finds_it(
        self, make: Callable[[], Builder], recipe: Recipe, built: Built
    ) -> None:
        other = make()
        assert other.find(other.key(recipe)) == built

    def test_find_knows_nothing_before_the_build(self, builder: Builder, recipe: Recipe) -> None:
        assert builder.find(builder.key(recipe)) is None

    def test_building_again_returns_what_is_there(
        self, builder: Builder, recipe: Recipe, built: Built
    ) -> None:
        before = Path(built.prefix).stat().st_ino
        assert builder.build(recipe, io.BytesIO(), never) == built
        assert Path(built.prefix).stat().st_ino == before

    def test_the_build_tells_what_it_does(self, builder: Builder, recipe: Recipe) -> None:
        log = io.BytesIO()
        builder.build(recipe, log, never)
        assert b"Python" in log.getvalue()

    def test_equal_recipes_have_equal_keys(
        self, make: Callable[[], Builder], recipe: Recipe
    ) -> None:
        assert make().key(recipe) == make().key(Recipe.from_dict(recipe.to_dict()))

    def test_warnings_do_not_change_the_key(self, builder: Builder, recipe: Recipe) -> None:
        assert builder.key(replace(recipe, warnings=["x"])) == builder.key(recipe)

    def test_other_packages_are_another_key(self, builder: Builder, recipe: Recipe) -> None:
        other = replace(recipe, requirements=[*recipe.requirements, "another"])
        assert builder.key(other) != builder.key(recipe)

    def test_another_python_is_another_key(self, builder: Builder, recipe: Recipe) -> None:
        assert builder.key(replace(recipe, python="3.98")) != builder.key(recipe)

    def test_a_key_is_safe_as_a_folder(self, builder: Builder) -> None:
        key = builder.key(Recipe(python="../../x", requirements=["a/b", "\x00"]))
        assert key.isalnum()

    def test_a_failed_build_says_why_and_leaves_nothing(
        self, builder: Builder, impossible: Recipe
    ) -> None:
        with pytest.raises(BuildFailed) as caught:
            builder.build(impossible, io.BytesIO(), never)
        assert caught.value.hint
        assert builder.find(builder.key(impossible)) is None

    def test_a_canceled_build_says_so_and_leaves_nothing(
        self, builder: Builder, slow: Recipe
    ) -> None:
        with pytest.raises(BuildFailed) as caught:
            builder.build(slow, io.BytesIO(), lambda: True)
        assert caught.value.details["canceled"] is True
        assert builder.find(builder.key(slow)) is None

    @pytest.fixture
    def slow(self) -> Recipe:
        """A recipe whose build takes long enough to be canceled."""
        raise NotImplementedError

    def test_a_removed_environment_is_gone_and_can_be_built_again(
        self, builder: Builder, recipe: Recipe, built: Built
    ) -> None:
        key = builder.key(recipe)
        assert builder.remove(key) > 0
        assert not Path(built.prefix).exists()
        assert builder.find(key) is None
        assert builder.build(recipe, io.BytesIO(), never).python == built.python

    def test_removing_what_is_not_there_frees_nothing(self, builder: Builder) -> None:
        assert builder.remove("0" * 32) == 0
