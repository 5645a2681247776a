"""What a pipeline does next, for every way in which a step can begin, end, or never be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lazur.engine.decisions import Finish, Look
from lazur.engine.states import FINAL, State
from lazur.kinds.jobs.pipeline import Pipeline
from lazur.kinds.pipelines import deciding
from tests.unit.kinds.pipelines.world import World, child, command, graph_of

FLAG = {"outputs": {"flag": {"type": "boolean"}}}
STOP = {"continue_on_step_failure": False}


def world(steps: dict[str, Any], **more: Any) -> World:
    return World(graph_of(steps, **more)).settle()


def taking(*steps: str, **more: Any) -> dict[str, Any]:
    inputs = {f"from_{name}": f"${{{{parent.jobs.{name}.outputs.o}}}}" for name in steps}
    return command(inputs=inputs, outputs={"o": None}, **more)


def state_of(made: World) -> State | None:
    return made.finish.state if made.finish else None


def message_of(made: World) -> str:
    assert made.finish is not None
    assert made.finish.error is not None
    return str(made.finish.error["message"])


class TestOrder:
    def test_what_waits_for_nobody_begins_at_once(self) -> None:
        assert world({"a": command(), "b": command()}).live() == ["a", "b"]

    def test_a_step_begins_when_all_that_it_needs_has_ended_well(self) -> None:
        made = world({"a": taking(), "b": taking(), "c": taking("a", "b")})
        assert made.end("a").settle().live() == ["b"]
        assert made.end("b").settle().live() == ["c"]
        assert state_of(made.end("c").settle()) is State.COMPLETED

    def test_depends_on_is_a_need_without_data(self) -> None:
        made = world({"b": command(depends_on=["a"]), "a": command()})
        assert made.live() == ["a"]
        assert made.end("a").settle().live() == ["b"]

    def test_no_steps_are_done_at_once(self) -> None:
        assert state_of(world({})) is State.COMPLETED

    def test_a_round_begins_a_bounded_number(self) -> None:
        made = World(graph_of({f"s{n}": command() for n in range(100)}))
        assert len(made.ask()) == 64
        assert len(made.settle().live()) == 100

    def test_of_what_is_over_nothing_is_decided(self) -> None:
        made = World(graph_of({"a": command()}))
        for state in FINAL:
            made.state = state
            assert made.ask() == []

    def test_the_kind_asks_the_same_rules(self) -> None:
        made = World(graph_of({"a": command()}))
        assert Pipeline().advance(made.view()) == made.ask()
        assert Pipeline.reads_reports is False
        assert not any(isinstance(one, Look) for one in made.ask())


class TestFailure:
    def test_other_branches_go_on(self) -> None:
        made = world({"a": taking(), "b": taking("a"), "c": taking(), "d": taking("c")})
        made.end("a", State.FAILED).settle()
        assert made.live() == ["c"]
        assert made.end("c").settle().live() == ["d"]
        made.end("d").settle()
        assert state_of(made) is State.FAILED
        assert message_of(made) == "step a failed: exit 3. Not run because of it: b."

    def test_or_are_ended_where_the_settings_say_so(self) -> None:
        made = world({"a": taking(), "c": taking(), "d": taking("c")}, settings=STOP)
        made.end("a", State.FAILED).settle()
        assert made.told == {
            "c": "It stopped with the pipeline: step a failed, and continue_on_step_failure is"
            " false."
        }
        assert made.ask() == [], "it is asked once"
        made.end("c", State.CANCELED).settle()
        assert state_of(made) is State.FAILED
        assert made.finish is not None
        assert made.finish.error is not None
        assert made.finish.error["code"] == "StepFailed"
        assert made.finish.error["steps"] == ["a", "c"]
        assert message_of(made).startswith("step a failed: exit 3; step c was canceled.")
        assert "lazur job stream -n p_a." in made.finish.error["hint"]
        assert "lazur job retry -n p" in made.finish.error["hint"]

    def test_one_that_somebody_canceled_ends_them_too(self) -> None:
        made = world({"a": command(), "b": command()}, settings=STOP)
        made.end("a", State.CANCELED).settle()
        assert made.asked_to_end() == ["b"]
        assert "step a was canceled, and" in made.told["b"]

    def test_of_those_that_were_canceled_the_first_is_to_blame(self) -> None:
        made = world({"a": command(), "b": command(), "c": command()}, settings=STOP)
        made.end("b", State.CANCELED, ended_at=5.0, message="bea canceled it.").settle()
        assert "step b was canceled, and" in made.told["a"]
        made.end("a", State.CANCELED, ended_at=6.0, message=made.told["a"])
        made.children["c"] = replace(made.children["c"], cancel_requested=False)
        assert "step b was canceled, and" in made.settle().told["c"]
        made.end("c", State.CANCELED, ended_at=7.0, message=made.told["c"]).settle()
        assert message_of(made) == (
            "step b was canceled: bea canceled it; step a was canceled; step c was canceled."
        )
        assert made.finish is not None
        assert made.finish.error is not None
        assert made.finish.error["job"] == "p_b"

    def test_what_failed_is_to_blame_before_what_was_canceled(self) -> None:
        made = world({"a": taking(), "b": taking(), "c": taking()}, settings=STOP)
        made.end("a", State.CANCELED, ended_at=1.0).end("b", State.FAILED, ended_at=2.0).settle()
        assert "step b failed, and" in made.told["c"]

    def test_what_failed_is_named_before_what_was_ended_because_of_it(self) -> None:
        made = world({"a": command(), "b": command()}, settings=STOP)
        made.end("b", State.FAILED).settle()
        made.end("a", State.CANCELED).settle()
        assert message_of(made) == "step b failed: exit 3; step a was canceled."
        assert made.finish is not None
        assert made.finish.error is not None
        assert "stream -n p_b" in made.finish.error["hint"]

    def test_a_step_that_somebody_canceled_fails_the_pipeline(self) -> None:
        made = world({"a": command()})
        made.end("a", State.CANCELED).settle()
        assert state_of(made) is State.FAILED
        assert message_of(made) == "step a was canceled."

    def test_one_that_says_nothing_has_failed_all_the_same(self) -> None:
        made = world({"a": command(), "b": command()})
        made.end("a", State.FAILED).end("b", State.CANCELED)
        made.children["a"] = replace(made.children["a"], error=None)
        made.children["b"] = replace(made.children["b"], error={"message": "its time was up"})
        assert message_of(made.settle()) == "step a failed; step b was canceled."

    def test_three_failures_are_all_told(self) -> None:
        made = world({f"s{n}": command() for n in range(3)})
        for n in range(3):
            made.end(f"s{n}", State.FAILED)
        told = "; ".join(f"step s{n} failed: exit 3" for n in range(3))
        assert message_of(made.settle()) == f"{told}."

    def test_ten_of_what_is_left_out_are_named(self) -> None:
        behind = {f"t{n:02}": command(depends_on=["a"]) for n in range(12)}
        told = message_of(world({"a": command(), **behind}).end("a", State.FAILED).settle())
        assert "t09" in told
        assert "t10" not in told

    @pytest.mark.parametrize("many", [4, 5])
    def test_many_failures_are_counted(self, many: int) -> None:
        made = world({f"s{n}": command() for n in range(many)})
        for n in range(many):
            made.end(f"s{n}", State.FAILED)
        assert message_of(made.settle()).endswith(f"; and {many - 3} more.")
        assert message_of(made).count("failed") == 3


class TestHandlers:
    def test_it_runs_when_what_it_watches_fails(self) -> None:
        made = world({"a": command(), "h": command(on_failure=["a"])})
        assert made.live() == ["a"]
        assert made.end("a", State.FAILED).settle().live() == ["h"]
        assert state_of(made.end("h").settle()) is State.FAILED

    def test_it_is_skipped_when_all_goes_well(self) -> None:
        made = world({"a": command(), "h": command(on_failure="a"), "i": command(depends_on="h")})
        made.end("a").settle()
        assert state_of(made) is State.COMPLETED
        assert list(made.begun()) == ["a"]

    def test_it_waits_for_all_that_it_watches(self) -> None:
        made = world({"a": command(), "b": command(), "h": command(on_failure=["a", "b"])})
        assert made.end("a", State.FAILED).settle().live() == ["b"]
        assert made.end("b").settle().live() == ["h"]

    def test_it_runs_though_all_else_is_ended(self) -> None:
        steps = {"a": command(), "b": command(), "h": command(on_failure=["a"])}
        made = world(steps, settings=STOP)
        made.end("a", State.FAILED).settle()
        assert made.live() == ["b", "h"]
        assert made.asked_to_end() == ["b"]

    def test_it_does_not_wait_for_what_never_begins(self) -> None:
        steps = {
            "a": command(),
            "b": command(),
            "c": command(depends_on=["b"]),
            "h": command(on_failure=["a", "c"]),
        }
        made = world(steps, settings=STOP)
        made.end("a", State.FAILED).end("b").settle()
        assert made.live() == ["h"]

    def test_a_loop_or_a_condition_may_be_one(self) -> None:
        steps = {
            "a": command(),
            "loop": {
                "type": "parallel_for",
                "body": "b",
                "items": [{"x": 1}, {"x": 2}],
                "on_failure": ["a"],
            },
            "b": command(inputs={"x": 1}),
            "ask": {
                "type": "if_else",
                "condition": True,
                "true_block": "${{parent.jobs.c}}",
                "on_failure": ["a"],
            },
            "c": command(),
        }
        made = world(steps, settings=STOP)
        made.end("a", State.FAILED).settle()
        assert sorted(made.live()) == ["b.0", "b.1", "c"]
        assert made.asked_to_end() == []

    @pytest.mark.parametrize(
        "loop",
        [
            {"type": "parallel_for", "items": [{}]},
            {"type": "do_while", "condition": False, "limits": {"max_iteration_count": 1}},
        ],
    )
    def test_a_loop_is_one_where_its_body_is(self, loop: dict[str, Any]) -> None:
        steps = {
            "a": command(),
            "loop": {**loop, "body": "b"},
            "b": command(on_failure=["a"]),
        }
        made = world(steps)
        assert made.live() == ["a"]
        assert list(made.end("a").settle().begun()) == ["a"]
        assert state_of(made) is State.COMPLETED
        made = world(steps, settings=STOP)
        (begun,) = made.end("a", State.FAILED).settle().live()
        assert begun.startswith("b.")


class TestCancel:
    def test_before_anything_began(self) -> None:
        made = World(graph_of({"a": command()}), cancel_requested=True)
        assert made.ask() == [Finish(State.CANCELED)]

    def test_all_steps_are_asked_once_and_then_it_ends(self) -> None:
        made = world({"a": command(), "b": command(), "h": command(on_failure=["a"])})
        made.cancel_requested = True
        made.settle()
        assert made.asked_to_end() == ["a", "b"]
        made.end("a", State.CANCELED).settle()
        assert state_of(made) is None
        made.end("b").settle()
        assert state_of(made) is State.CANCELED
        assert list(made.begun()) == ["a", "b"]


def condition(value: Any = "${{parent.jobs.a.outputs.flag}}", **more: Any) -> dict[str, Any]:
    return {
        "a": command(**FLAG),
        "ask": {
            "type": "if_else",
            "condition": value,
            "true_block": "${{parent.jobs.yes}}",
            "false_block": ["${{parent.jobs.no}}"],
            **more,
        },
        "yes": command(),
        "no": command(),
    }


class TestIfElse:
    @pytest.mark.parametrize("said, way", [(True, "yes"), (False, "no")])
    def test_one_side_runs(self, said: bool, way: str) -> None:
        made = world(condition())
        assert made.end("a", flag=said).settle().live() == [way]
        assert state_of(made.end(way).settle()) is State.COMPLETED

    def test_a_literal_decides_at_once(self) -> None:
        made = world(condition("True"))
        assert made.live() == ["a", "yes"]

    def test_what_is_behind_the_other_side_is_skipped(self) -> None:
        made = world({**condition(), "next": command(depends_on=["no"])})
        made.end("a", flag=True).settle()
        assert state_of(made.end("yes").settle()) is State.COMPLETED
        assert "next" not in made.children

    def test_a_side_may_be_a_condition_or_a_loop(self) -> None:
        steps = {
            **condition(true_block="inner", false_block="each"),
            "inner": {"type": "if_else", "condition": False, "false_block": "no"},
            "each": {"type": "parallel_for", "body": "yes", "items": [{"x": 1}, {"x": 2}]},
        }
        assert world(steps).end("a", flag=True).settle().live() == ["no"]
        made = world(steps).end("a", flag=False).settle()
        assert made.live() == ["yes.0", "yes.1"]
        made.end("yes.0").end("yes.1").settle()
        assert state_of(made) is State.COMPLETED
        assert "no" not in made.children

    def test_a_side_is_ended_with_all_else(self) -> None:
        made = world({**condition(True), "z": command()}, settings=STOP)
        assert sorted(made.live()) == ["a", "yes", "z"]
        made.end("z", State.FAILED).settle()
        assert made.asked_to_end() == ["a", "yes"]

    def test_behind_a_failure_neither_runs(self) -> None:
        made = world(condition()).end("a", State.FAILED).settle()
        assert message_of(made).endswith("Not run because of it: ask, yes, no.")

    def test_a_value_that_nobody_wrote_is_neither(self) -> None:
        made = world(condition()).end("a").settle()
        assert state_of(made) is State.FAILED
        assert "step ask failed: its condition is neither true nor false" in message_of(made)


def loop(**more: Any) -> dict[str, Any]:
    return {
        "again": {
            "type": "do_while",
            "body": "${{parent.jobs.b}}",
            "condition": "${{parent.jobs.b.outputs.flag}}",
            "limits": {"max_iteration_count": 3},
            "mapping": {"n": ["${{parent.jobs.b.inputs.n}}"]},
            **more,
        },
        "b": command(
            inputs={"n": 0},
            outputs={
                "flag": {"type": "boolean"},
                "n": {"type": "integer"},
                "o": "${{parent.outputs.last}}",
            },
        ),
        "after": taking("again"),
    }


class TestDoWhile:
    def test_each_round_is_given_what_the_last_one_made(self) -> None:
        made = world(loop(), outputs={"last": {"type": "uri_folder"}})
        assert made.live() == ["b.1"]
        assert made.end("b.1", flag=True, n=7).settle().live() == ["b.2"]
        assert made.specs["b.1"].spec["inputs"] == {"n": 0}
        assert made.specs["b.2"].spec["inputs"] == {"n": 7}
        made.end("b.2", flag=False, n=8).settle()
        assert made.live() == ["after"]
        took = made.specs["after"].spec["inputs"]["from_again"]
        assert took["path"] == "azureml://jobs/p_b__2/outputs/o"
        made.end("after").settle()
        assert made.finish is not None
        assert made.finish.outputs == {"last": ("b.2", "o")}

    def test_what_is_bound_of_the_loop_is_its_last_rounds(self) -> None:
        steps = loop(outputs={"o": "${{parent.outputs.last}}", "n": "${{parent.outputs.n}}"})
        steps["b"]["outputs"]["o"] = {"type": "uri_folder"}
        made = world(steps, outputs={"last": {"type": "uri_folder"}, "n": {"type": "integer"}})
        made.end("b.1", flag=True, n=7).settle().end("b.2", flag=False, n=8).settle()
        made.end("after").settle()
        assert made.finish is not None
        assert made.finish.outputs == {"last": ("b.2", "o"), "n": ("b.2", "n")}
        assert made.finish.results == {"n": 8}

    def test_it_ends_with_the_last_round(self) -> None:
        made = world(loop(), outputs={"last": None})
        for n in (1, 2, 3):
            made.end(f"b.{n}", flag=True, n=n).settle()
        assert made.live() == ["after"]

    def test_it_fails_with_a_round(self) -> None:
        made = world(loop(), outputs={"last": None}).end("b.1", State.FAILED).settle()
        assert message_of(made).startswith("step b.1 failed: exit 3.")

    def test_a_condition_that_nobody_wrote_fails_it(self) -> None:
        made = world(loop(), outputs={"last": None}).end("b.1").settle()
        assert "its condition is neither true nor false" in message_of(made)

    @pytest.mark.parametrize("says", [{}, STOP])
    def test_a_round_that_runs_is_no_failure(self, says: dict[str, Any]) -> None:
        steps = {**loop(), "h": command(on_failure=["again"])}
        made = world(steps, outputs={"last": None}, settings=says)
        assert made.live() == ["b.1"]
        assert made.asked_to_end() == []
        assert made.end("b.1", flag=True, n=1).settle().live() == ["b.2"]

    def test_it_may_never_begin(self) -> None:
        made = world({**loop(depends_on="first"), "first": command()}, outputs={"last": None})
        assert made.live() == ["first"]
        assert state_of(made.end("first", State.FAILED).settle()) is State.FAILED
        assert list(made.begun()) == ["first"]

    def test_no_round_begins_after_a_stop(self) -> None:
        made = world({**loop(), "x": command()}, settings=STOP, outputs={"last": None})
        made.end("x", State.FAILED).end("b.1", flag=True, n=1).settle()
        assert made.live() == []
        assert state_of(made) is State.FAILED


NUMBER = {"n": {"type": "integer"}, "o": {"type": "uri_file"}}
ALL = {
    "o": {"path": "${{parent.outputs.all}}"},
    "n": {"type": "integer", "path": "${{parent.outputs.ns}}"},
}


def each(items: Any, **more: Any) -> dict[str, Any]:
    return {
        "loop": {"type": "parallel_for", "body": "${{parent.jobs.b}}", "items": items, **more},
        "b": command(inputs={"x": 0}, outputs={"o": None}),
        "after": taking("loop"),
    }


class TestParallelFor:
    def test_every_item_is_a_job(self) -> None:
        made = world(each([{"x": 1}, {"x": 2}]))
        assert made.live() == ["b.0", "b.1"]
        assert [made.specs[f"b.{n}"].spec["inputs"]["x"] for n in (0, 1)] == [1, 2]
        made.end("b.0").end("b.1").settle()
        took = made.specs["after"].spec["inputs"]["from_loop"]
        assert took == {"type": "mltable", "path": "azureml://jobs/p/outputs/b.o"}

    def test_it_waits_for_what_its_body_takes(self) -> None:
        steps = each([{"x": 1}])
        steps["b"]["inputs"]["y"] = "${{parent.jobs.first.outputs.o}}"
        made = world({**steps, "first": command(outputs={"o": None})})
        assert made.live() == ["first"]
        assert made.end("first").settle().live() == ["b.0"]
        assert made.specs["b.0"].spec["inputs"]["y"]["path"] == "azureml://jobs/p_first/outputs/o"

    def test_items_have_names(self) -> None:
        assert world(each({"one": {"x": 1}, "t.w/o": {"x": 2}})).live() == ["b.one", "b.t.w/o"]

    def test_a_failed_one_is_named_whole(self) -> None:
        made = world({**each({"a:b": {"x": 1}}), "long": command()}, settings=STOP)
        made.end("b.a:b", State.FAILED).settle()
        assert "with the pipeline: step b.a:b failed, and" in made.told["long"]

    def test_only_some_run_at_once(self) -> None:
        made = world(each([{"x": n} for n in range(5)], max_concurrency=2))
        assert made.live() == ["b.0", "b.1"]
        assert made.end("b.1").settle().live() == ["b.0", "b.2"]

    def test_nor_more_where_several_were_begun_anew(self) -> None:
        made = World(graph_of(each([{"x": n} for n in range(4)], max_concurrency=1)))
        made.children = {f"b.{n}": child(f"b.{n}", State.RUNNING) for n in range(2)}
        assert made.settle().live() == ["b.0", "b.1"]

    def test_each_has_a_place_of_its_own_in_that_of_all(self) -> None:
        steps = each({"one": {"x": 1}, "t.wo": {"x": 2}})
        steps["b"]["outputs"] = {"o": "${{parent.outputs.all}}"}
        place = "azureml://datastores/d/paths/x"
        made = world(steps, outputs={"all": {"type": "mltable", "path": place}})
        found = [one.spec["outputs"]["o"]["path"] for one in made.specs.values()]
        assert found == [f"{place}/one", f"{place}/t.wo"]

    def test_of_one_that_is_stopped_the_rest_is_not_run(self) -> None:
        steps = {**each([{"x": 1}, {"x": 2}], max_concurrency=1), "z": command()}
        made = world(steps, settings=STOP).end("z", State.FAILED).end("b.0").settle()
        assert message_of(made).endswith("Not run because of it: loop, b, after.")

    @pytest.mark.parametrize("bound", ["b", "loop"])
    def test_what_all_of_them_made_is_the_pipelines(self, bound: str) -> None:
        steps = {**each([{"x": 1}, {"x": 2}]), "b": command(outputs=NUMBER)}
        steps[bound] = {**steps[bound], "outputs": {**NUMBER, **ALL} if bound == "b" else ALL}
        made = world(steps, outputs={"all": {"type": "mltable"}, "ns": {"type": "string"}})
        made.end("b.0", n=1).end("b.1", n=2).settle()
        made.end("after").settle()
        assert made.finish is not None
        assert made.finish.outputs == {}
        assert made.finish.gathered == {"all": "b.o"}
        assert made.finish.results == {"ns": "[1, 2]"}

    def test_a_loop_that_was_skipped_made_nothing(self) -> None:
        steps = each([{"x": 1}])
        steps["loop"] |= {"outputs": {"o": "${{parent.outputs.all}}"}}
        steps["if"] = {"type": "if_else", "condition": False, "true_block": "loop"}
        made = world(steps, outputs={"all": {"type": "mltable"}})
        assert state_of(made) is State.COMPLETED
        assert made.finish is not None
        assert made.finish.gathered == {}

    def test_no_items_are_done_at_once(self) -> None:
        assert world(each([])).live() == ["after"]

    @pytest.mark.parametrize("state", [State.FAILED, State.CANCELED])
    def test_it_goes_through_all_and_then_fails(self, state: State) -> None:
        made = world(each([{"x": 1}, {"x": 2}], max_concurrency=1))
        made.end("b.0", state).settle()
        assert made.live() == ["b.1"]
        made.end("b.1").settle()
        assert state_of(made) is State.FAILED
        assert "step b.0" in message_of(made)

    def test_it_is_over_when_all_are(self) -> None:
        steps = {**each([{"x": 1}, {"x": 2}], max_concurrency=1), "h": command(on_failure="loop")}
        made = world(steps)
        assert made.end("b.0", State.FAILED).settle().live() == ["b.1"]
        assert made.end("b.1").settle().live() == ["h"]

    def test_other_steps_take_no_room_of_its_own(self) -> None:
        steps = {**each([{"x": 1}, {"x": 2}], max_concurrency=1), "bx": command(), "z": command()}
        made = world(steps)
        assert made.live() == ["b.0", "bx", "z"]
        made.end("z", State.FAILED).end("bx", State.CANCELED).end("b.0").settle()
        made.end("b.1").settle()
        assert made.live() == ["after"]

    def test_after_a_stop_it_ends_as_what_had_begun(self) -> None:
        steps = each([{"x": 1}, {"x": 2}], max_concurrency=1)
        made = world({**steps, "z": command()}, settings=STOP)
        made.end("z", State.FAILED).settle()
        assert deciding.look(made.view()).outcomes["loop"] == "running"
        made.end("b.0", State.FAILED).settle()
        assert deciding.look(made.view()).outcomes["loop"] == "failed"
        assert made.finish is not None
        assert made.finish.error is not None
        assert "loop" in made.finish.error["steps"]

    def test_no_item_begins_after_a_stop(self) -> None:
        steps = each([{"x": 1}, {"x": 2}, {"x": 3}], max_concurrency=1)
        made = world({**steps, "z": command()}, settings=STOP)
        made.end("z", State.FAILED).settle()
        assert made.asked_to_end() == ["b.0"]
        made.end("b.0").settle()
        assert state_of(made) is State.FAILED
        assert "b.1" not in made.children

    def test_after_a_stop_it_does_not_begin_at_all(self) -> None:
        steps = each([{"x": 1}], depends_on="y")
        made = world({**steps, "y": command(), "z": command()}, settings=STOP)
        made.end("z", State.FAILED).end("y").settle()
        assert list(made.begun()) == ["y", "z"]
        assert state_of(made) is State.FAILED

    def test_items_come_from_a_step(self) -> None:
        steps = each("${{parent.jobs.list.outputs.all}}")
        made = world({**steps, "list": command(outputs={"all": {"type": "string"}})})
        assert made.live() == ["list"]
        assert made.end("list", all='{"k": {"x": 9}}').settle().live() == ["b.k"]
        assert made.specs["b.k"].spec["inputs"]["x"] == 9

    @pytest.mark.parametrize("text", ["", "[1]", "3", '"a"', "{", '{"%s": {}}' % ("k" * 101)])
    def test_items_that_are_none_fail_it(self, text: str) -> None:
        steps = each("${{parent.jobs.list.outputs.all}}")
        made = world({**steps, "list": command(outputs={"all": {"type": "string"}})})
        made.end("list", all=text).settle()
        assert "its items are no list or mapping of mappings" in message_of(made)


class TestResults:
    def test_outputs_and_values_of_steps_are_the_pipelines(self) -> None:
        steps = {
            **condition(False),
            "a": command(
                outputs={
                    "model": "${{parent.outputs.model}}",
                    "score": {"type": "number", "path": "${{parent.outputs.score}}"},
                    "unread": {"type": "integer", "path": "${{parent.outputs.unread}}"},
                    "own": None,
                }
            ),
        }
        steps["yes"]["outputs"] = {"o": "${{parent.outputs.other}}"}
        names = ("model", "score", "unread", "other")
        made = world(steps, outputs=dict.fromkeys(names))
        made.end("a", score=0.5).settle()
        made.end("no").settle()
        assert made.finish is not None
        assert made.finish.state is State.COMPLETED
        assert made.finish.outputs["model"] == ("a", "model")
        assert "other" not in made.finish.outputs
        assert made.finish.results == {"score": 0.5}

    def test_the_states_of_steps_are_told(self) -> None:
        made = world({"a": taking(), "b": taking("a"), "h": command(on_failure=["a"])})
        made.end("a", State.FAILED)
        outcomes = deciding.look(made.view()).outcomes
        assert outcomes == {"a": "failed", "b": "blocked", "h": "running"}

    def test_what_nobody_wrote_a_value_of_is_there_all_the_same(self) -> None:
        steps = {"a": command(outputs={"o": "${{parent.outputs.all}}"})}
        made = World(graph_of(steps, outputs={"all": None}))
        made.children = {"a": child("a")}
        made.settle()
        assert made.finish is not None
        assert made.finish.outputs == {"all": ("a", "o")}
        assert made.finish.results == {}

    def test_which_outputs_are_values_goes_with_each_step(self) -> None:
        made = world({"a": command(outputs={"n": {"type": "integer"}, "o": None})})
        assert made.specs["a"].notes == {"values": {"n": "integer"}}

    def test_settings_go_with_each_step(self) -> None:
        steps = {"a": command(is_deterministic=False), "b": command()}
        made = world(steps, settings={"force_rerun": "true"})
        assert [made.specs[n].deterministic for n in "ab"] == [False, True]
        assert made.specs["a"].rerun is True
        assert world(steps).specs["a"].rerun is False
