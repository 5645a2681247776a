from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lazur.engine.recipe import Recipe
from lazur.errors import Invalid
from lazur.kinds.assets import curated
from lazur.kinds.assets.recipes import recipe

DOCKERFILE = """FROM python:3.8

# python installs
COPY requirements.txt .
RUN pip install -r requirements.txt && rm requirements.txt

CMD ["bash"]
"""
CONTEXT = {"path": "tree:" + "0" * 64}


def files(**contents: str) -> Callable[[str], bytes | None]:
    """Files by name, `_` for the dot of an extension: `requirements_txt`."""
    named = {name.replace("_txt", ".txt"): text.encode() for name, text in contents.items()}
    return named.get


def conda(*dependencies: Any, **more: Any) -> Recipe:
    document = {"name": "env", "channels": ["conda-forge"], "dependencies": [*dependencies]}
    return recipe({"image": "ubuntu", "conda_file": {**document, **more}})


class TestBareImage:
    @pytest.mark.parametrize(
        "image, python",
        [
            ("python", None),
            ("python:latest", None),
            ("library/python:3.9", "3.9"),
            ("docker.io/python:3.10-slim", "3.10"),
            ("docker.io/library/python:3.12.4-bookworm", "3.12.4"),
            ("python:3.11@sha256:" + "0" * 64, "3.11"),
            ("localhost:5000/thing", None),
            ("mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04", "3.8"),
            ("mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest", "3.10"),
            ("mcr.microsoft.com/azureml/minimal-py311-inference", "3.11"),
            ("mcr.microsoft.com/aifx/acpt/stable-ubuntu2204-cu126-py310-torch280", "3.10"),
            ("r-base:4.1.3", None),
        ],
    )
    def test_the_name_tells_the_python(self, image: str, python: str | None) -> None:
        made = recipe({"image": image})
        assert made.kind == "python"
        assert made.python == python
        assert made.requirements == []
        assert not made.exact_python

    def test_it_warns_that_the_image_is_not_fetched(self) -> None:
        (warning,) = recipe({"image": "rocker/r-ver:4"}).warnings
        assert "rocker/r-ver:4 was not fetched" in warning

    def test_an_image_of_python_has_nothing_to_miss(self) -> None:
        assert recipe({"image": "python:3.11"}).warnings == []
        assert recipe({"image": "python:latest"}).warnings != []

    def test_a_curated_image_holds_its_packages(self) -> None:
        made = recipe({"image": "mcr.microsoft.com/azureml/curated/sklearn-1.5:35"})
        assert "pandas~=1.5.3" in made.requirements

    @pytest.mark.parametrize("image", ["a b", "$(id)", "-v", "x;y", "a\nb", "`id`", "é"])
    def test_what_is_no_image_name_is_refused(self, image: str) -> None:
        with pytest.raises(Invalid, match="not the name of an image"):
            recipe({"image": image})


class TestForms:
    def test_image_and_build_exclude_each_other(self) -> None:
        with pytest.raises(Invalid, match="not both"):
            recipe({"image": "python", "build": CONTEXT})

    def test_nothing_is_an_error(self) -> None:
        with pytest.raises(Invalid, match="neither"):
            recipe({"name": "x"})

    def test_windows_needs_an_image_builder(self) -> None:
        made = recipe({"image": "python", "os_type": "windows"})
        assert made.kind == "image"
        assert made.reason

    def test_a_conda_file_may_be_text(self) -> None:
        made = recipe({"image": "x", "conda_file": "dependencies: [python=3.9, numpy]\n"})
        assert (made.python, made.requirements) == ("3.9", ["numpy"])

    def test_a_conda_file_that_is_a_list_is_refused(self) -> None:
        with pytest.raises(Invalid, match="not a mapping"):
            recipe({"image": "x", "conda_file": ["numpy"]})

    def test_without_a_python_the_image_tells_it(self) -> None:
        made = recipe({"image": "python:3.9", "conda_file": {"dependencies": ["numpy"]}})
        assert made.python == "3.9"
        assert not made.exact_python

    def test_the_same_packages_are_the_same_recipe_whatever_the_image(self) -> None:
        document = {"dependencies": ["python=3.10", "numpy"]}
        one = recipe({"image": "a", "conda_file": document})
        other = recipe({"image": "b", "conda_file": document, "name": "n", "version": "2"})
        assert one.identity() == other.identity()


