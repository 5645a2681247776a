from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazur.errors import Invalid
from lazur.spec.references import (
    Asset,
    Bound,
    DatastorePath,
    Git,
    JobOutput,
    Local,
    Resource,
    RunArtifact,
    Tree,
    Uri,
    compute_name,
    is_local,
    parse,
)
from tests.effort import examples

_ARM = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
_DIGEST = "ab" * 32


class TestParse:
    @pytest.mark.parametrize(
        "text,expected",
        [
            ("azureml:iris:3", Asset("iris", "3")),
            ("azureml:iris@latest", Asset("iris", label="latest")),
            ("azureml:iris", Asset("iris")),
            (
                "azureml://registries/azureml/environments/sklearn-1.5/labels/latest",
                Asset("sklearn-1.5", label="latest", kind="environments", registry="azureml"),
            ),
            (
                "azureml://feeds/r/models/m/versions/2",
                Asset("m", "2", kind="models", registry="r"),
            ),
            ("azureml://models/n/versions/1", Asset("n", "1", kind="models")),
            ("azureml://data/n/versions/1", Asset("n", "1", kind="data")),
            ("azureml://datastores/d/paths/a/b.csv", DatastorePath("d", "a/b.csv")),
            ("azureml://datastores/d/paths/", DatastorePath("d", "")),
            ("azureml:workspaceblobstore/a/b", DatastorePath("workspaceblobstore", "a/b")),
            (
                "azureml://datastores/${{default_datastore}}/paths/${{name}}/x",
                DatastorePath("${{default_datastore}}", "${{name}}/x"),
            ),
            ("azureml://jobs/j/outputs/o", JobOutput("j", "o")),
            ("azureml://jobs/j/outputs/o/paths/p/q", JobOutput("j", "o", "p/q")),
            ("azureml:j:outputs/o/p", JobOutput("j", "o", "p")),
            ("azureml:j:outputs.o", JobOutput("j", "o")),
            ("runs:/r/model", RunArtifact("r", "model")),
            (f"tree:{_DIGEST}", Tree(_DIGEST)),
            (f"tree:{_DIGEST}/a/b.csv", Tree(_DIGEST, "a/b.csv")),
            ("https://h/p?sig=x", Uri("https://h/p?sig=x")),
            ("wasbs://c@a.blob.core.windows.net/p", Uri("wasbs://c@a.blob.core.windows.net/p")),
            ("${{parent.inputs.x}}", Bound("${{parent.inputs.x}}")),
            ("./src", Local("./src")),
            ("../data/iris.csv", Local("../data/iris.csv")),
            ("src\\model", Local("src\\model")),
            ("C:\\data", Local("C:\\data")),
            ("file:./env.yml", Local("./env.yml", "file:")),
            ("file:///data/x", Local("/data/x", "file:")),
        ],
    )
    def test_every_form(self, text: str, expected: object) -> None:
        assert parse(text) == expected

    @pytest.mark.parametrize(
        "text",
        [
            "azureml:iris:3",
            "azureml:iris@latest",
            "azureml:iris",
            f"tree:{_DIGEST}/a",
            "runs:/r/m",
            "./src",
            "file:./x",
            "azureml://registries/r/components/c/versions/1",
            "azureml://registries/r/models/m/labels/l",
            "azureml://datastores/d/paths/a/",
            "azureml://jobs/j/outputs/o/paths/p",
            "azureml://data/n/versions/1",
            f"azureml:{_ARM}/environments/e/versions/1",
            f"azureml:{_ARM}/computes/c",
            "azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/d/paths/a/b/",
            "azureml://locations/l/workspaces/w/data/n/versions/3",
            "git+https://github.com/a/b.git@main#subdirectory=x",
        ],
    )
    def test_what_was_read_is_written_back(self, text: str) -> None:
        assert str(parse(text)) == text

    @pytest.mark.parametrize(
        "text,expected",
        [
            ("git+https://h/a.git", ("https://h/a.git", None, None)),
            ("git+https://h/a.git@v1", ("https://h/a.git", "v1", None)),
            ("git+https://me@h/a.git@v1", ("https://me@h/a.git", "v1", None)),
            ("git+ssh://git@h/a.git", ("ssh://git@h/a.git", None, None)),
            ("git@h:a/b.git@v1#subdirectory=c", ("git@h:a/b.git", "v1", "c")),
        ],
    )
    def test_git_addresses(self, text: str, expected: tuple[str, str | None, str | None]) -> None:
        found = parse(text)
        assert isinstance(found, Git)
        assert (found.url, found.ref, found.subdirectory) == expected

    def test_arm_ids_of_assets_and_resources(self) -> None:
        environment = parse(f"{_ARM.lower()}/environments/e/versions/1")
        compute = parse(f"{_ARM}/computes/c")
        assert isinstance(environment, Asset)
        assert (environment.kind, environment.name, environment.version) == (
            "environments",
            "e",
            "1",
        )
        assert isinstance(compute, Resource)
        assert (compute.kind, compute.name) == ("computes", "c")

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "azureml:",
            "azureml:a:b:c",
            "azureml:a@",
            "azureml:a:",
            "azureml:<name>",
            "azureml://x",
            "azureml://",
            "azureml://registries/r/things/n/versions/1",
            "azureml://registries/r/models/m/versions/1/x",
            "azureml://datastores/d/paths/../x",
            "azureml://datastores/d",
            "azureml://jobs/j",
            "azureml:/subscriptions/s",
            "azureml:/subscriptions/s/resourceGroups/g/providers/Evil/workspaces/w/data/d/versions/1",
            "tree:abc",
            f"tree:{_DIGEST}/../x",
            f"tree:{_DIGEST.upper()}",
            "runs:/",
            "runs:/a/../b",
            "foo://bar",
            "git+https://h/a@-x",
            "git+--upload-pack=x",
            "a\0b",
            "a\nb",
            "javascript://x",
        ],
    )
    def test_anything_else_is_invalid(self, text: str) -> None:
        with pytest.raises(Invalid) as caught:
            parse(text)
        assert caught.value.message

    @settings(max_examples=examples(500), deadline=None)
    @given(
        st.text(max_size=40)
        | st.builds(
            "{}{}".format,
            st.sampled_from(
                [
                    "azureml:",
                    "azureml://",
                    "tree:",
                    "runs:/",
                    "git+",
                    "azureml:/subscriptions/",
                    "file:",
                ]
            ),
            st.text(st.sampled_from("ab/:@.-_1$~ "), max_size=30),
        )
    )
    def test_it_is_total_and_what_it_prints_means_the_same(self, text: str) -> None:
        try:
            found = parse(text)
        except Invalid:
            return
        assert parse(str(found)) == found


