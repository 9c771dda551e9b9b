"""A short run of each fuzz target; the long ones are ``python -m tests.fuzz TARGET``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS, Target, run_once

ROOT = Path(__file__).resolve().parents[2]
RUNS = 400


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_read(name: str) -> None:
    for seed in TARGETS[name].seeds():
        TARGETS[name].try_bytes(seed)


def test_a_fault_is_not_taken_for_a_refusal() -> None:
    def broken(data: bytes) -> None:
        raise KeyError(data)

    with pytest.raises(KeyError):
        run_once(Target(broken, list, ()), b"")


@pytest.mark.parametrize("name", TARGETS)
def test_hostile_bytes_are_refused_in_words(name: str) -> None:
    pytest.importorskip("atheris", reason="atheris has no wheel for this system")
    command = [sys.executable, "-m", "tests.fuzz", name]
    done = subprocess.run(
        [*command, "--seconds", "60", "--runs", str(RUNS), "--seed", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    assert "Traceback" not in done.stderr
