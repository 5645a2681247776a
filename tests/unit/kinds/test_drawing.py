from __future__ import annotations

import pytest

from lazur.kinds.pipelines.drawing import chart, is_pipeline


def _job(text: str = "true", **more: object) -> dict[str, object]:
    return {"command": text, "environment": "azureml:e:1", **more}


class TestChart:
    def test_data_goes_along_whole_lines_and_order_along_dotted_ones(self) -> None:
        taken = {"x": "${{parent.jobs.a.outputs.y}}"}
        drawn = chart(
            {
                "jobs": {
                    "a": _job(outputs={"y": {"type": "uri_folder"}}),
                    "b": _job("echo ${{inputs.x}}", inputs=taken),
                    "c": _job(depends_on=["a"]),
                    "d": _job(on_failure=["c"]),
                },
                "steps": [{"name": "a", "status": "Completed"}, {"name": "c", "status": "Failed"}],
            }
        )
        assert 's0 -->|"y"| s1' in drawn
        assert "s0 -.-> s2" in drawn
        assert 's2 -. "if it fails" .-> s3' in drawn
        assert "class s0 done" in drawn
        assert "class s2 failed" in drawn

    def test_conditions_and_loops_show_what_they_run(self) -> None:
        flag = {"flag": {"type": "boolean"}, "o": "${{parent.outputs.best}}"}
        asked = "${{parent.jobs.a.outputs.flag}}"
        drawn = chart(
            {
                "outputs": {"best": {"type": "uri_folder"}},
                "jobs": {
                    "a": _job(outputs=flag),
                    "ask": {"type": "if_else", "condition": asked, "true_block": "yes"},
                    "yes": _job(),
                    "each": {"type": "parallel_for", "body": "b", "items": []},
                    "b": _job(),
                    "again": {
                        "type": "do_while",
                        "body": "c",
                        "condition": "${{parent.jobs.c.outputs.flag}}",
                        "limits": {"max_iteration_count": 2},
                    },
                    "c": _job(outputs={"flag": {"type": "boolean"}}),
                },
                "steps": [
                    {"name": "b.0", "status": "Completed"},
                    {"name": "b.1", "status": "Running"},
                    {"name": "gone", "status": "Failed"},
                ],
            }
        )
        assert 's1{"ask<br/>if_else"}' in drawn
        assert 's1 -->|"true"| s2' in drawn
        assert 's3 ==>|"each"| s4' in drawn
        assert 's5 ==>|"repeat"| s6' in drawn
        assert 's0 -->|"o"| o0' in drawn
        assert "s0 -.-> s1" in drawn
        assert "class s4 running" in drawn

    def test_each_kind_of_step_has_its_shape_and_each_state_its_look(self) -> None:
        states = ("Completed", "Failed", "Canceled", "Running", "Skipped", "NotRun", "Queued")
        drawn = chart(
            {
                "outputs": {"never": None, "best": None},
                "jobs": {
                    "a": _job(outputs={"o": "${{parent.outputs.best}}"}),
                    "p": {"jobs": {"x": _job()}},
                    "ask": {"type": "if_else", "condition": True, "false_block": "no"},
                    "no": _job(),
                    "each": {"type": "parallel_for", "body": "b", "items": []},
                    "b": _job(),
                    "again": {
                        "type": "do_while",
                        "body": "c",
                        "condition": True,
                        "limits": {"max_iteration_count": 2},
                    },
                    "c": _job(),
                },
                "steps": [
                    {"name": name, "status": state}
                    for name, state in zip(
                        ("a", "p", "no", "each", "b", "again", "c"), states, strict=True
                    )
                ],
            }
        )
        assert (
            drawn
            == """\
flowchart LR
  s0["a<br/>Completed"]
  subgraph s1["p<br/>Failed"]
    s1_0["x"]
  end
  s2{"ask<br/>if_else"}
  s3["no<br/>Canceled"]
  s4(["each<br/>parallel_for<br/>Running"])
  s5["b<br/>Skipped"]
  s6(["again<br/>do_while<br/>NotRun"])
  s7["c<br/>Queued"]
  o1(("best"))
  s0 -->|"o"| o1
  s2 -->|"false"| s3
  s4 ==>|"each"| s5
  s6 ==>|"repeat"| s7
  classDef done fill:#dff5e1,stroke:#2e7d32
  classDef failed fill:#fde0e0,stroke:#c62828
  classDef running fill:#e3f0fd,stroke:#1565c0
  classDef left stroke-dasharray:4 3,color:#888
  class s0 done
  class s1,s3 failed
  class s4 running
  class s5,s6 left
"""
        )

    def test_pipelines_within_show_their_steps(self) -> None:
        taken = {"x": "${{parent.jobs.a.outputs.y}}"}
        leaf = {"jobs": {"z": _job()}}
        inner = {
            "type": "pipeline",
            "outputs": {"best": {"type": "uri_folder"}},
            "jobs": {
                "a": _job(outputs={"y": "${{parent.outputs.best}}"}),
                "b": _job(inputs=taken),
                "c": {"component": {"type": "pipeline", **leaf}},
            },
        }
        drawn = chart(
            {
                "jobs": {
                    "p": {"type": "pipeline", "component": inner},
                    "q": _job(inputs={"x": "${{parent.jobs.p.outputs.best}}"}),
                },
                "steps": [
                    {
                        "name": "p",
                        "status": "Running",
                        "steps": [
                            {"name": "a", "status": "Completed"},
                            {"name": "c", "status": "Running", "steps": None},
                        ],
                    },
                ],
            }
        )
        assert (
            drawn[: drawn.index("  classDef")]
            == """\
flowchart LR
  subgraph s0["p<br/>Running"]
    s0_0["a<br/>Completed"]
    s0_1["b"]
    subgraph s0_2["c<br/>Running"]
      s0_2_0["z"]
    end
  end
  s1["q"]
  s0_0 -->|"y"| s0_1
  s0 -->|"best"| s1
"""
        )
        assert "class s0_0 done" in drawn
        assert "class s0,s0_2 running" in drawn

    def test_one_that_lies_elsewhere_is_a_box_of_its_own(self) -> None:
        drawn = chart({"jobs": {"p": {"type": "pipeline", "component": "azureml:p:1"}}})
        assert '  s0[["p"]]' in drawn.splitlines()

    def test_what_is_wrong_is_drawn_as_far_as_it_goes(self) -> None:
        taken = {"x": "${{parent.jobs.gone.outputs.y}}"}
        drawn = chart({"jobs": {"a": _job(inputs=taken, depends_on=["gone"]), "b": 3}})
        assert drawn.splitlines()[:3] == ["flowchart LR", '  s0["a"]', '  s1["b"]']
        assert "--" not in drawn
        assert "  class " not in drawn

    def test_what_goes_along_twice_is_one_line(self) -> None:
        taken = {"x": "${{parent.jobs.a.outputs.y}}", "n": "${{parent.jobs.a.inputs.m}}"}
        first = _job(outputs={"y": {"type": "uri_folder"}}, inputs={"m": 1})
        drawn = chart({"jobs": {"a": first, "b": _job(inputs=taken, depends_on=["a"])}})
        assert [line for line in drawn.splitlines() if "s1" in line and "s0" in line] == [
            '  s0 -->|"y"| s1'
        ]

    @pytest.mark.parametrize(
        "spec, answer",
        [
            ({"jobs": {"a": _job()}}, True),
            ({"type": "pipeline", "jobs": {"a": _job()}}, True),
            ({"type": "pipeline", "jobs": {}}, False),
            ({"type": "pipeline"}, False),
            ({"type": "command", "jobs": {"a": _job()}}, False),
            (_job(), False),
        ],
    )
    def test_only_pipelines_with_steps_are_drawn(self, spec: dict[str, object], answer: bool):
        assert is_pipeline(spec) is answer

    def test_no_name_breaks_out_of_its_place(self) -> None:
        drawn = chart({"jobs": {'a"]; click s0 "javascript:alert(1)"': _job()}})
        assert 'click s0 "' not in drawn
