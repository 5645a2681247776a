"""The process of rank 0: it plans, hands mini-batches out, writes down what became of them, and
says how the job ended."""

from __future__ import annotations

import selectors
import signal
import sys
import time

from lazur.runtime.parallel import planning, results, settings, slots
from lazur.runtime.parallel.book import Book
from lazur.runtime.parallel.hands import Door, Hand, Here, There
from lazur.runtime.parallel.ledger import Ledger
from lazur.runtime.parallel.metrics import Metrics
from lazur.runtime.parallel.paths import Paths
from lazur.runtime.parallel.reporter import Reporter, say
from lazur.runtime.parallel.settings import Wrong
from lazur.runtime.parallel.team import Team

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lazur.runtime.parallel.planning import Batch
    from lazur.runtime.parallel.settings import Settings

_LOOK = 0.1
_TELL = 1.0
_AHEAD = 0.5
"""Seconds of work that a worker is given in advance, so that it never waits for more."""
_MOST_AHEAD = 64
_FILES = 500
"""Whose paths are sent ahead: what a busy worker does not read yet must fit into its socket."""
_INIT_TRIES = 3


def main(argv: list[str]) -> int:
    """`argv`: the input's root, where results are appended to, and the program's arguments."""
    signal.signal(signal.SIGTERM, _leave)
    try:
        asked = settings.read(argv[3:])
        paths = Paths()
        paths.make()
        return Coordinator(asked, paths, argv[1], argv[2]).work()
    except Wrong as error:
        say("the job fails: %s" % error)
        return 1


def _leave(_number: int, _frame: object) -> None:
    sys.exit(143)