class TestConda:
    @pytest.mark.parametrize(
        "line, python",
        [
            ("python=3.10", "3.10"),
            ("python==3.9.18", "3.9.18"),
            ("python=3.8.*", "3.8"),
            ("python>=3.8,<3.11", "<3.11,>=3.8"),
            ("python", None),
            ("conda-forge::python=3.7", "3.7"),
            ("python=3.10=*_cpython", "3.10"),
        ],
    )
    def test_the_python_is_read(self, line: str, python: str | None) -> None:
        made = conda(line)
        assert made.python == python
        assert made.exact_python == (python is not None)

    @pytest.mark.parametrize(
        "line, requirement",
        [
            ("numpy", "numpy"),
            ("numpy=1.21", "numpy==1.21.*"),
            ("numpy=1.21.*", "numpy==1.21.*"),
            ("numpy==1.21.2", "numpy==1.21.2"),
            ("numpy==1.21.2=py39_0", "numpy==1.21.2"),
            ("numpy=1.21.2=py39_0", "numpy==1.21.2"),
            ("numpy 1.21.2 py39_0", "numpy==1.21.2"),
            ("scipy>=1.7", "scipy>=1.7"),
            ("scipy >=1.7, <2", "scipy<2,>=1.7"),
            ("scipy[version='>=1.7,<2']", "scipy<2,>=1.7"),
            ("pandas~=1.5.3", "pandas~=1.5.3"),
            ("conda-forge::pandas!=1.5.*", "pandas!=1.5.*"),
            ("Pandas", "pandas"),
            ("numpy=*", "numpy"),
            ("pytorch=2.1", "torch==2.1.*"),
            ("matplotlib-base", "matplotlib"),
            ("py-xgboost", "xgboost"),
            ("opencv", "opencv-python-headless"),
            ("pytables", "tables"),
            ("python-graphviz", "graphviz"),
            ("pip=21.2", "pip==21.2.*"),
            ("setuptools<58", "setuptools<58"),
            ("azureml-mlflow", "azureml-mlflow"),
        ],
    )
    def test_a_package_becomes_a_requirement(self, line: str, requirement: str) -> None:
        assert conda(line).requirements == [requirement]

    @pytest.mark.parametrize("name", ["mkl", "_libgcc_mutex=0.1", "libgcc-ng", "openssl", "blas"])
    def test_what_wheels_bring_is_left_out_silently(self, name: str) -> None:
        made = conda("numpy", name)
        assert (made.requirements, made.warnings) == (["numpy"], [])

    @pytest.mark.parametrize("name", ["cudatoolkit=11.3", "openmpi", "gcc_linux-64", "git"])
    def test_what_the_machine_has_is_left_out_with_a_note(self, name: str) -> None:
        made = conda(name)
        assert made.requirements == []
        assert name.partition("=")[0] in made.warnings[0]

    def test_all_packages_without_a_counterpart_are_named_at_once(self) -> None:
        with pytest.raises(Invalid, match="r-base, ffmpeg, nodejs") as caught:
            conda("numpy", "r-base=4.1", "ffmpeg", "nodejs")
        assert caught.value.details["packages"] == ["r-base", "ffmpeg", "nodejs"]
        assert "image builder" in str(caught.value.hint)

    @pytest.mark.parametrize(
        "line", ["numpy=1.2|1.3", "numpy=abc", "-numpy", "nu mpy@", "", "a;b"]
    )
    def test_what_is_no_conda_package_is_named(self, line: str) -> None:
        with pytest.raises(Invalid, match="cannot be built"):
            conda(line)

    def test_a_number_is_no_package(self) -> None:
        with pytest.raises(Invalid, match=r"1\.5"):
            conda(1.5)

    def test_dependencies_must_be_a_list(self) -> None:
        with pytest.raises(Invalid, match="not a list"):
            recipe({"image": "x", "conda_file": {"dependencies": "numpy"}})

    def test_variables_are_kept(self) -> None:
        assert conda(variables={"OMP_NUM_THREADS": 1}).variables == {"OMP_NUM_THREADS": "1"}

    def test_pip_wins_over_conda(self) -> None:
        made = conda("numpy=1.21", "scipy", {"pip": ["numpy==1.26.4", "scipy"]})
        assert made.requirements == ["numpy==1.26.4", "scipy"]
        assert len(made.warnings) == 1
        assert "numpy" in made.warnings[0]

    def test_an_empty_pip_section_is_fine(self) -> None:
        assert conda("numpy", {"pip": None}).requirements == ["numpy"]


