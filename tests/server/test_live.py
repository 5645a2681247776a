from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from lazur.server import feed, live
from lazur.server.live import Live, Snapshot, sse
from lazur.server.topics import Closed, Topics
from lazur.server.watcher import Watcher

KEY = "job:default/x"
PATIENCE = 20.0


class Job:
    """Its log, and whether it is over; the server publishes its key when it ends."""

    def __init__(self, folder: Path, *, inotify: bool = True) -> None:
        self.log = folder / "user_logs" / "std_log.txt"
        self.live = Live(inotify=inotify)
        self.over = False

    async def is_over(self) -> bool:
        return self.over

    def tail(self, offset: int = 0) -> AsyncGenerator[bytes, None]:
        return self.live.tail(self.log, offset, self.is_over, KEY)

    def write(self, data: bytes) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as file:
            file.write(data)

    def end(self) -> None:
        self.over = True
        self.live.topics.publish(KEY)


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(work(), PATIENCE)

    asyncio.run(bounded())


async def whole(tail: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in tail])


async def at_least(tail: AsyncIterator[bytes], size: int) -> bytes:
    got = b""
    async for chunk in tail:
        got += chunk
        if len(got) >= size:
            break
    return got


@pytest.fixture(params=[True, False], ids=["inotify", "polling"])
def job(request: pytest.FixtureRequest, tmp_path: Path) -> Job:
    return Job(tmp_path / "artifacts", inotify=request.param)


