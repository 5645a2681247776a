"""What a plug must do. Each contract says when a method is called, what may block, and what is
asked again.

The contract tests that every plug inherits lie in `lazur.testing`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from lazur.egress import PUBLIC, Rule
from lazur.engine.plan import Demand, Plan, Status
from lazur.engine.recipe import Recipe

Handle = dict[str, Any]
"""What `submit` gave back: JSON, kept in the job's row, so that any process can poll the attempt
later."""


class Backend(ABC):
    """A place where attempts run. Instances are made by loops with the compute's settings, and
    hold no state that another process would miss: everything is in the handle, on the node, or in
    the engine behind."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings

    @abstractmethod
    def submit(self, plan: Plan) -> Handle:
        """Start the attempt and return without waiting for it. Called outside any transaction.

        Called again for the same `plan.key` when the caller died before it could record the
        handle: twice is once, and both calls return an equal handle. Raises BackendError when the
        attempt certainly did not start.
        """

    @abstractmethod
    def poll(self, handle: Handle) -> Status:
        """What is known now. Never raises and never blocks for more than a moment; asked again,
        from any process, until it answers `ended`, `lost` or `never`, and after that too. An
        attempt unknown to the engine is `lost`."""

    @abstractmethod
    def cancel(self, handle: Handle) -> None:
        """Ask the attempt to end: TERM to its whole tree, KILL after the plan's grace. Returns at
        once; the end is seen by `poll`. Silent when it is over or was asked before. An attempt not
        begun is fenced: it never will."""

    def fence(self, plan: Plan) -> Handle:
        """Somebody may have submitted `plan` and died, or not: see that it does not begin unless
        it has, and return its handle, so that it can be polled and canceled. Backends that can,
        do it without starting anything."""
        handle = self.submit(plan)
        self.cancel(handle)
        return handle

    @abstractmethod
    def logs(self, handle: Handle, offset: int, limit: int = 1 << 20) -> bytes:
        """Bytes of the main user log from `offset`; empty when there are none yet. Never
        raises."""

    @abstractmethod
    def clean(self, handle: Handle) -> None:
        """The end is recorded: free what the attempt left on the node, but not its artifacts. May
        be called twice."""


class Watches(ABC):
    """Ability: the backend can say that an attempt may have changed, sooner than the next poll."""

    @abstractmethod
    def watch(self, handle: Handle, changed: Callable[[], None]) -> None:
        """Call `changed()` from any thread when the attempt's process ends. Once per handle; a
        second is ignored."""


class HasCapacity(ABC):
    """Ability: Lazur itself places attempts on this backend, within its capacity. Without it, the
    engine queues."""

    @abstractmethod
    def capacity(self) -> Demand:
        """All slots there are. Cheap; may be cached."""


@dataclass(frozen=True)
class Built:
    """A usable environment on this machine."""

    prefix: str
    python: str
    """Version, `3.10.13`."""
    size: int
    """Bytes that it alone adds to the disk, roughly."""
    lock: str
    """Text of the hashed lock it was made from."""
    warnings: list[str] = field(default_factory=list[str])
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    """Time per phase: {"python": …, "resolve": …, "install": …}."""


class Builder(ABC):
    """Makes environments out of recipes, under `root`. Called from a loop, one call per key at a
    time."""

    def __init__(self, root: str) -> None:
        self.root = root

    @abstractmethod
    def key(self, recipe: Recipe) -> str:
        """A name for what `build` would make here, without making it: equal recipes on equal
        machines are equal keys. Pure and fast (it is on the path of every submit); safe as a
        folder's name."""

    @abstractmethod
    def find(self, key: str) -> Built | None:
        """The finished environment of that key, if it is on disk and whole. Fast: a file read."""

    @abstractmethod
    def build(self, recipe: Recipe, log: BinaryIO, cancelled: Callable[[], bool]) -> Built:
        """Make it, or return what is there. Blocks for minutes; writes what a person wants to read
        to `log` as it goes; asks `cancelled()` at least twice a second. Killed at any line, the
        next call succeeds. Raises BuildFailed with the cause and a next step; never leaves a half
        environment that `find` would return."""

    @abstractmethod
    def remove(self, key: str) -> int:
        """Delete it and return the bytes freed. The caller made sure that no job uses it."""


class Sweeps(ABC):
    """Ability: the plug can remove what killed writers and builds left behind."""

    @abstractmethod
    def sweep(self, older_than: float) -> int:
        """Remove leftovers last touched before `older_than` (seconds since the epoch: well before
        anything that can still be going on). Returns how many. Now and then, from a loop."""


