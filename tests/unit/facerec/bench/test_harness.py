"""The interleaved benchmark, with workers that take a known time."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from facerec.bench import harness
from facerec.bench.harness import (
    Case,
    Contender,
    machine_facts,
    ratio_of_medians,
    run_interleaved,
)
from facerec.errors import DependencyError, RangeError

WORKER = """
import sys, time
sys.path.insert(0, {peers!r})
from protocol import serve

def open_work(settings):
    print("this must not be taken for an answer")
    {needs}
    log = open(settings["log"], "a")

    def work(data):
        log.write(settings["name"])
        log.flush()
        time.sleep(settings["seconds"])
        return data.sum()

    return work, int, {{"version": "1.0"}}

serve(open_work)
"""


@pytest.fixture(autouse=True)
def _short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "TURN_S", 0.0)
    monkeypatch.setattr(harness, "TURN_RUNS", 1)


@pytest.fixture
def contender(tmp_path: Path):
    def make(name: str, seconds: float = 0.0, needs: str = "pass") -> Contender:
        script = tmp_path / f"{name}.py"
        script.write_text(WORKER.format(peers=str(harness.PEERS_DIR), needs=needs))
        settings = {"name": name, "seconds": seconds, "log": str(tmp_path / "log")}
        return Contender(name, str(script), settings, f"Install {name}.")

    return make


CASES = [Case("small", np.arange(3)), Case("large", np.arange(10))]


def test_slow_worker_shows_its_ratio(contender) -> None:
    report = run_interleaved([contender("a", 0.02), contender("b", 0.1)], CASES, n_rounds=2)

    assert report.ratio("a", "small").value == 1.0
    assert 2.0 < report.ratio("b", "small").value < 6.0
    assert len(report.timing("b", "large").round_s) == 2


def test_answers_and_facts_are_kept(contender) -> None:
    report = run_interleaved([contender("a"), contender("b")], CASES, n_rounds=1)

    assert [report.timing(name, "large").answer for name in "ab"] == [45, 45]
    assert report.facts["b"] == {"version": "1.0"}
    assert report.payload()["timings"][0]["answer"] == 3


def test_workers_take_turns_and_the_first_one_changes(contender, tmp_path) -> None:
    run_interleaved([contender("a"), contender("b")], CASES[:1], n_rounds=3)

    # One answer each, then one warming round and three that count.
    assert (tmp_path / "log").read_text() == "ab" + "ab" + "ba" + "ab" + "ba"


def test_missing_peer_is_named_with_its_remedy(contender) -> None:
    report = run_interleaved(
        [contender("a"), contender("b", needs="import nothing_of_that_name")], CASES, n_rounds=1
    )

    (absence,) = report.absences
    assert absence.contender == "b"
    assert "nothing_of_that_name" in absence.reason
    assert absence.remedy == "Install b."
    assert {timing.contender for timing in report.timings} == {"a"}


def test_missing_subject_is_an_error(contender) -> None:
    with pytest.raises(DependencyError, match="nothing_of_that_name"):
        run_interleaved([contender("a", needs="import nothing_of_that_name")], CASES)


def test_worker_that_dies_is_reported_with_its_last_words(contender) -> None:
    dies = "import os; sys.stderr.write('out of luck\\n'); sys.stderr.flush(); os._exit(3)"

    with pytest.raises(DependencyError, match="out of luck"):
        run_interleaved([contender("a", needs=dies)], CASES)


def test_another_interpreter_is_tried_for_peers(contender, monkeypatch) -> None:
    monkeypatch.setenv(harness.PEERS_PYTHON_VARIABLE, sys.executable)
    report = run_interleaved(
        [contender("a"), contender("b", needs="import nothing_of_that_name")], CASES, n_rounds=1
    )

    assert [absence.contender for absence in report.absences] == ["b"]


def test_no_round_is_refused(contender) -> None:
    with pytest.raises(RangeError):
        run_interleaved([contender("a")], CASES, n_rounds=0)


def test_ratio_has_an_interval_round_the_value() -> None:
    ratio = ratio_of_medians([10.0, 11.0, 12.0, 30.0, 9.0], [1.0, 1.1, 0.9, 1.0, 1.0])

    assert ratio.value == pytest.approx(11.0)
    assert 9.0 <= ratio.low <= 11.0 <= ratio.high <= 30.0


def test_equal_times_have_ratio_one_without_spread() -> None:
    ratio = ratio_of_medians([2.0] * 5, [2.0] * 5)

    assert (ratio.value, ratio.low, ratio.high) == (1.0, 1.0, 1.0)


def test_machine_facts_name_processor_and_cores() -> None:
    facts = machine_facts()

    assert facts["processor"]
    assert facts["cores"] >= 1
    assert "numpy" in facts["packages"]
