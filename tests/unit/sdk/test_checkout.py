from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lazur.errors import Invalid, NotFound
from lazur.sdk import checkout
from lazur.sdk.checkout import check_out, check_ref, check_url
from lazur.spec import references

IDENTITY = ["-c", "user.name=a", "-c", "user.email=a@example.org"]


def run(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *IDENTITY, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def parsed(text: str) -> references.Git:
    found = references.parse(text)
    assert isinstance(found, references.Git)
    return found


class _Quiet(SimpleHTTPRequestHandler):
    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Tests do not talk."""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    (folder / "sub").mkdir(parents=True)
    run(folder, "init", "-q", "-b", "main")
    (folder / "sub" / "a.py").write_text("one")
    (folder / "leak").symlink_to("/etc")
    run(folder, "add", ".")
    run(folder, "commit", "-q", "-m", "one")
    run(folder, "tag", "v1")
    (folder / "sub" / "a.py").write_text("two")
    run(folder, "commit", "-q", "-a", "-m", "two")
    return folder


@pytest.fixture
def url(work: Path, tmp_path: Path) -> Iterator[str]:
    """The repository over plain HTTP on this machine, as static files."""
    (tmp_path / "served").mkdir()
    run(tmp_path, "clone", "-q", "--bare", str(work), "served/code.git")
    run(tmp_path / "served" / "code.git", "update-server-info")
    handler = partial(_Quiet, directory=str(tmp_path / "served"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"git+http://127.0.0.1:{server.server_port}/code.git"
        server.shutdown()
        thread.join()


class TestCheckOut:
    def test_the_tip_of_the_default_branch(self, url: str, work: Path) -> None:
        with check_out(parsed(url)) as found:
            assert (found.folder / "sub" / "a.py").read_text() == "two"
            assert found.git.commit == run(work, "rev-parse", "HEAD")
            assert found.git.remote == url.removeprefix("git+")
            kept = found.folder
        assert not kept.exists()

    @pytest.mark.parametrize("ref,text", [("v1", "one"), ("main", "two")])
    def test_a_tag_or_branch(self, url: str, ref: str, text: str) -> None:
        with check_out(parsed(f"{url}@{ref}")) as found:
            assert (found.folder / "sub" / "a.py").read_text() == text
            assert found.git.branch == ref

    @pytest.mark.parametrize("length", [40, 10])
    def test_a_commit(self, url: str, work: Path, length: int) -> None:
        commit = run(work, "rev-parse", "v1")
        with check_out(parsed(f"{url}@{commit[:length]}")) as found:
            assert (found.folder / "sub" / "a.py").read_text() == "one"
            assert found.git.commit == commit

    @pytest.mark.parametrize("fragment", ["subdirectory=sub", "sub", "sub/"])
    def test_a_subdirectory(self, url: str, fragment: str) -> None:
        with check_out(parsed(f"{url}@main#{fragment}")) as found:
            assert (found.folder / "a.py").read_text() == "two"

    @pytest.mark.parametrize("path", ["leak", "absent", "sub/a.py", ".git", ".git/objects"])
    def test_a_subdirectory_does_not_lead_out(self, url: str, path: str) -> None:
        with pytest.raises(NotFound), check_out(parsed(f"{url}#{path}")):
            pass

    def test_climbing_out_is_refused(self, url: str) -> None:
        with pytest.raises(Invalid), check_out(references.Git(url[4:], None, "../x", url)):
            pass

    @pytest.mark.parametrize("ref", ["absent", "0" * 40])
    def test_an_absent_ref_is_not_found(self, url: str, ref: str) -> None:
        with pytest.raises(NotFound), check_out(parsed(f"{url}@{ref}")):
            pass

    def test_an_absent_repository_is_not_found_and_no_token_is_shown(self, url: str) -> None:
        absent = url.replace("code.git", "absent.git").replace("//", "//user:token@")
        with pytest.raises(NotFound) as caught, check_out(parsed(absent)):
            pass
        assert "token" not in str(caught.value).replace("keys and tokens", "")

    def test_submodules_are_not_fetched(self, work: Path, url: str, tmp_path: Path) -> None:
        bare = tmp_path / "served" / "code.git"
        run(work, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(bare), "inner")
        run(work, "commit", "-q", "-m", "with a submodule")
        run(work, "push", "-q", str(bare), "main")
        run(bare, "update-server-info")
        with check_out(parsed(url)) as found:
            assert list((found.folder / "inner").iterdir()) == []


class TestRefusals:
    @pytest.mark.parametrize(
        "url",
        [
            "ext::sh -c touch% /tmp/x",
            "ext::sh",
            "file:///etc",
            "file://localhost/etc",
            "/etc",
            "../code",
            "http://example.org/code.git",
            "http://127.0.0.1.example.org/code.git",
            "ftp://example.org/code.git",
            "git://example.org/code.git",
            "fd::17",
            "-u",
            "--upload-pack=touch /tmp/x",
            "-c core.sshCommand=x",
            "ssh://-oProxyCommand=touch/x",
            "ssh://-oProxyCommand=x@host/x",
            "ssh://git@-host/x",
            "git@-oProxyCommand=x:code",
            "-x@host:code",
            "git@host:-code",
            "https://",
            "https:///code",
            "https://host",
            "https://host/a b",
            "https://host/a\nb",
            "https://ho st/a",
            "https://host:port/a",
            "",
        ],
    )
    def test_no_git_is_started_for_a_hostile_address(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(checkout, "_run", _must_not_run)
        with pytest.raises(Invalid), check_out(references.Git(url)):
            pass

    @pytest.mark.parametrize(
        "ref",
        [
            "",
            "-x",
            "--upload-pack=x",
            "+main",
            "a:b",
            "a..b",
            "a b",
            "a\nb",
            "a^",
            "a~1",
            "a@{1}",
            "*",
            "refs/*",
            "[a]",
            "a\\b",
            "/a",
            ".a",
            "a" * 256,
            "a//b",
            "\x00",
        ],
    )
    def test_no_git_is_started_for_a_hostile_ref(
        self, ref: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(checkout, "_run", _must_not_run)
        with pytest.raises(Invalid), check_out(references.Git("https://example.org/a.git", ref)):
            pass

    @pytest.mark.parametrize(
        "url",
        [
            "https://example.org/a.git",
            "https://user:token@example.org:8443/a/b",
            "ssh://git@example.org:22/a.git",
            "git@example.org:a/b.git",
            "http://localhost:8000/a.git",
            "https://[::1]/a.git",
        ],
    )
    def test_ordinary_addresses_pass(self, url: str) -> None:
        check_url(url)

    @pytest.mark.parametrize("ref", ["main", "feature/x-1", "v1.0", "a+b", "müller", "#12", "a@b"])
    def test_ordinary_refs_pass(self, ref: str) -> None:
        check_ref(ref)

    @pytest.mark.parametrize("url", ["file:///srv/code.git", "ext::true"])
    def test_the_protocols_are_closed_to_git_as_well(self, tmp_path: Path, url: str) -> None:
        run(tmp_path, "init", "-q", "here")
        with pytest.raises(NotFound, match=r"transport '(file|ext)' not allowed"):
            checkout._run(str(tmp_path / "here"), "fetch", "--", url, protocols="https:ssh")

    def test_plain_http_is_closed_to_an_encrypted_address(self, url: str, tmp_path: Path) -> None:
        run(tmp_path, "init", "-q", "here")
        plain = url.removeprefix("git+")
        with pytest.raises(NotFound, match="transport 'http' not allowed"):
            checkout._run(str(tmp_path / "here"), "fetch", "--", plain, protocols="https:ssh")


def _must_not_run(folder: str, *arguments: str, protocols: str = "") -> str:
    raise AssertionError(arguments)
