from __future__ import annotations

import io

import pytest

from lazur.cli.terminal import Dimmed, Progress, bar, is_coloured, size


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class TestColour:
    def test_is_for_terminals_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.delenv("NO_COLOR", raising=False)
        assert is_coloured(Screen())
        assert not is_coloured(io.StringIO())

    @pytest.mark.parametrize("name, value", [("NO_COLOR", "1"), ("TERM", "dumb")])
    def test_can_be_declined(self, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv(name, value)
        assert not is_coloured(Screen())

    def test_an_empty_no_color_declines_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("NO_COLOR", "")
        assert is_coloured(Screen())


class TestBar:
    @pytest.mark.parametrize(
        "share, drawn",
        [(0, "    "), (0.5, "██  "), (1, "████"), (7, "████"), (-1, "    "), (0.03, "▏   ")],
    )
    def test_fills_by_eighths(self, share: float, drawn: str) -> None:
        assert bar(share, 4) == drawn


class TestSize:
    @pytest.mark.parametrize(
        "count, text",
        [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2e9, "2.0 GB"), (5e12, "5000.0 GB")],
    )
    def test_is_short(self, count: float, text: str) -> None:
        assert size(count) == text


class TestProgress:
    def test_shows_nothing_of_what_is_quick(self) -> None:
        screen, clock = Screen(), Clock()
        with Progress("Uploading", screen, clock) as progress:
            progress(0, 100)
            clock.now = 0.2
            progress(100, 100)
        assert screen.getvalue() == ""

    def test_draws_and_goes_away(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TERM", "xterm")
        screen, clock = Screen(), Clock()
        with Progress("Uploading", screen, clock) as progress:
            clock.now = 1.0
            progress(500_000, 1_000_000)
        drawn, cleared = screen.getvalue().rsplit("\r", 1)
        assert "Uploading" in drawn
        assert "50%" in drawn
        assert "500.0 kB of 1.0 MB  500.0 kB/s" in drawn
        assert cleared == "\x1b[2K"

    def test_is_for_terminals_only(self) -> None:
        stream, clock = io.StringIO(), Clock()
        with Progress("Uploading", stream, clock) as progress:
            clock.now = 9.0
            progress(1, 2)
        assert stream.getvalue() == ""


class TestDimmed:
    def test_shows_whole_lines(self) -> None:
        stream = io.StringIO()
        dimmed = Dimmed(stream)
        for chunk in (b"on", b"e\ntw", "ö\n".encode()):
            dimmed.write(chunk)
        assert stream.getvalue() == "  one\n  twö\n"