class Blobs(ABC):
    """Bytes under their SHA-256 (hex). Content never changes, so there is no update and no
    race."""

    @abstractmethod
    def has(self, digest: str) -> bool: ...

    @abstractmethod
    def missing(self, digests: list[str]) -> list[str]:
        """Those of `digests` that are not there, in order."""

    @abstractmethod
    def put(self, digest: str, chunks: Iterator[bytes]) -> int:
        """Store, verify, sync, then make visible in one step; returns the size. Raises Invalid
        when the bytes do not hash to `digest`. Storing what is there is fine and cheap."""

    def put_many(self, blobs: Iterable[tuple[str, bytes]]) -> int:
        """As `put` for many small blobs, all of which fit in memory together; returns how many
        were given. Stores that can make a batch durable at less cost than one by one override
        this. Raises as `put` does; what came before the faulty one may then be stored or not."""
        count = 0
        for digest, data in blobs:
            self.put(digest, iter((data,)))
            count += 1
        return count

    @abstractmethod
    def open(self, digest: str) -> BinaryIO:
        """Raises NotFound."""

    @abstractmethod
    def size(self, digest: str) -> int:
        """Raises NotFound."""

    @abstractmethod
    def delete(self, digest: str) -> None: ...


class Collects(ABC):
    """Ability: a blob store can give back what nobody needs. Who stored a blob, or was told that
    it is there (`put`, `put_many`, `missing`), has used it: it stays for as long after that as the
    caller of these two says, whatever happens at the same time, in whatever process."""

    @abstractmethod
    def unused(self, since: float) -> Iterator[str]:
        """Digests of all that was last used before `since` (seconds since the epoch)."""

    @abstractmethod
    def discard(self, digest: str, since: float) -> int:
        """Delete the blob unless it was used after `since`; returns the bytes freed. Called within
        a transaction, for a few hundred at a time. Silent when it is gone already."""

    def discard_many(self, digests: Sequence[str], since: float) -> list[int]:
        """As `discard` for a few hundred; stores that can do so at less cost than one by one
        override this."""
        return [self.discard(digest, since) for digest in digests]


class Copies(ABC):
    """Ability: the blobs lie elsewhere, and copies of some are on this machine, where a local
    store would have them: there the runtime reads them. `open` makes one, too."""

    @abstractmethod
    def lacking(self, digests: list[str]) -> list[str]:
        """Those of which there is no copy, in order; copies of the others stay for two hours at
        least. Asks nobody but this machine."""

    @abstractmethod
    def fetch(self, digests: Iterable[str], cancelled: Callable[[], bool] = lambda: False) -> None:
        """See that there are copies of all of them, which stay as long. Raises NotFound, and
        Unavailable when another try may help, or when `cancelled()`, which is asked as it goes."""

    @abstractmethod
    def send(self, digests: list[str]) -> int:
        """Store those of which there are copies here, and that are not there; returns how many
        these were."""

    @abstractmethod
    def stream(self, digest: str) -> BinaryIO:
        """As `open`, without making a copy: asked for when it is first read, from its beginning to
        its end only, which is an error unless all of it hashes to `digest`."""

    @abstractmethod
    def evict(self, most: int) -> int:
        """Remove copies, those first that were wanted longest ago, until no more than `most` bytes
        are left, or only those wanted within two hours and those that are linked to from
        elsewhere; returns the bytes that are left."""


class Adopts(ABC):
    """Ability: a file of this machine becomes a blob where it lies, without being copied."""

    @abstractmethod
    def adopt(self, digest: str, path: str) -> None:
        """As `put` of what is in the file, whose bytes the caller has found to hash to `digest`.
        The file may be gone afterwards, or be left."""


@dataclass(frozen=True)
class Wrapped:
    """A data key that only the root key called `key_id` opens."""

    key_id: str
    data: bytes


