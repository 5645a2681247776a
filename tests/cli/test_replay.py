from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Cli

_ENVIRONMENT = {"image": "python:3.11"}


@pytest.fixture
def ran(lazur: Cli) -> str:
    """The name of a pipeline of two steps that is over."""
    (lazur.folder / "in.txt").write_text("hello")
    (lazur.folder / "src").mkdir()
    (lazur.folder / "src" / "shout.sh").write_text("tr a-z A-Z < $1 > $2/text; env > $2/env")
    shout = {
        "command": "bash shout.sh ${{inputs.text}} ${{outputs.loud}} && echo at ${{inputs.rate}}",
        "code": "src",
        "environment": _ENVIRONMENT,
        "environment_variables": {"OWN": "mine"},
        "inputs": {"text": {"type": "uri_file", "path": "in.txt"}, "rate": 0.3},
        "outputs": {"loud": {"type": "uri_folder"}},
    }
    loud = "${{parent.jobs.shout.outputs.loud}}"
    count = {
        "command": "wc -c < ${{inputs.loud}}/text; exit 3",
        "environment": _ENVIRONMENT,
        "inputs": {"loud": loud},
    }
    inner = {"command": "echo deep", "environment": _ENVIRONMENT}
    outer = {"type": "pipeline", "jobs": {"inner": inner}}
    spec = {"type": "pipeline", "jobs": {"shout": shout, "count": count, "outer": outer}}
    (lazur.folder / "p.yml").write_text(json.dumps(spec))
    made = lazur.ok("job", "create", "-f", "p.yml")["name"]
    lazur("job", "stream", "-n", made)
    return made


class TestReplay:
    def test_a_step_runs_once_more_and_what_it_writes_stays_in_its_folder(
        self, lazur: Cli, ran: str
    ) -> None:
        done = lazur("job", "replay", "-n", ran, "--step", "shout", "--folder", "again")
        assert (done.code, done.out) == (0, "at 0.3\n"), done.err
        made = lazur.folder / "again" / "outputs" / "loud"
        assert (made / "text").read_text() == "HELLO"
        variables = (made / "env").read_text().splitlines()
        assert "OWN=mine" in variables
        assert not [line for line in variables if "TOKEN" in line]
        assert any(line.startswith("MLFLOW_TRACKING_URI=file:") for line in variables)
        again = lazur("job", "replay", "-n", ran, "--step", "shout", "--folder", "again")
        assert again.code == 1
        assert "is not empty" in again.err

    def test_ends_as_its_command_does(self, lazur: Cli, ran: str) -> None:
        done = lazur("job", "replay", "-n", f"{ran}_count")
        assert (done.code, done.out.strip()) == (3, "5")

    def test_with_another_input(self, lazur: Cli, ran: str) -> None:
        (lazur.folder / "other.txt").write_text("other")
        given = ("--input", "text=other.txt", "--folder", "b")
        assert lazur("job", "replay", "-n", ran, "--step", "shout", *given).code == 0
        assert (lazur.folder / "b" / "outputs" / "loud" / "text").read_text() == "OTHER"
        for wrong, said in (
            ("tex=other.txt", "Inputs that are paths: text"),
            ("text=no", "no no"),
        ):
            refused = lazur("job", "replay", "-n", ran, "--step", "shout", "--input", wrong)
            assert refused.code == 1
            assert said in refused.err

    def test_a_step_of_a_pipeline_within_by_the_name_that_is_shown(
        self, lazur: Cli, ran: str
    ) -> None:
        done = lazur("job", "replay", "-n", ran, "--step", "outer.inner")
        assert (done.code, done.out) == (0, "deep\n"), done.err
        wrong = lazur("job", "replay", "-n", ran, "--step", "outer.iner")
        assert "no step 'iner'.\nIt has: inner." in wrong.err

    def test_each_time_in_a_folder_of_its_own(self, lazur: Cli, ran: str) -> None:
        for _ in range(2):
            assert lazur("job", "replay", "-n", ran, "--step", "shout").code == 0
        made = sorted(folder.name for folder in lazur.folder.glob("replay-*"))
        assert made == [f"replay-{ran}_shout", f"replay-{ran}_shout-2"]

    def test_in_a_shell(self, lazur: Cli, ran: str) -> None:
        done = lazur("job", "replay", "-n", ran, "--step", "shout", "--shell")
        assert "bash ../command.sh" in done.err
        folder = lazur.folder / f"replay-{ran}_shout"
        assert "shout.sh" in (folder / "command.sh").read_text()

    @pytest.mark.parametrize(
        "asked, said",
        [
            ((), "runs nothing itself"),
            (("--step", "shoot"), "It has: shout, outer, count"),
            (("--step", "shout", "--debugger"), "has no debugpy"),
            (("--step", "shout", "--debug"), "has no debugpy"),
        ],
    )
    def test_what_cannot_be(self, lazur: Cli, ran: str, asked: tuple[str, ...], said: str) -> None:
        refused = lazur("job", "replay", "-n", ran, *asked)
        assert refused.code in (1, 3)
        assert said in refused.err
        assert "Traceback" not in refused.err
        assert not list(lazur.folder.glob("replay-*"))
