"""Kills, power cuts and failing disks: a few of each here, all of them under the mark ``slow``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.power import STRACE, Event, Recording

ROOT = Path(__file__).resolve().parents[2]
needs_fork = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
needs_strace = pytest.mark.skipif(STRACE is None, reason="strace is not here: apt install strace")


def answer_of(module, *arguments):
    command = [sys.executable, "-m", f"tests.integration.{module}", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_fork
@pytest.mark.parametrize("n_kills", [28, pytest.param(500, marks=pytest.mark.slow)])
def test_nothing_is_lost_or_half_done_when_killed(n_kills):
    answer = answer_of("kill_cycles", "--kills", str(n_kills))

    assert answer["kills"] == n_kills
    assert answer["acknowledged"] > n_kills // 2
    # Kills that never hit the work in progress would prove nothing.
    assert answer["n_in_flight"] > n_kills // 4


@needs_strace
@pytest.mark.parametrize("n_cuts", [12, pytest.param(1000, marks=pytest.mark.slow)])
def test_nothing_acknowledged_is_lost_when_the_power_fails(n_cuts):
    answer = answer_of("power_cuts", "--cuts", str(n_cuts))

    assert sum(answer["during"].values()) == n_cuts
    assert answer["calls"]["sync"] > 20
    assert answer["calls"]["write"] > 100


@needs_strace
@pytest.mark.parametrize("share", ["0.003", pytest.param("1", marks=pytest.mark.slow)])
def test_every_failing_write_is_refused_in_a_sentence(share):
    answer = answer_of("disk_faults", "--share", share)

    said = {sentence for found in answer["answers"].values() for sentence in found} - {"done"}
    assert answer["faults"] > 5
    assert any("disk" in sentence or "cannot be" in sentence for sentence in said)


def test_a_cut_takes_what_was_not_synced_and_keeps_what_was():
    """The simulated disk itself: without it, a test that finds nothing would prove nothing."""
    import random

    recording = Recording("/root")
    recording.events = [
        Event("link", 1, "a"),
        Event("write", 1, offset=0, data=b"old!"),
        Event("sync", 1),
        Event("sync_folder", name="."),
        Event("say", name="done"),
        Event("write", 1, offset=0, data=b"new!"),
        Event("link", 2, "b"),
        Event("write", 2, offset=0, data=bytes(range(256)) * 8),
    ]

    seen, torn = set(), False
    for seed in range(60):
        names = recording._names_after(8, random.Random(seed))
        contents = recording._contents_after(8, random.Random(seed))
        seen.add((bytes(contents[1]), "b" in names))
        torn |= 0 < contents[2].count(b"\x01\x02\x03") < 8
    assert seen == {(text, has_b) for text in (b"old!", b"new!") for has_b in (True, False)}
    assert torn
    assert recording._names_after(3, random.Random(1)) in ({}, {"a": 1})
    assert recording.said(8) == ["done"]
