"""Registries, sharing, and the trash of assets, as people use them."""

from __future__ import annotations

from tests.cli.conftest import Cli


def made(lazur: Cli, name: str, text: str = "a,b\n") -> str:
    """A data asset of one file; its version."""
    (lazur.folder / f"{name}.csv").write_text(text)
    create = ("data", "create", "-n", name, "--type", "uri_file", "--path", f"{name}.csv")
    return str(lazur.ok(*create, "-o", "json")["version"])


class TestRegistry:
    def test_its_life(self, lazur: Cli) -> None:
        assert lazur.ok("registry", "create", "-n", "life", "-o", "json")["name"] == "life"
        table = lazur("registry", "list", "-o", "table").out
        assert "azureml" in table
        assert "life" in table
        set_ = ("registry", "update", "-n", "life", "--set", "tags.team=vision", "-o", "json")
        assert lazur.ok(*set_)["tags"] == {"team": "vision"}
        assert lazur("registry", "create", "-n", "life").code == 1
        assert lazur("registry", "delete", "-n", "life", "--yes").code == 0
        assert lazur("registry", "show", "-n", "life").code == 3

    def test_azures_file_is_taken(self, lazur: Cli) -> None:
        file = lazur.folder / "registry.yml"
        file.write_text(
            "name: from-file\ntags:\n  a: b\nlocation: EastUS\n"
            "replication_locations:\n  - location: EastUS\n"
        )
        found = lazur.ok("registry", "create", "--file", str(file), "-o", "json")
        assert found["replication_locations"] == [{"location": "EastUS"}]

    def test_the_built_in_one_is_not_changed(self, lazur: Cli) -> None:
        ran = lazur("registry", "delete", "-n", "azureml", "--yes")
        assert (ran.code, "comes with Lazur" in ran.err) == (1, True)

    def test_what_is_shared_is_there_for_others(self, lazur: Cli) -> None:
        lazur.ok("registry", "create", "-n", "for-all", "-o", "json")
        made(lazur, "given")
        share = ("data", "share", "-n", "given", "-v", "1", "--registry-name", "for-all")
        shared = lazur.ok(*share, "--share-with-version", "7", "-o", "json")
        assert shared["id"] == "azureml://registries/for-all/data/given/versions/7"
        listed = ("data", "list", "--registry-name", "for-all", "--query", "[].name", "-o", "tsv")
        assert lazur(*listed).out.split() == ["given"]


class TestTrash:
    def test_there_and_back(self, lazur: Cli) -> None:
        made(lazur, "thrown")
        ran = lazur("data", "delete", "-n", "thrown")
        assert ran.code == 0
        assert "lazur data restore -n thrown" in ran.err
        assert lazur("data", "show", "-n", "thrown").code == 3
        assert "thrown" in lazur("data", "trash", "-o", "table").out
        assert lazur("data", "restore", "-n", "thrown").code == 0
        assert lazur("data", "show", "-n", "thrown").code == 0

    def test_the_archive_is_left_by_the_same_word(self, lazur: Cli) -> None:
        made(lazur, "hidden")
        assert lazur("data", "archive", "-n", "hidden").code == 0
        listed = ("data", "list", "--query", "[?name=='hidden'].name", "-o", "tsv")
        assert lazur(*listed).out.strip() == ""
        assert lazur("data", "restore", "-n", "hidden").code == 0
        assert lazur(*listed).out.strip() == "hidden"

    def test_purging_asks_first(self, lazur: Cli) -> None:
        made(lazur, "gone")
        lazur("data", "delete", "-n", "gone")
        ran = lazur("data", "purge", "-n", "gone")
        assert (ran.code, "Add --yes" in ran.err) == (1, True)
        assert "gone" in lazur("data", "purge", "-n", "gone", "--dry-run", "-o", "table").out
        assert lazur("data", "purge", "-n", "gone", "--yes").code == 0
        assert "gone" not in lazur("data", "trash", "-o", "table").out
        assert lazur("data", "purge", "-n", "gone", "--yes").code == 3


class TestDownload:
    def test_what_was_uploaded_comes_back(self, lazur: Cli) -> None:
        folder = lazur.folder / "sent"
        (folder / "deep").mkdir(parents=True)
        (folder / "deep" / "a.bin").write_bytes(bytes(range(256)) * 9000)
        (folder / "b.txt").write_text("b")
        create = ("model", "create", "-n", "fetched", "--path", "sent", "-o", "none")
        assert lazur(*create).code == 0
        assert lazur("model", "download", "-n", "fetched", "-v", "1", "-p", "got").code == 0
        got = lazur.folder / "got" / "fetched"
        for name in ("deep/a.bin", "b.txt"):
            assert (got / name).read_bytes() == (folder / name).read_bytes()
        assert sum(path.is_file() for path in got.rglob("*")) == 2