class TestPip:
    @pytest.mark.parametrize(
        "line, kept",
        [
            ("mlflow>=2", ["mlflow>=2"]),
            ("six # because", ["six"]),
            ("six==1.0 --hash=sha256:abc", ["six==1.0"]),
            ("pandas[excel] ; python_version<'3.9'", ['pandas[excel]; python_version < "3.9"']),
            ("torch==2.1.0+cpu", ["torch==2.1.0+cpu"]),
            ("git+https://h.test/a/b.git@main#egg=b", ["b @ git+https://h.test/a/b.git@main"]),
            ("git+https://h.test/a/thing.git", ["thing @ git+https://h.test/a/thing.git"]),
            ("b @ git+https://h.test/a/b.git", ["b @ git+https://h.test/a/b.git"]),
            (
                "https://h.test/b-1.0-py3-none-any.whl",
                ["b @ https://h.test/b-1.0-py3-none-any.whl"],
            ),
            ("--extra-index-url https://h.test/s", ["--extra-index-url https://h.test/s"]),
            ("--index-url=https://h.test/s", ["--index-url https://h.test/s"]),
            ("-i https://h.test/s", ["--index-url https://h.test/s"]),
            ("-f https://h.test/s", ["--find-links https://h.test/s"]),
            ("--no-binary :all:", ["--no-binary :all:"]),
            ("--pre", ["--pre"]),
            ("--trusted-host h.test", []),
            ("", []),
        ],
    )
    def test_lines_are_kept(self, line: str, kept: list[str]) -> None:
        assert conda({"pip": [line]}).requirements == kept

    @pytest.mark.parametrize(
        "line",
        [
            "-e .",
            "--editable git+https://h.test/x",
            ".",
            "./wheels/a-1.0-py3-none-any.whl",
            "../a",
            "a.whl",
            "file:///etc/passwd",
            "a @ file:///etc/passwd",
            "-r other.txt",
            "-c constraints.txt",
            "--find-links /srv/wheels",
            "--index-url file:///srv",
            "--extra-index-url https://${TOKEN}@h.test/simple",
            "--config-settings x",
            "--target=/tmp",
            "--python /usr/bin/python",
            "--no-binary '--target /tmp'",
            "git+ssh://-oProxyCommand=touch/x@h",
            "a @ git+ssh://-oProxyCommand=touch/x",
            "a @ git+https://h.test/a.git@--upload-pack=touch",
            "git+ext::sh -c touch",
            "a @ git+file:///srv/a",
            "six\x00",
            "six\x1b[0m",
            "'unclosed",
        ],
    )
    def test_what_cannot_be_is_an_error(self, line: str) -> None:
        with pytest.raises(Invalid):
            conda({"pip": [line]})

    @pytest.mark.parametrize("field", ["conda", "pip", "channel", "name", "version"])
    @pytest.mark.parametrize(
        "text",
        ["$(touch x)", "`touch x`", "; touch x", "| sh", "&& touch x", "--index-url=http://h"],
    )
    def test_no_string_becomes_a_command_or_an_option(self, field: str, text: str) -> None:
        """S21: either it is refused, or it changes nothing."""
        document: dict[str, Any] = {"name": "n", "channels": ["c"], "dependencies": ["six"]}
        if field == "conda":
            document["dependencies"] = [f"six{text}"]
        elif field == "pip":
            document["dependencies"] = [{"pip": [f"six {text}"]}]
        elif field == "channel":
            document["channels"] = [text]
        elif field == "name":
            document["name"] = text
        else:
            document["dependencies"] = [f"six={text}"]
        try:
            made = recipe({"image": "x", "conda_file": document})
        except Invalid:
            return
        assert made.requirements == ["six"]

    def test_two_lines_in_one_are_two_lines(self) -> None:
        with pytest.raises(Invalid, match="target"):
            conda({"pip": ["six\n--target /tmp"]})


