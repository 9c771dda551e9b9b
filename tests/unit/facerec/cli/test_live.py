"""What ``facerec live`` does around its engine."""

from __future__ import annotations

import signal

import pytest

from facerec.cli.live import _Counter, _run


class Engine:
    """Is interrupted while it works, or ends by itself after a while."""

    def __init__(self, *, interrupted: bool, n_waits: int = 1000) -> None:
        self.interrupted = interrupted
        self.n_waits = n_waits
        self.n_started = self.n_stopped = 0

    def start(self) -> None:
        self.n_started += 1

    def wait(self, timeout_s: float) -> bool:
        assert timeout_s <= 0.2
        if self.interrupted:
            signal.raise_signal(signal.SIGINT)
        self.n_waits -= 1
        return self.n_waits <= 0

    def stop(self) -> None:
        self.n_stopped += 1


def test_ctrl_c_ends_cleanly(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGINT)
    engine = Engine(interrupted=True)

    _run(engine, None)

    assert (engine.n_started, engine.n_stopped) == (1, 1)
    assert capsys.readouterr().err == "facerec: stopped.\n"
    assert signal.getsignal(signal.SIGINT) is before


def test_it_waits_until_the_source_ends_or_the_time_is_over() -> None:
    until_end = Engine(interrupted=False, n_waits=7)
    _run(until_end, None)
    assert (until_end.n_waits, until_end.n_stopped) == (0, 1)

    for_a_second = Engine(interrupted=False)
    _run(for_a_second, 1.0)
    assert 1000 - for_a_second.n_waits in (5, 6)
    assert for_a_second.n_stopped == 1


def test_no_frames_are_said_to_be_none() -> None:
    assert _Counter().summary() == "No frames came."
