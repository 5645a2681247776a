from __future__ import annotations

from tests.cli.conftest import Cli


class TestData:
    def test_a_file_here_becomes_a_version(self, lazur: Cli) -> None:
        (lazur.folder / "iris.csv").write_text("a,b\n")
        words = ("data", "create", "-n", "iris", "--type", "uri_file", "--path", "iris.csv")
        made = lazur.ok(*words, "-v", "1")
        assert (made["name"], made["version"], made["type"]) == ("iris", "1", "uri_file")
        assert made["path"].startswith("tree:")
        assert lazur.ok("data", "show", "-n", "iris", "--label", "latest")["version"] == "1"
        assert lazur.ok("data", "show", "-n", "iris", "-v", "1")["path"] == made["path"]

    def test_serves_jobs_by_name(self, lazur: Cli) -> None:
        (lazur.folder / "d.txt").write_text("from the asset")
        lazur.ok("data", "create", "-n", "for-jobs", "-t", "uri_file", "-p", "d.txt")
        inputs = {"d": {"type": "uri_file", "path": "azureml:for-jobs@latest"}}
        done = lazur(
            "job", "create", "-f", lazur.job("cat ${{inputs.d}}", inputs=inputs), "--stream"
        )
        assert (done.code, done.out) == (0, "from the asset")

    def test_is_listed_updated_archived_and_restored(self, lazur: Cli) -> None:
        (lazur.folder / "x").write_text("x")
        lazur.ok("data", "create", "-n", "cycle", "-t", "uri_file", "-p", "x", "-v", "7")
        changed = lazur.ok("data", "update", "-n", "cycle", "-v", "7", "--set", "tags.a=b")
        assert changed["tags"] == {"a": "b"}
        names = ("data", "list", "--query", "[].name")
        assert "cycle" in lazur.ok(*names)
        assert lazur("data", "archive", "-n", "cycle").code == 0
        assert "cycle" not in lazur.ok(*names)
        assert lazur("data", "restore", "-n", "cycle").code == 0
        assert "cycle" in lazur.ok(*names)

    def test_what_is_not_there_is_exit_code_3(self, lazur: Cli) -> None:
        assert lazur("data", "show", "-n", "nothing").code == 3

    def test_a_version_and_a_label_contradict(self, lazur: Cli) -> None:
        assert lazur("data", "show", "-n", "iris", "-v", "1", "-l", "latest").code == 1


class TestModel:
    def test_is_registered_from_a_folder(self, lazur: Cli) -> None:
        (lazur.folder / "model").mkdir()
        (lazur.folder / "model" / "weights.bin").write_bytes(b"w")
        words = ("model", "create", "-n", "net", "--type", "custom_model", "--path", "./model")
        assert lazur.ok(*words, "--stage", "Production")["stage"] == "Production"
        assert lazur.ok("model", "list", "-n", "net", "--query", "[].version") == ["1"]


class TestComponent:
    def test_is_registered_from_yaml(self, lazur: Cli) -> None:
        (lazur.folder / "component.yml").write_text(
            "type: command\nname: train\ncommand: echo ${{inputs.lr}}\n"
            "environment: {image: 'python:3.11'}\ninputs: {lr: {type: number, default: 0.1}}\n"
        )
        made = lazur.ok("component", "create", "--file", "component.yml", "--version", "3")
        assert (made["name"], made["version"]) == ("train", "3")


class TestEnvironment:
    def test_curated_ones_are_in_the_registry(self, lazur: Cli) -> None:
        names = lazur.ok("environment", "list", "--registry-name", "azureml", "--query", "[].name")
        assert "sklearn-1.5" in names
        shown = lazur.ok(
            "environment", "show", "-n", "sklearn-1.5", "-l", "latest", "-r", "azureml"
        )
        assert shown["name"] == "sklearn-1.5"

    def test_is_made_from_flags_and_built_with_its_log(self, lazur: Cli) -> None:
        made = lazur.ok("environment", "create", "-n", "bare", "--image", "python:3.11")
        assert (made["name"], made["version"]) == ("bare", "1")
        done = lazur("environment", "build", "-n", "bare")
        assert done.code == 0
        assert "ready" in done.err
        builds = lazur.ok("environment", "builds")
        assert {"ready"} >= {b["status"] for b in builds if b["name"].startswith("bare")}
        pruned = lazur.ok("environment", "prune", "--max-size", "1TB", "--dry-run")
        assert pruned["removed"] == []

    def test_pruning_wants_to_know_what(self, lazur: Cli) -> None:
        assert "--older-than-days" in lazur("environment", "prune").err


class TestWorkspace:
    def test_keeps_its_jobs_to_itself(self, lazur: Cli) -> None:
        lazur.ok("workspace", "create", "-n", "apart", "--description", "a room")
        name = lazur.ok("job", "create", "-f", lazur.job("true"), "-w", "apart")["name"]
        assert lazur("job", "show", "-n", name).code == 3
        assert lazur.ok("job", "show", "-n", name, "-w", "apart")["name"] == name
        assert "apart" in lazur.ok("workspace", "list", "--query", "[].name")

    def test_is_deleted_after_asking(self, lazur: Cli) -> None:
        lazur.ok("workspace", "create", "-n", "gone")
        assert lazur("workspace", "delete", "-n", "gone").code == 1
        assert lazur("workspace", "delete", "-n", "gone", "--yes").code == 0
        assert lazur("workspace", "show", "-n", "gone").code == 3


class TestCompute:
    def test_this_machine_is_one(self, lazur: Cli) -> None:
        assert lazur.ok("compute", "list", "--query", "[].name") == ["local"]
        assert lazur.ok("compute", "show", "-n", "local")["slots"]["cpus"] >= 1