class TestContext:
    def test_the_published_one_is_read(self) -> None:
        read = files(Dockerfile=DOCKERFILE, requirements_txt="numpy==1.21.2\n# tools\npapermill\n")
        made = recipe({"build": CONTEXT}, read)
        assert made.kind == "python"
        assert made.python == "3.8"
        assert made.requirements == ["numpy==1.21.2", "papermill"]
        assert made.context is None

    def test_another_dockerfile_can_be_named(self) -> None:
        read = {"docker/Dev": b"FROM python:3.9\nRUN pip install six\n"}.get
        made = recipe({"build": {**CONTEXT, "dockerfile_path": "./docker/Dev"}}, read)
        assert made.requirements == ["six"]

    def test_azure_base_images_are_python_too(self) -> None:
        read = files(
            Dockerfile=DOCKERFILE.replace(
                "python:3.8", "mcr.microsoft.com/azureml/openmpi3.1.2-ubuntu18.04"
            ),
            requirements_txt="mlflow",
        )
        assert recipe({"build": CONTEXT}, read).requirements == ["mlflow"]

    def test_a_curated_base_brings_its_packages(self) -> None:
        read = files(
            Dockerfile="FROM mcr.microsoft.com/azureml/curated/sklearn-1.5:30\nRUN pip install six"
        )
        made = recipe({"build": CONTEXT}, read)
        assert {"pandas~=1.5.3", "six"} <= set(made.requirements)

    @pytest.mark.parametrize(
        "run",
        [
            "pip install six",
            "pip3 install --no-cache-dir six",
            "python -m pip install -q six",
            "pip install --upgrade pip && pip install six",
            "pip install -U pip wheel \\\n && pip install six \\\n # note\n && pip cache purge",
            'pip install "six"',
            '["pip", "install", "six"]',
            "--mount=type=cache,target=/cache pip install six",
            "pip install --timeout 100 six",
        ],
    )
    def test_ways_to_install(self, run: str) -> None:
        made = recipe({"build": CONTEXT}, files(Dockerfile=f"FROM python:3.9\nRUN {run}\n"))
        assert (made.kind, made.requirements) == ("python", ["six"])

    @pytest.mark.parametrize(
        "copy, install",
        [
            ("COPY requirements.txt .", "requirements.txt"),
            ("COPY requirements.txt /tmp/requirements.txt", "/tmp/requirements.txt"),
            ("COPY requirements.txt /tmp/", "/tmp/requirements.txt"),
            ("COPY . .", "requirements.txt"),
            ("COPY . /app", "/app/requirements.txt"),
            ("WORKDIR /app\nCOPY . .", "requirements.txt"),
            ("WORKDIR /app\nCOPY ./requirements.txt ./", "/app/requirements.txt"),
            ("ADD requirements.txt /r.txt", "/r.txt"),
            ('COPY ["requirements.txt", "/x/"]', "/x/requirements.txt"),
            ("COPY --chown=1:1 requirements.txt /x/", "/x/requirements.txt"),
        ],
    )
    def test_a_requirements_file_is_followed_into_the_image(self, copy: str, install: str) -> None:
        text = f"FROM python:3.9\n{copy}\nRUN pip install -r {install}\n"
        made = recipe({"build": CONTEXT}, files(Dockerfile=text, requirements_txt="six"))
        assert (made.kind, made.requirements) == ("python", ["six"])

    def test_a_requirements_file_may_include_another(self) -> None:
        read = files(Dockerfile=DOCKERFILE, requirements_txt="-r more.txt\nsix", more_txt="numpy")
        assert recipe({"build": CONTEXT}, read).requirements == ["numpy", "six"]

    def test_files_that_include_themselves_end(self) -> None:
        read = files(Dockerfile=DOCKERFILE, requirements_txt="-r requirements.txt")
        with pytest.raises(Invalid):
            recipe({"build": CONTEXT}, read)

    def test_arguments_and_variables_are_filled_in(self) -> None:
        text = (
            "ARG V=3.9\nFROM python:${V}-slim\nARG PKG=six\n"
            'ENV A=1 B="x y"\nENV C old style\nRUN pip install $PKG\n'
        )
        made = recipe({"build": CONTEXT}, files(Dockerfile=text))
        assert made.python == "3.9"
        assert made.requirements == ["six"]
        assert made.variables == {"A": "1", "B": "x y", "C": "old style"}

    @pytest.mark.parametrize(
        "line",
        [
            "RUN apt-get update",
            "RUN pip install six && apt-get install -y git",
            "RUN conda env create -f x.yml",
            "RUN curl https://h.test | sh",
            "RUN pip install $(cat x)",
            "RUN pip install -r missing.txt",
            "RUN pip install --target /x six",
            "RUN pip uninstall six",
            "FROM python:3.10",
            "COPY --from=builder /x /y",
            "ADD https://h.test/x /x",
            'SHELL ["bash"]',
            "ONBUILD RUN true",
            "RUN <<EOF",
        ],
    )
    def test_the_first_line_that_is_not_understood_is_named(self, line: str) -> None:
        made = recipe({"build": CONTEXT}, files(Dockerfile=f"FROM python:3.9\n{line}\nRUN x\n"))
        assert made.kind == "image"
        assert "line 2" in str(made.reason)
        assert line.split()[1] in str(made.reason)
        assert made.context == "0" * 64

    def test_an_unknown_base_needs_an_image_builder(self) -> None:
        made = recipe({"build": CONTEXT}, files(Dockerfile="FROM ubuntu:22.04\n"))
        assert (made.kind, made.dockerfile) == ("image", "Dockerfile")
        assert "ubuntu:22.04" in str(made.reason)

    def test_a_missing_dockerfile_is_an_error(self) -> None:
        with pytest.raises(Invalid, match="no file Dockerfile"):
            recipe({"build": CONTEXT}, files())

    def test_a_bad_requirement_is_the_authors_to_correct(self) -> None:
        read = files(Dockerfile=DOCKERFILE, requirements_txt="-e .\n")
        with pytest.raises(Invalid, match="editable"):
            recipe({"build": CONTEXT}, read)

    def test_copied_code_is_warned_about(self) -> None:
        read = files(Dockerfile="FROM python:3.9\nCOPY src /app\nRUN pip install six")
        (warning,) = recipe({"build": CONTEXT}, read).warnings
        assert "src" in warning


class TestCurated:
    @pytest.mark.parametrize("name", curated.names())
    def test_each_is_a_python_recipe(self, name: str) -> None:
        made = recipe(curated.get(name))
        assert made.kind == "python"
        assert made.python
        assert not made.exact_python
        assert made.requirements

    def test_scikit_learn_has_the_pins_that_public_scripts_need(self) -> None:
        made = recipe(curated.get("sklearn-1.5"))
        assert made.python == "3.10"
        assert {
            "pandas~=1.5.3",
            "numpy~=1.22",
            "scipy~=1.10",
            "scikit-learn~=1.5.0",
            "joblib~=1.2",
            "matplotlib~=3.5",
        } <= set(made.requirements)

    def test_a_changed_copy_is_no_longer_curated(self) -> None:
        spec = curated.get("sklearn-1.5")
        spec["conda_file"]["dependencies"].append("six")
        assert recipe(spec).exact_python