class TestTail:
    def test_a_finished_log_is_sent_whole(self, job: Job) -> None:
        job.write(b"a" * 1_000_000 + b"end")
        job.over = True

        async def work() -> None:
            assert await whole(job.tail()) == b"a" * 1_000_000 + b"end"

        run(work)

    def test_it_begins_at_the_offset(self, job: Job) -> None:
        job.write(b"0123456789")
        job.over = True

        async def work() -> None:
            assert await whole(job.tail(7)) == b"789"
            assert await whole(job.tail(10)) == b""
            assert await whole(job.tail(99)) == b""

        run(work)

    def test_it_follows_what_is_appended(self, job: Job) -> None:
        job.write(b"one\n")

        async def work() -> None:
            tail = job.tail()
            assert await anext(tail) == b"one\n"
            job.write(b"two\n")
            assert await anext(tail) == b"two\n"
            job.write(b"three\n")
            job.end()
            assert await whole(tail) == b"three\n"

        run(work)

    def test_it_waits_for_folder_and_file(self, job: Job) -> None:
        async def work() -> None:
            reading = asyncio.ensure_future(whole(job.tail()))
            await asyncio.sleep(0.05)
            job.log.parent.parent.mkdir()
            await asyncio.sleep(0.05)
            job.write(b"late")
            await asyncio.sleep(0.05)
            job.end()
            assert await reading == b"late"

        run(work)

    def test_a_job_that_wrote_nothing_ends_it(self, job: Job) -> None:
        async def work() -> None:
            reading = asyncio.ensure_future(whole(job.tail()))
            await asyncio.sleep(0.05)
            job.end()
            assert await reading == b""

        run(work)

    def test_what_is_written_as_the_job_ends_is_sent(self, tmp_path: Path) -> None:
        """The last words come between the last read and the answer that the job is over."""
        job = Job(tmp_path)
        job.write(b"first ")

        async def speaks_last() -> bool:
            if not job.over:
                job.over = True
                job.write(b"last")
            return True

        async def work() -> None:
            tail = job.live.tail(job.log, 0, speaks_last, KEY)
            assert await whole(tail) == b"first last"

        run(work)

    def test_a_missed_publication_delays_only(
        self, job: Job, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(live, "RECHECK", 0.05)
        job.write(b"x")

        async def work() -> None:
            tail = job.tail()
            await anext(tail)
            job.over = True
            assert await whole(tail) == b""

        run(work)

    def test_a_burst_of_writes_arrives_whole_and_in_order(self, job: Job) -> None:
        lines = b"".join(b"line %d\n" % number for number in range(20_000))

        def write() -> None:
            for at in range(0, len(lines), 997):
                job.write(lines[at : at + 997])

        async def work() -> None:
            writer = threading.Thread(target=write)
            writer.start()
            assert await at_least(job.tail(), len(lines)) == lines
            writer.join()

        run(work)

    def test_a_replaced_file_is_followed(self, job: Job) -> None:
        job.write(b"old")

        async def work() -> None:
            tail = job.tail()
            assert await anext(tail) == b"old"
            fresh = job.log.with_suffix(".new")
            fresh.write_bytes(b"old and new")
            fresh.replace(job.log)
            assert await anext(tail) == b" and new"

        run(work)

    def test_a_link_is_not_followed(self, tmp_path: Path) -> None:
        job = Job(tmp_path)
        job.log.parent.mkdir()
        secret = tmp_path / "secret"
        secret.write_text("canary")
        job.log.symlink_to(secret)

        async def work() -> None:
            with pytest.raises(OSError, match="symbolic"):
                await whole(job.tail())

        run(work)

    def test_no_descriptor_stays_open(self, job: Job) -> None:
        job.write(b"x")

        async def work() -> None:
            await at_least(job.tail(), 1)
            before = _descriptors()
            for _ in range(20):
                tail = job.tail()
                await anext(tail)
                await tail.aclose()
            assert _descriptors() <= before

        run(work)

    def test_a_stopping_server_does_not_pretend_that_this_was_all(self, job: Job) -> None:
        job.write(b"x")

        async def work() -> None:
            tail = job.tail()
            await anext(tail)
            job.live.close()
            with pytest.raises(Closed):
                await anext(tail)

        run(work)


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


class TestManyFollowers:
    def test_a_thousand_share_each_read(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = Job(tmp_path)
        job.write(b"begin\n")
        opened = 0
        reads = 0
        pread, plain = os.pread, feed.open_plainly

        def counted(descriptor: int, size: int, offset: int) -> bytes:
            nonlocal reads
            data = pread(descriptor, size, offset)
            reads += bool(data)
            return data

        def opening(path: Path) -> int:
            nonlocal opened
            opened += 1
            return plain(path)

        monkeypatch.setattr(os, "pread", counted)
        monkeypatch.setattr(live, "open_plainly", opening)

        async def work() -> None:
            tails = [job.tail() for _ in range(1000)]
            assert {await anext(tail) for tail in tails} == {b"begin\n"}
            waiting = [asyncio.ensure_future(anext(tail)) for tail in tails]
            await asyncio.sleep(0)
            job.write(b"more\n")
            assert set(await asyncio.gather(*waiting)) == {b"more\n"}

        run(work)
        assert opened == 1
        assert reads == 2

    def test_a_slow_follower_keeps_nothing_in_memory(self, tmp_path: Path) -> None:
        job = Job(tmp_path)
        job.write(b"x")

        async def work() -> None:
            slow, quick = job.tail(), job.tail()
            await anext(slow)
            await anext(quick)
            for _ in range(40):
                job.write(b"y" * feed.CHUNK)
                await at_least(quick, feed.CHUNK)
                quick = job.tail(job.log.stat().st_size)
            (kept,) = job.live._feeds.values()
            assert sum(len(data) for _, data in kept._recent) <= feed.RECENT * feed.CHUNK
            job.end()
            assert len(await whole(slow)) == 40 * feed.CHUNK

        run(work)


class TestWatcher:
    def test_one_watch_per_folder(self, tmp_path: Path) -> None:
        async def work() -> None:
            watcher = Watcher()
            heard: list[str] = []
            listeners = [lambda name=name: heard.append(name) for name in ("a", "b", "a")]
            for name, listener in zip(("a", "b", "a"), listeners, strict=True):
                watcher.add(tmp_path / name, listener)
            assert len(watcher._watches) == 1
            (tmp_path / "a").write_text("x")
            await asyncio.sleep(0.1)
            assert set(heard) == {"a"}
            assert heard.count("a") % 2 == 0
            for name, listener in zip(("a", "b", "a"), listeners, strict=True):
                watcher.remove(tmp_path / name, listener)
            assert not watcher._watches
            watcher.close()

        run(work)

    def test_a_folder_that_comes_goes_and_comes_again(self, tmp_path: Path) -> None:
        async def work() -> None:
            watcher = Watcher()
            heard = asyncio.Event()
            path = tmp_path / "one" / "two" / "log"
            watcher.add(path, heard.set)
            for _ in range(2):
                heard.clear()
                path.parent.mkdir(parents=True)
                path.write_text("x")
                await asyncio.wait_for(heard.wait(), PATIENCE)
                path.unlink()
                path.parent.rmdir()
                path.parent.parent.rmdir()
                await asyncio.sleep(0.05)
            watcher.remove(path, heard.set)
            watcher.close()

        run(work)


class TestTopics:
    def test_news_from_a_thread_wake_the_subscriber(self) -> None:
        async def work() -> None:
            topics = Topics()
            with topics.subscribe("a") as news:
                threading.Thread(target=topics.publish, args=("a",)).start()
                await news.wait()
                assert news.take()
                assert not news.take()

        run(work)

    def test_news_before_the_wait_are_kept_as_one(self) -> None:
        async def work() -> None:
            topics = Topics()
            with topics.subscribe("a") as news:
                for _ in range(5):
                    topics.publish("a")
                topics.publish("b")
                await asyncio.sleep(0)
                await news.wait(0)
                assert news.take()
                assert not news.take()

        run(work)

    def test_nobody_is_kept_who_left(self) -> None:
        async def work() -> None:
            topics = Topics()
            with topics.subscribe("a"):
                pass
            assert not topics._listeners
            topics.publish("a")

        run(work)

    def test_publishing_without_a_loop_is_nothing(self) -> None:
        Topics().publish("a")


class TestEvents:
    def test_it_tells_each_version_once_and_ends_with_the_last(self) -> None:
        made = Live()
        states = ["Queued", "Running", "Completed"]
        at = 0

        async def look() -> Snapshot:
            return Snapshot(str(at), states[at].encode(), at == 2)

        async def work() -> None:
            nonlocal at
            stream = made.events(KEY, look)
            assert (await anext(stream)).startswith(b"retry: ")
            assert await anext(stream) == b"id: 0\nevent: job\ndata: Queued\n\n"
            made.topics.publish(KEY)  # nothing is new
            at = 1
            made.topics.publish(KEY)
            assert b"data: Running\n" in await anext(stream)
            at = 2
            made.topics.publish(KEY)
            assert b"data: Completed\n" in await whole(stream)

        run(work)

    def test_it_ends_when_the_caller_may_no_longer_see(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert live.RECHECK < 5
        monkeypatch.setattr(live, "RECHECK", 0.05)
        allowed = True

        async def look() -> Snapshot | None:
            return Snapshot("1", b"{}", last=False) if allowed else None

        async def work() -> None:
            nonlocal allowed
            stream = Live().events(KEY, look)
            await anext(stream)
            await anext(stream)
            allowed = False
            assert await whole(stream) == b""

        run(work)

    def test_a_quiet_stream_has_a_heartbeat(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(live, "RECHECK", 0.01)
        monkeypatch.setattr(live, "HEARTBEAT", 0.02)

        async def look() -> Snapshot:
            return Snapshot("1", b"{}", last=False)

        async def work() -> None:
            stream = Live().events(KEY, look)
            await anext(stream)
            await anext(stream)
            assert (await anext(stream)).startswith(b":")

        run(work)

    @pytest.mark.parametrize(
        "data, expected",
        [
            (b"", b"event: job\ndata: \n\n"),
            (b"a\nevent: forged", b"event: job\ndata: a\ndata: event: forged\n\n"),
            (b"a\r\nb\rc", b"event: job\ndata: a\ndata: b\ndata: c\n\n"),
        ],
    )
    def test_data_cannot_forge_fields(self, data: bytes, expected: bytes) -> None:
        assert sse("job", data) == expected

    def test_names_and_tags_cannot_either(self) -> None:
        assert (
            sse("a\ndata: x", b"y", "1\nretry: 1")
            == b"id: 1retry: 1\nevent: adata: x\ndata: y\n\n"
        )
