"""Cold start: how processes are measured and compared."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from facerec.bench import cold_start
from facerec.bench.cold_start import Run, measure_cold_start, run_measured, spread
from facerec.errors import DependencyError, RangeError


def test_time_and_memory_of_a_process_are_measured() -> None:
    small = run_measured([sys.executable, "-c", "pass"])
    large = run_measured(
        [sys.executable, "-c", "import time; block = bytearray(80_000_000); time.sleep(0.3)"]
    )

    assert large.wall_s > 0.3
    assert small.wall_s < large.wall_s
    assert 60 < large.peak_mib - small.peak_mib < 100


def test_answer_no_counts_as_an_answer() -> None:
    assert run_measured([sys.executable, "-c", "raise SystemExit(3)"]).wall_s > 0


def test_program_that_fails_is_named_with_its_last_words() -> None:
    with pytest.raises(DependencyError, match="no torch here"):
        run_measured([sys.executable, "-c", "raise SystemExit('no torch here')"])


def test_long_complaints_do_not_block() -> None:
    code = "import sys; sys.stderr.write('x' * 1_000_000)"

    assert run_measured([sys.executable, "-c", code]).wall_s > 0


def test_programs_take_turns_and_the_first_round_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order = []

    def run(command: list[str]) -> Run:
        is_peer = command[1].endswith("facenet_verify.py")
        order.append("peer" if is_peer else "own")
        first = len(order) <= 2
        return Run(100.0 if first else (6.0 if is_peer else 1.5), 800.0 if is_peer else 200.0)

    monkeypatch.setattr(cold_start, "run_measured", run)

    report = measure_cold_start(Path("a"), Path("b"), n_rounds=2)

    assert order == ["own", "peer"] * 3
    assert report.time_ratio == 4.0
    assert report.memory_ratio == 0.25
    assert len(report.facerec) == len(report.peer) == 2


def test_no_round_at_all_is_refused() -> None:
    with pytest.raises(RangeError):
        measure_cold_start(Path("a"), Path("b"), n_rounds=0)


@pytest.mark.parametrize(
    ("values", "expected"), [([2.0], (2.0, 2.0, 2.0)), ([1.0, 2.0, 3.0], (2.0, 1.5, 2.5))]
)
def test_spread_is_median_and_quartiles(values: list[float], expected: tuple[float, ...]) -> None:
    assert spread(values) == expected