class Coordinator:
    def __init__(self, asked: Settings, paths: Paths, root: str, append: str) -> None:
        self._asked = asked
        self._paths = paths
        self._append = append
        self._selector = selectors.DefaultSelector()
        self._here = Here(Team(asked, paths, root, bool(append)))
        self._nodes: dict[int, Here | There] = {self._here.number: self._here}
        self._hands: dict[str, Hand] = {}
        self._ledger = Ledger(paths.ledger)
        self._book = Book(self._plan(root), asked)
        whole = [e for e in self._ledger.entries() if results.is_whole(paths.kept, e)]
        self._book.replay(whole)
        self._reporter = Reporter(self._book, paths, asked.workers * asked.nodes)
        self._stopping = False
        self._why: str | None = None
        self._bad_starts = 0
        self._moved_at = time.monotonic()

    def _plan(self, root: str) -> list[Batch]:
        """While a table is cut, workers load the script: that takes another second."""
        cutting = planning.begin(self._asked, self._paths, root)
        if cutting is not None:
            for place in range(self._asked.workers):
                self._start(self._here, place)
            try:
                cutting.wait()
            except Wrong:
                self._here.end()
                raise
        return planning.made(self._paths)

    def work(self) -> int:
        self._reporter.begin()
        metrics = Metrics(self._values)
        state = "canceled"
        try:
            self._run()
            self._why = self._why or self._book.verdict() or self._merge()
            state = "failed" if self._why else "completed"
        finally:
            self._end(state, metrics)
        return 1 if self._why else 0

    def _run(self) -> None:
        if self._book.over or self._book.verdict():
            return
        if self._asked.nodes > 1:
            self._selector.register(Door(self._paths), selectors.EVENT_READ)
        self._begin_node(self._here)
        told_at = looked_at = 0.0
        while self._hands or not self._stopping:
            for key, _ in self._selector.select(_LOOK):
                self._hear(key.fileobj, key.data)
            now = time.monotonic()
            if now - looked_at >= _LOOK:
                looked_at = now
                for ended in self._here.look():
                    self._ended(ended)
                self._check_progress(now)
            self._ledger.flush()
            self._why = self._why or self._book.verdict()
            if self._why:
                return
            if self._book.over and not self._stopping:
                self._stop()
            if now - told_at >= _TELL:
                told_at = now
                self._reporter.tell(running=sum(1 for h in self._hands.values() if h.held))

    def _begin_node(self, node: Here | There) -> None:
        most = -(-self._book.waiting // self._asked.nodes)
        there = sum(1 for hand in self._hands.values() if hand.node == node.number)
        for place in range(there, min(self._asked.workers, max(1, most))):
            self._start(node, place)

    def _start(self, node: Here | There, place: int) -> None:
        hand = node.start(place)
        if hand is not None:
            self._welcome(hand)

    def _welcome(self, hand: Hand) -> None:
        self._hands[hand.name] = hand
        self._selector.register(hand.channel, selectors.EVENT_READ, hand)

    def _hear(self, source: Any, who: Hand | There | None) -> None:
        if isinstance(who, Hand):
            if self._hands.get(who.name) is not who:
                return  # dropped with its node, while its last word was on its way
            self._heed(who, who.channel.read())
            if who.channel.closed:
                self._turn_from(who)
        elif isinstance(who, There):
            self._heed_node(who)
        else:
            self._let_in(source)

    def _let_in(self, door: Door) -> None:
        came = door.let_in()
        if came is None:
            return
        hello, channel = came
        if "worker" in hello:
            self._welcome(Hand(hello["worker"], hello["node"], channel, hello["log"]))
            return
        node = There(hello["node"], channel)
        self._nodes[node.number] = node
        self._selector.register(channel, selectors.EVENT_READ, node)
        if not self._stopping:
            self._begin_node(node)

    def _heed_node(self, node: There) -> None:
        for message in node.control.read():
            self._ended(message)
        if node.control.closed:
            self._selector.unregister(node.control)
            self._nodes.pop(node.number, None)
            for hand in [h for h in self._hands.values() if h.node == node.number]:
                self._drop(hand)
            say("node %d is gone; what it was at is given to others" % node.number)

    def _heed(self, hand: Hand, messages: list[dict[str, Any]]) -> None:
        for message in messages:
            if "d" in message:
                self._done(hand, message)
            elif "x" in message:
                self._failed(hand, message)
            elif "ready" in message:
                hand.ready = True
                self._bad_starts = 0
            elif "e" in message:
                hand.trouble = message["e"]
        self._feed(hand)

    def _feed(self, hand: Hand) -> None:
        """As much as keeps it busy for a moment, and no more: what one holds, no other can
        take."""
        if not hand.ready or hand.channel.closed or self._stopping:
            return
        book = self._book
        mean = book.run_seconds / len(book.done) if book.done else 1.0
        ahead = max(1, min(_MOST_AHEAD, int(_AHEAD / max(mean, 1e-6))))
        ahead = max(1, min(ahead, book.waiting // (2 * max(1, len(self._hands)))))
        if len(hand.held) > ahead // 2:
            return
        batches = book.take(ahead - len(hand.held), _FILES)
        if not batches and not hand.held:
            batches = book.take(1)
        if batches:
            hand.held.extend(batch.number for batch in batches)
            hand.channel.send({"claims": [batch.claim() for batch in batches]})

    def _done(self, hand: Hand, message: dict[str, Any]) -> None:
        entry = self._entry(hand, message, message["d"])
        self._ledger.add(entry)
        self._book.finish(entry)
        self._reporter.done(entry, hand.log)
        self._moved_at = time.monotonic()

    def _failed(self, hand: Hand, message: dict[str, Any]) -> None:
        entry = self._entry(hand, message, message["x"])
        last = self._book.fail(message["x"])
        self._ledger.add({**entry, "last": last})
        self._reporter.failed(entry, hand.log, last)
        self._moved_at = time.monotonic()
        for other in list(self._hands.values()):
            if not other.held:
                self._feed(other)

    def _entry(self, hand: Hand, message: dict[str, Any], number: int) -> dict[str, Any]:
        """What the ledger says: all that a list of mini-batches has to show."""
        batch = self._book.batches[number]
        hand.held.remove(number)
        key = {} if batch.key is None else {"k": batch.key}
        when = round(time.time(), 3)
        return {**message, **key, "c": batch.items, "w": hand.name, "t": when}

    def _ended(self, told: dict[str, Any]) -> None:
        """A worker's process is no more. What it said before that counts; what it was at has
        failed once; what it had not begun with goes to others."""
        hand = self._hands.get(told["ended"])
        if hand is None:
            return
        self._turn_from(hand)
        if not hand.channel.closed:
            self._heed(hand, hand.channel.drain())
        number = told["number"]
        if told["phase"] in (slots.LOADING, slots.RUNNING) and number in hand.held:
            seconds = round(told["seconds"], 3)
            self._failed(hand, {"x": number, "s": seconds, "e": told["why"], "a": told["log"]})
        elif told["phase"] == slots.INIT:
            self._bad_start(hand.trouble or "init(): %s" % told["why"])
        elif told["phase"] == slots.ENDING and (hand.trouble or told["code"]):
            self._why = self._why or hand.trouble or "shutdown(): %s" % told["why"]
        self._drop(hand)
        node = self._nodes.get(hand.node)
        if node is not None and not self._stopping and self._book.waiting:
            self._start(node, told["place"])

    def _drop(self, hand: Hand) -> None:
        del self._hands[hand.name]
        self._turn_from(hand)
        hand.channel.close()
        self._book.put_back(hand.held)
        for other in list(self._hands.values()):
            self._feed(other)

    def _turn_from(self, hand: Hand) -> None:
        """Before its channel is closed: another one may get its number."""
        if hand.channel in self._selector.get_map():
            self._selector.unregister(hand.channel)

    def _bad_start(self, why: str) -> None:
        self._bad_starts += 1
        say("a worker could not begin: %s" % why)
        if self._bad_starts >= _INIT_TRIES and not self._why:
            self._why = "%s (%d workers in a row could not begin)" % (why, self._bad_starts)

    def _check_progress(self, now: float) -> None:
        limit = self._asked.progress_timeout
        if limit and not self._stopping and now - self._moved_at > limit:
            self._why = "no mini-batch has ended for %g s (progress_update_timeout)" % limit

    def _stop(self) -> None:
        self._stopping = True
        for hand in list(self._hands.values()):
            if hand.ready:
                hand.channel.send({"stop": 1})
            else:
                self._drop(hand)  # it has not begun with anything

    def _merge(self) -> str | None:
        if not self._append:
            return None
        done = self._book.done
        self._ledger.sync()
        try:
            results.merge(self._paths.kept, (done[n] for n in sorted(done)), self._append)
        except Wrong as error:
            return str(error)
        return None

    def _end(self, state: str, metrics: Metrics) -> None:
        for node in list(self._nodes.values()):
            node.end()
        self._ledger.flush()
        if state != "canceled":
            self._ledger.add({"over": state, "t": round(time.time(), 3)})
            self._ledger.flush()
            results.forget(self._paths.kept)
        self._ledger.sync()
        self._reporter.tell(state, self._why)
        if state != "canceled":
            self._reporter.end(self._why)
        metrics.stop()

    def _values(self) -> dict[str, float]:
        book = self._book
        batches, items = self._reporter.rates()
        return {
            "mini_batches_done": len(book.done),
            "mini_batches_failed": len(book.failed),
            "mini_batches_per_second": batches,
            "items_done": book.items_done,
            "items_failed": book.items_failed,
            "items_per_second": items,
        }