class Vault(ABC):
    """Keeps root keys, which never leave it, and wraps data keys with them. Instances are made
    with the owner's settings, are used by several threads, and may block for seconds: never within
    a transaction. All methods raise Unavailable when the vault does not answer or is sealed, and
    BackendError when it refuses or is set up wrongly. Messages have no key in them."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings

    @abstractmethod
    def key_id(self) -> str:
        """Of the root key that `wrap` uses now. It changes when the root key is rotated, and for
        no other reason."""

    @abstractmethod
    def wrap(self, data: bytes) -> Wrapped:
        """Of 16 to 64 bytes. Twice the same data is wrapped differently."""

    @abstractmethod
    def unwrap(self, wrapped: Wrapped) -> bytes:
        """What `wrap` was given, also after rotations, for as long as the key is kept. Raises
        BackendError for what was altered or wrapped elsewhere."""

    @abstractmethod
    def knows(self, key_id: str) -> bool:
        """Whether `unwrap` is worth a try. Does not block."""


class Rotates(ABC):
    """Ability: root keys are Lazur's own to change. Others are rotated where they are kept."""

    @abstractmethod
    def rotate(self) -> str:
        """Make a new root key, which `wrap` uses from now on; return its id. Old ones stay."""

    @abstractmethod
    def forget(self, key_id: str) -> None:
        """Nothing is wrapped by it any more. Raises Conflict for the current one; silent when it
        is gone."""


@dataclass(frozen=True)
class Stored:
    """A file in a datastore."""

    path: str
    size: int
    version: str
    """Differs whenever the content may: an ETag, a generation, or size and time. Empty where the
    store has none; then nothing about the file may be kept."""
    modified: float = 0.0
    """Seconds since the epoch; 0 where the store does not say."""


class Datastore(ABC):
    """Files that lie somewhere else, by paths as people wrote them. `settings` are the fields of
    its YAML, `credentials` those of its `credentials`, each a text or a Secret.

    Without credentials nobody is asked for any: not the environment, not a file in somebody's
    home, not the machine's metadata service, unless `ambient`, which the server's owner allows.
    Connections go where `rule` permits. Making one does not block and asks nobody; it raises
    Invalid for settings that cannot be, and MissingExtra; some show when first used. All else
    blocks, may be called by many threads, and retries what is worth it, a few times.

    Paths are checked as everywhere (Invalid). All methods raise NotFound, Forbidden for an address
    that the rule refuses, Unavailable when another try may help, and BackendError when the store
    refuses the credentials or the request. No message has a credential in it.
    """

    def __init__(
        self,
        settings: dict[str, Any],
        credentials: dict[str, Any] | None = None,
        *,
        rule: Rule = PUBLIC,
        ambient: bool = False,
    ) -> None:
        self.settings = settings
        self.credentials = credentials or {}
        self.rule = rule
        self.ambient = ambient

    @abstractmethod
    def list(self, prefix: str = "") -> Iterator[Stored]:
        """All files beneath the folder `prefix`, in any order; nothing where there is no such
        folder. Left out: names that no path could have, and what stands for a folder. Raises
        Unsupported where the store has no lists."""

    @abstractmethod
    def info(self, path: str) -> Stored:
        """Of a file; a folder is not found."""

    @abstractmethod
    def open(self, path: str, offset: int = 0, version: str = "") -> BinaryIO:
        """The bytes from `offset`, read as they come; the caller closes it. With a `version`,
        raises Conflict when the file is no longer that one, and never mixes two. Reading raises as
        the methods do; what breaks off is an error and never an end."""

    @abstractmethod
    def check(self) -> None:
        """Whether it can be reached and read with these credentials, in a few seconds; raises what
        is wrong. Who asked for a test of the connection is told yes or no, and no more: see
        `lazur.reach`."""


class Writes(ABC):
    """Ability: the datastore takes files."""

    @abstractmethod
    def put(self, path: str, chunks: Iterator[bytes], size: int) -> Stored:
        """Store `size` bytes as `path`, in place of what is there. They appear whole, once all are
        sent, or not at all: readers see the old file or the new one. Raises Invalid when `chunks`
        are not `size` bytes; what `chunks` raises passes through."""

    @abstractmethod
    def delete(self, path: str) -> None:
        """Silent when it is gone."""


class Parts(ABC):
    """A file that does not change, to be sent part by part."""

    size: int

    @abstractmethod
    def read(self, offset: int, size: int) -> bytes:
        """So many bytes, which are sent now."""

    @abstractmethod
    def skip(self, size: int) -> None:
        """So many are there already."""


class Resumes(ABC):
    """Ability: a large file that was sent in part is gone on with, also by another process."""

    @abstractmethod
    def put_parts(self, path: str, parts: Parts, note: str, keep: Callable[[str], None]) -> Stored:
        """As `Writes.put`. `note` is what an earlier call for the same file gave to `keep`, before
        it sent anything; empty at first. Whatever this raises, what was sent stays for another
        call. A note that the store knows no longer begins anew."""

    @abstractmethod
    def abandon(self, path: str, note: str) -> None:
        """Nobody goes on with it. Silent when there is nothing."""
