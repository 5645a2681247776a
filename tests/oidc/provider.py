"""A certified OpenID provider, written by others, on a loopback port: npm's `oidc-provider`.

It is installed once, from a lock with digests, into `provider/node_modules`.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

FOLDER = Path(__file__).parent / "provider"
HOME = "https://lazur.example.org/sign-in/oidc/callback"
"""Where it sends browsers back to. Nothing is there: the tests read the address."""
SECRET = "s3cr:et %/of the client"
_OLDEST_NODE = 20
_PERSON = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
"""Whoever runs the tests: npm finds its registry in their settings, which tests do not see."""


@cache
def missing() -> str | None:
    """Why it cannot be run here, or None."""
    if not shutil.which("npm") or not (node := shutil.which("node")):
        return "node and npm are not installed"
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    major = re.match(r"v(\d+)", version.stdout)
    if major is None or int(major[1]) < _OLDEST_NODE:
        return f"node {version.stdout.strip()} is older than {_OLDEST_NODE}"
    return _install()


def _install() -> str | None:
    """Once, whoever comes first of several test processes."""
    place = Path(tempfile.gettempdir()) / f"lazur-oidc-provider-{os.getuid()}.lock"
    with place.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        lock, mark = FOLDER / "package-lock.json", FOLDER / "node_modules" / ".from-lock"
        if mark.exists() and mark.read_text() == lock.read_text():
            return None
        if (failure := _npm("ci", "--ignore-scripts", "--no-audit", "--no-fund")) is None:
            mark.write_text(lock.read_text())
        return failure


def _npm(*argv: str) -> str | None:
    """What went wrong."""
    try:
        subprocess.run(
            ["npm", *argv], cwd=FOLDER, env=_PERSON, capture_output=True, timeout=120, check=True
        )
    except subprocess.TimeoutExpired:
        return "npm did not install oidc-provider within two minutes"
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip()[-300:]
        return f"npm cannot install oidc-provider: {said}"
    return None


@dataclass
class Server:
    """`move` starts it anew at the same address: with other keys it has rotated them."""

    overrides: dict[str, Any] = field(default_factory=dict[str, Any])
    issuer: str = ""
    _process: subprocess.Popen[str] | None = None

    @classmethod
    @contextmanager
    def start(cls, keys: Sequence[dict[str, Any]], **overrides: Any) -> Iterator[Server]:
        server = cls(overrides)
        try:
            server.move(keys)
            yield server
        finally:
            server.stop()

    def move(self, keys: Sequence[dict[str, Any]]) -> None:
        self.stop()
        port = int(self.issuer.rpartition(":")[2]) if self.issuer else 0
        asked = {"port": port, "keys": list(keys), "overrides": self.overrides}
        self._process = subprocess.Popen(
            ["node", "provider.mjs", json.dumps(asked)],
            cwd=FOLDER,
            env={**_PERSON, "NODE_NO_WARNINGS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        if not said:
            assert self._process.stderr is not None
            raise RuntimeError(self._process.stderr.read())
        self.issuer = json.loads(said)["issuer"]

    def stop(self) -> None:
        """Its stdin ends when we do, so it never outlives a test that was killed."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.communicate(timeout=120)


def private_jwk(key: Any, kid: str, alg: str) -> dict[str, Any]:
    by = {"R": RSAAlgorithm, "P": RSAAlgorithm, "E": ECAlgorithm}[alg[0]]
    by = OKPAlgorithm if alg == "EdDSA" else by
    jwk = by.to_jwk(key, as_dict=True)
    jwk.pop("key_ops", None)  # published as they are, and a public key does not sign
    return {**jwk, "kid": kid, "alg": alg, "use": "sig"}
