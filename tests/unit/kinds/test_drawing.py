from __future__ import annotations

from lazur.kinds.pipelines.drawing import chart


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

    def test_no_name_breaks_out_of_its_place(self) -> None:
        drawn = chart({"jobs": {'a"]; click s0 "javascript:alert(1)"': _job()}})
        assert 'click s0 "' not in drawn