class TestComputeName:
    @pytest.mark.parametrize(
        "text,name",
        [
            ("local", "local"),
            ("azureml:cpu-cluster", "cpu-cluster"),
            (f"azureml:{_ARM}/computes/c", "c"),
            ("gpu", "gpu"),
        ],
    )
    def test_every_spelling(self, text: str, name: str) -> None:
        assert compute_name(text) == name

    @pytest.mark.parametrize(
        "text", ["azureml:a:1", "<compute>", "a/b", f"{_ARM}/datastores/d", ""]
    )
    def test_anything_else_is_invalid(self, text: str) -> None:
        with pytest.raises(Invalid):
            compute_name(text)


def test_local_paths_are_told_apart() -> None:
    assert is_local("./src")
    assert is_local("file:src")
    assert not is_local("azureml:src:1")


class TestUri:
    @pytest.mark.parametrize(
        "uri, web",
        [
            ("https://h/p?sig=x", "https://h/p?sig=x"),
            (
                "wasbs://sets@acc.blob.core.windows.net/a/b.csv",
                "https://acc.blob.core.windows.net/sets/a/b.csv",
            ),
            ("wasbs://sets@acc.blob.core.windows.net/", None),
            ("wasbs://sets@acc.blob.core.windows.net/a/", None),
            ("wasbs://acc.blob.core.windows.net/a.csv", None),
            ("wasbs://sets@evil.example/a.csv", None),
            ("s3://bucket/a.csv", None),
        ],
    )
    def test_public_blobs_have_a_web_address(self, uri: str, web: str | None) -> None:
        assert Uri(uri).web == web
