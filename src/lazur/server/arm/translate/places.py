"""Where files lie: datastore paths and content as we name them, and the addresses by which Azure's
clients ask for the same."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from lazur.errors import Unsupported
from lazur.server.arm.ids import Ids
from lazur.server.arm.translate.references import tree_of, tree_path
from lazur.services.azure.blobs import SHARED
from lazur.services.azure.staging import REGISTRY, is_area
from lazur.services.azure.trees import FLAT, TREES
from lazur.services.base.home import BLOBSTORE
from lazur.spec import references
from lazur.spec.names import fold
from lazur.spec.references import DatastorePath, Tree

PREFIX = "/_blob"
_AZURES = ".blob.core.windows.net"
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class Blobs:
    """A place in the blob service."""

    account: str
    container: str
    path: str


@dataclass(frozen=True)
class Here:
    """By which names this server, and the room that a request is about, are known."""

    base: str
    """`https://HOST:PORT`."""
    ids: Ids
    by_host: bool = False
    """Whether accounts are names of hosts."""

    @property
    def account(self) -> str:
        place = self.ids.place
        return f"{REGISTRY}{place.registry}" if place.registry else place.workspace

    @property
    def host(self) -> str:
        return self.base.partition("://")[2]

    @property
    def account_name(self) -> str:
        """Azure's client makes `https://{this}.blob.{suffix}` of it: what follows `#` is no part
        of the address that is asked."""
        if self.by_host and _LABEL.fullmatch(self.account):
            return self.account
        return f"{self.host}{PREFIX}/{self.account}#"

    def url(self, container: str, path: str = "") -> str:
        inside = f"/{quote(path)}" if path else ""
        return f"{self.base}{PREFIX}/{quote(self.account)}/{container}{inside}"

    def blobs(self, text: str) -> Blobs | None:
        """What an address of ours is about; None for any other."""
        parts = urlsplit(text)
        if parts.scheme != "https":
            return None
        if parts.netloc != self.host:
            return self._by_host(parts.netloc, parts.path)
        path = unquote(parts.path)
        if path.startswith(f"/{SHARED}/"):
            return Blobs(self.account, SHARED, path.removeprefix(f"/{SHARED}/"))
        if not path.startswith(f"{PREFIX}/"):
            return None
        return self._split(path.removeprefix(f"{PREFIX}/"))

    def _by_host(self, netloc: str, path: str) -> Blobs | None:
        account, dot, rest = netloc.partition(".blob.")
        if not dot or rest != self.host:
            return None
        return self._split(f"{account}/{unquote(path).lstrip('/')}")

    def _split(self, path: str) -> Blobs:
        """The client of Azure loses the account of an environment's folder on the way."""
        account, _, rest = path.partition("/")
        account = bare(account)
        if account != self.account:
            account, rest = self.account, path
        container, _, inside = rest.partition("/")
        return Blobs(account, container, inside.strip("/"))

    def written(self, text: str) -> str | Blobs:
        """As YAML writes it; or where it has to be fetched first, which is a staging area."""
        if (found := self.blobs(text)) is not None:
            return self._of_blobs(found)
        if text.startswith("https://"):
            return text
        reference = references.parse(text)
        if not isinstance(reference, DatastorePath):
            return text
        arm = reference.arm
        if arm is not None and arm.workspace and fold(arm.workspace) != fold(self.account):
            raise Unsupported(
                f"{text[:200]!r} lies in workspace {arm.workspace!r}, and others cannot read it.",
                hint="Copy it, or share what it holds by a registry.",
            )
        return tree_of(reference.path) or str(DatastorePath(reference.datastore, reference.path))

    def stored(self, text: str) -> str | Blobs:
        """As `written`, where what lies in a datastore may stay there."""
        found = self.written(text)
        if isinstance(found, Blobs) and not is_area(found.account, found.container):
            return str(DatastorePath(found.container, found.path))
        return found

    def _of_blobs(self, found: Blobs) -> str | Blobs:
        if found.container == SHARED and found.account.startswith(REGISTRY):
            return _tree(found.path)
        if found.container == BLOBSTORE and (tree := tree_of(found.path)):
            return tree
        return found

    def uri(self, text: str | None) -> str | None:
        """Of data, and of models, as clients fetch them: a datastore's path in the long form, or
        of a registry the address of its content."""
        if not text:
            return text
        found = references.parse(text)
        if isinstance(found, Tree) and self.ids.place.registry:
            return f"{self.base}/{SHARED}/{tree_path(found)}"
        if isinstance(found, Tree):
            return self.ids.datastore_path(BLOBSTORE, f"{TREES}/{tree_path(found)}")
        if isinstance(found, DatastorePath) and not self.ids.place.registry:
            return self.ids.datastore_path(found.datastore, found.path)
        return text

    def address(self, text: str | None) -> str | None:
        """The same as an address: of code, and of an environment's folder."""
        if not text:
            return text
        found = references.parse(text)
        if isinstance(found, Tree) and self.ids.place.registry:
            return f"{self.base}/{SHARED}/{tree_path(found)}"
        if isinstance(found, Tree):
            return self.url(BLOBSTORE, f"{TREES}/{tree_path(found)}")
        return self.url(found.datastore, found.path) if isinstance(found, DatastorePath) else text

    def code(self, text: str | None) -> str | None:
        """As `address`. Azure's client fetches the code of a component from its own host names
        alone, which it looks for anywhere in an address, and takes two names for a container and
        a folder. Where it really asks is the datastore's address."""
        found = references.parse(text) if text else None
        if not isinstance(found, Tree) or found.path or self.ids.place.registry:
            return self.address(text)
        account = f"{quote(self.account)}{_AZURES}"
        return f"{self.base}{PREFIX}/{account}/{BLOBSTORE}/{FLAT}{found.digest}"


def bare(account: str) -> str:
    """As its workspace is called."""
    return account.removesuffix(_AZURES)


def _tree(path: str) -> str:
    """Raises Invalid."""
    return str(references.parse(f"tree:{path.strip('/')}"))
