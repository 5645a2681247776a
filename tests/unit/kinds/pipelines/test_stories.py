"""Random pipelines, children that end in any way, servers that ask again: the rules hold.

What should come out is worked out by a small oracle of its own, which knows the steps as they were
drawn and nothing of the graph.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lazur.engine.decisions import Finish
from lazur.engine.states import State
from lazur.kinds.pipelines import deciding
from lazur.kinds.pipelines.deciding import OVER
from tests.effort import examples
from tests.unit.kinds.pipelines.world import World, command, graph_of

ENDS = st.sampled_from([State.COMPLETED] * 4 + [State.FAILED, State.CANCELED])


@dataclass
class Drawn:
    """One step, as the test knows it."""

    kind: str = "command"
    needs: set[str] = field(default_factory=set[str])
    watches: set[str] = field(default_factory=set[str])
    guard: tuple[str, bool] | None = None
    asks: str | None = None
    """Whose value decides."""
    most: int = 0
    """Rounds, or items."""
    at_once: int | None = None


@st.composite
def pipelines(draw: st.DrawFn) -> dict[str, Drawn]:
    """Each step refers to earlier ones; loops and conditions are among them."""
    found: dict[str, Drawn] = {}
    for n in range(draw(st.integers(1, 7))):
        name = f"s{n}"
        kind = draw(
            st.sampled_from(["command"] * 3 + ["pipeline", "if_else", "do_while", "parallel_for"])
        )
        before = list(found)
        one = Drawn(kind)
        if before:
            one.needs = set(draw(st.lists(st.sampled_from(before), max_size=2)))
            if draw(st.integers(0, 3)) == 0:
                one.watches = set(draw(st.lists(st.sampled_from(before), max_size=2)))
        askable = [other for other in before if found[other].kind == "command"]
        if kind == "if_else":
            one.asks = draw(st.sampled_from([*askable, None]))
        if kind == "parallel_for":
            one.most = draw(st.integers(0, 4))
            one.at_once = draw(st.sampled_from([None, 1, 2]))
        if kind == "do_while":
            one.most = draw(st.integers(1, 3))
        found[name] = one
        if kind == "if_else":
            for way in (True, False):
                found[f"{name}_{way}".lower()] = Drawn(guard=(name, way))
    return found


def written(drawn: dict[str, Drawn]) -> dict[str, Any]:
    """As YAML has it: some needs are data, some are `depends_on`."""
    steps: dict[str, Any] = {}
    for name, one in drawn.items():
        data = {n for n in one.needs if drawn[n].kind in ("command", "pipeline")}
        body: dict[str, Any] = {"depends_on": sorted(one.needs - data)}
        if one.watches:
            body["on_failure"] = sorted(one.watches)
        inputs = {f"from_{n}": f"${{{{parent.jobs.{n}.outputs.o}}}}" for n in sorted(data)}
        leaf = command(
            inputs=inputs, outputs={"o": {"type": "uri_folder"}, "flag": {"type": "boolean"}}
        )
        if one.kind == "command":
            steps[name] = {**leaf, **body}
        elif one.kind == "pipeline":
            inner = {"a": command(outputs={"o": "${{parent.outputs.o}}"})}
            outputs = {"o": {"type": "uri_folder"}}
            steps[name] = {
                "type": "pipeline",
                "jobs": inner,
                "inputs": inputs,
                "outputs": outputs,
                **body,
            }
        else:
            body["depends_on"] = sorted(one.needs)
            steps[name] = {"type": one.kind, **body, **_control(name, one)}
            if one.kind in ("do_while", "parallel_for"):
                steps[f"{name}_body"] = command(
                    inputs={"x": 0}, outputs={"flag": {"type": "boolean"}}
                )
    return steps


def _control(name: str, one: Drawn) -> dict[str, Any]:
    body = f"${{{{parent.jobs.{name}_body}}}}"
    match one.kind:
        case "if_else":
            asks = f"${{{{parent.jobs.{one.asks}.outputs.flag}}}}" if one.asks else True
            return {
                "condition": asks,
                "true_block": f"{name}_true",
                "false_block": f"{name}_false",
            }
        case "do_while":
            return {
                "body": body,
                "condition": f"${{{{parent.jobs.{name}_body.outputs.flag}}}}",
                "limits": {"max_iteration_count": one.most},
            }
        case _:
            items = {f"i{n}": {"x": n} for n in range(one.most)}
            more = {"max_concurrency": one.at_once} if one.at_once else {}
            return {"body": body, "items": json.dumps(items), **more}


@dataclass
class Oracle:
    """Which steps end how, from how their jobs ended."""

    drawn: dict[str, Drawn]
    world: World
    stopped: bool

    def ends(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, one in self.drawn.items():
            found[name] = self._end(name, one, found)
        return found

    def _end(self, name: str, one: Drawn, before: dict[str, str]) -> str:
        mine = self._children(name, one)
        if one.kind != "if_else" and mine:
            return self._of(name, one, mine)
        if (waits := self._waits(one, before)) is not None:
            return waits
        if one.kind == "if_else":
            return "failed" if self.way(name) is None else "done"
        if one.kind == "parallel_for" and one.most == 0:
            return "done"
        return "blocked" if self.stopped else "never begun"

    def _waits(self, one: Drawn, before: dict[str, str]) -> str | None:
        """Why it is not begun; None: it may be."""
        needs = [before[n] for n in one.needs]
        if one.asks:
            needs.append(before[one.asks])
        if one.guard:
            by, way = one.guard
            if before[by] == "done" and self.way(by) is not way:
                return "skipped"
            needs.append(before[by])
        if {"failed", "canceled", "blocked"} & set(needs):
            return "blocked"
        if "skipped" in needs:
            return "skipped"
        watched = {before[n] for n in one.watches}
        return "skipped" if one.watches and not {"failed", "canceled"} & watched else None

    def way(self, name: str) -> bool | None:
        asks = self.drawn[name].asks
        if asks is None:
            return True
        return self.world.children[asks].notes.get("results", {}).get("flag")

    def _children(self, name: str, one: Drawn) -> list[Any]:
        prefix = f"{name}_body." if one.kind in ("do_while", "parallel_for") else name
        found = self.world.children.items()
        return [c for s, c in found if s == name or (prefix != name and s.startswith(prefix))]

    def _of(self, name: str, one: Drawn, mine: list[Any]) -> str:
        words = {State.COMPLETED: "done", State.FAILED: "failed", State.CANCELED: "canceled"}
        ends = {words[c.state] for c in mine}
        if one.kind == "do_while":
            last = mine[-1]
            if last.state is State.COMPLETED and len(mine) < one.most:
                flag = last.notes["results"].get("flag")
                if flag is None:
                    return "failed"
                return "blocked" if flag else "done"
            return words[last.state]
        whole = one.kind != "parallel_for" or len(mine) == one.most
        bad = next((word for word in ("failed", "canceled") if word in ends), None)
        return bad or ("done" if whole else "blocked")


class Stories(RuleBasedStateMachine):
    @initialize(drawn=pipelines(), goes_on=st.booleans())
    def begin(self, drawn: dict[str, Drawn], goes_on: bool) -> None:
        self.drawn = drawn
        self.goes_on = goes_on
        self.stopped = False
        says = {"continue_on_step_failure": goes_on}
        self.world = World(graph_of(written(drawn), settings=says)).settle()

    def _live(self) -> list[str]:
        return self.world.live() if hasattr(self, "world") else []

    @precondition(lambda self: self._live())
    @rule(data=st.data(), end=ENDS, flag=st.sampled_from([True, True, False, None]))
    def a_job_ends(self, data: st.DataObject, end: State, flag: bool | None) -> None:
        step = data.draw(st.sampled_from(self._live()))
        results: dict[str, Any] = {} if flag is None else {"flag": flag}
        self.world.end(step, end, **results)
        self._watched()

    @precondition(lambda self: len(self._live()) > 1)
    @rule(data=st.data(), end=ENDS)
    def several_end_before_anybody_looks(self, data: st.DataObject, end: State) -> None:
        for step in data.draw(st.sets(st.sampled_from(self._live()), min_size=1)):
            self.world.end(step, end, flag=True)
        self._watched()

    @precondition(lambda self: self._live())
    @rule()
    def somebody_cancels_it(self) -> None:
        self.world.cancel_requested = True
        before = set(self.world.children)
        self._watched()
        assert set(self.world.children) == before, "nothing begins after a cancel"
        assert set(self.world.live()) <= set(self.world.asked_to_end())

    @precondition(lambda self: self._live())
    @rule()
    def a_server_dies_in_the_middle_of_a_round(self) -> None:
        """Cancels are written one by one; the next server decides the rest, and the same."""
        first = self.world.ask()
        assert self.world.ask() == first
        for decision in first[:1]:
            self.world._do(decision)
        assert self.world.ask() == first[1:]
        self._watched()

    @rule()
    def somebody_looks_for_nothing(self) -> None:
        assert self.world.ask() == []

    def _watched(self) -> None:
        before = set(self.world.children)
        view = self.world.view()
        standing = deciding.look(view)
        self.stopped = self.stopped or (standing.stops and not self.world.cancel_requested)
        self.world.settle()
        for step in set(self.world.children) - before:
            self._may_begin(step)

    def _may_begin(self, step: str) -> None:
        name = step.partition(".")[0].removesuffix("_body")
        one = self.drawn[name]
        children = self.world.children
        for other in one.needs:
            if other in children:
                assert children[other].state is State.COMPLETED, f"{step} began before {other}"
        if self.stopped:
            by = self.drawn[one.guard[0]] if one.guard else one
            assert one.watches or by.watches, f"{step} began after a stop"

    @invariant()
    def it_goes_on_or_is_over(self) -> None:
        if hasattr(self, "world"):
            assert bool(self.world.live()) != bool(self.world.finish)
            assert self.world.ask() == [], "nothing more is decided until something changes"

    @invariant()
    def loops_keep_their_bounds(self) -> None:
        if not hasattr(self, "world"):
            return
        for name, one in self.drawn.items():
            live = [s for s in self.world.live() if s.startswith(f"{name}_body.")]
            assert len(live) <= (one.at_once or one.most or 1)
            begun = [s for s in self.world.children if s.startswith(f"{name}_body.")]
            assert len(begun) <= one.most

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        says = {"continue_on_step_failure": self.goes_on}
        assert self.world.graph == graph_of(written(self.drawn), settings=says), "it was changed"
        for step in iter(lambda: next(iter(self.world.live()), None), None):
            asked = self.world.children[step].cancel_requested
            self.world.end(step, State.CANCELED if asked else State.COMPLETED, flag=False)
            self._watched()
        self._agrees(self.world.finish)

    def _agrees(self, finish: Finish | None) -> None:
        assert finish is not None, "it always ends"
        if self.world.cancel_requested:
            assert finish.state is State.CANCELED
            return
        ends = Oracle(self.drawn, self.world, self.stopped).ends()
        assert "never begun" not in ends.values(), ends
        bad = {"failed", "canceled"} & set(ends.values())
        assert finish.state is (State.FAILED if bad else State.COMPLETED), ends
        said = deciding.look(self.world.view()).outcomes
        assert {name: said[name] for name in ends} == ends
        assert set(said.values()) <= OVER


Stories.TestCase.settings = settings(
    max_examples=examples(200),
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


class TestStories(Stories.TestCase):
    pass
