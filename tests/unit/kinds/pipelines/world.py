"""A pipeline without a server: its graph, and children that end as a test says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from lazur.engine.decisions import Cancel, ChildView, Decision, Finish, ParentView, Submit
from lazur.engine.states import FINAL, State
from lazur.kinds.pipelines import jobs
from lazur.kinds.pipelines.compiling import Graph, compile_graph
from lazur.kinds.pipelines.deciding import decide
from lazur.spec.checking import Check

ENVIRONMENT = {"image": "python:3.11"}


def command(**more: Any) -> dict[str, Any]:
    return {"command": "true", "environment": ENVIRONMENT, **more}


def component(**more: Any) -> dict[str, Any]:
    return {"type": "command", "name": "c", "version": "1", **command(**more)}


def compiled(value: dict[str, Any]) -> tuple[Graph, Check]:
    check = Check(value)
    return compile_graph(value, check), check


def graph_of(steps: dict[str, Any] | None = None, **more: Any) -> Graph:
    """Of a pipeline in which nothing is wrong."""
    graph, check = compiled({"jobs": steps or {}, **more})
    assert [d for d in check.diagnostics if d.severity == "error"] == []
    return graph


def mistakes(value: dict[str, Any]) -> list[tuple[str, str]]:
    """(message, path)"""
    _, check = compiled(value)
    return [(d.message, d.path) for d in check.diagnostics if d.severity == "error"]


def child(step: str, state: State = State.COMPLETED, **more: Any) -> ChildView:
    return ChildView(step, jobs.child_name("p", step), "r", state, **more)


@dataclass
class World:
    """Does what the parent decides, as the loop would: all of a round, or none of it."""

    graph: Graph
    children: dict[str, ChildView] = field(default_factory=dict[str, ChildView])
    specs: dict[str, Submit] = field(default_factory=dict[str, Submit])
    state: State = State.NOT_STARTED
    cancel_requested: bool = False
    finish: Finish | None = None
    told: dict[str, str] = field(default_factory=dict[str, str])
    """Why what was asked to end was."""

    def view(self) -> ParentView:
        frozen = {"graph": self.graph}
        return ParentView(
            "p", self.state, frozen, dict(self.children), self.cancel_requested, 1.0, 0.0
        )

    def ask(self) -> list[Decision]:
        return decide(self.view())

    def settle(self) -> World:
        """Until there is nothing more to decide."""
        while decisions := self.ask():
            for decision in decisions:
                self._do(decision)
        return self

    def _do(self, decision: Decision) -> None:
        match decision:
            case Submit():
                assert decision.step not in self.children, f"{decision.step} is begun twice"
                self.children[decision.step] = replace(
                    child(decision.step, State.QUEUED), notes=decision.notes
                )
                self.specs[decision.step] = decision
                self.state = State.RUNNING
            case Cancel():
                found = self.children[decision.step]
                self.children[decision.step] = replace(found, cancel_requested=True)
                self.told[decision.step] = decision.why
            case Finish():
                self.finish, self.state = decision, decision.state
            case _:
                raise AssertionError(decision)

    def end(
        self,
        step: str,
        state: State = State.COMPLETED,
        *,
        ended_at: float | None = None,
        message: str | None = None,
        **results: Any,
    ) -> World:
        found = self.children[step]
        message = "exit 3." if state is State.FAILED else message
        error = {"message": message} if message is not None else None
        notes = {**found.notes, "results": results}
        self.children[step] = replace(
            found, state=state, notes=notes, error=error, ended_at=ended_at
        )
        return self

    def live(self) -> list[str]:
        return [c.step for c in self.children.values() if c.state not in FINAL]

    def asked_to_end(self) -> list[str]:
        return [c.step for c in self.children.values() if c.cancel_requested]

    def begun(self) -> Iterator[str]:
        return iter(self.children)
