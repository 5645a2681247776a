from __future__ import annotations

from pathlib import Path

import pytest

from lazur.builders import _accelerators


class TestWithoutCuda:
    @pytest.mark.parametrize(
        "line, plain",
        [
            ("tensorflow[and-cuda]==2.16.2", "tensorflow==2.16.2"),
            ("jax[cuda12]", "jax"),
            ("jax[cuda12,k8s]>=0.4", "jax[k8s]>=0.4"),
            ("transformers[torch]", "transformers[torch]"),
            ("--find-links https://h.test/[x]", "--find-links https://h.test/[x]"),
        ],
    )
    def test_only_extras_for_cuda_go(self, line: str, plain: str) -> None:
        assert _accelerators.without_cuda([line]) == [plain]


class TestLocalTorch:
    @pytest.fixture
    def links(self, tmp_path: Path) -> dict[str, str]:
        for version in ("2.12.0+cpu", "2.13.0+cpu", "2.14.0+cu126", "2.14.0"):
            (tmp_path / f"torch-{version}-cp311-cp311-linux_x86_64.whl").touch()
        return {"UV_FIND_LINKS": f"/nowhere,{tmp_path}"}

    def test_the_newest_cpu_build_is_pinned(self, links: dict[str, str]) -> None:
        pinned = _accelerators.local_torch(["torch"], "3.11.7", links)
        assert pinned == ("torch==2.13.0+cpu", True)

    def test_it_must_satisfy_what_is_asked(self, links: dict[str, str]) -> None:
        assert _accelerators.local_torch(["torch<2.13"], "3.11.7", links)[0] == "torch==2.12.0+cpu"
        assert _accelerators.local_torch(["torch~=2.8.0"], "3.11.7", links) == (None, True)

    def test_it_must_be_for_the_same_python(self, links: dict[str, str]) -> None:
        assert _accelerators.local_torch(["torch"], "3.10.1", links) == (None, True)

    def test_others_may_need_it(self, links: dict[str, str]) -> None:
        pinned = _accelerators.local_torch(["accelerate"], "3.11.7", links)
        assert pinned == ("torch==2.13.0+cpu", False)

    def test_an_address_of_ones_own_is_kept(self, links: dict[str, str]) -> None:
        line = "torch @ https://h.test/torch-2.1.0-cp311-cp311-linux_x86_64.whl"
        assert _accelerators.local_torch([line], "3.11.7", links) == (None, False)
