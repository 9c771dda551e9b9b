"""`kill -9` in the middle of an undo: the step is done or undone, and nothing in between."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from facerec.gallery.made_up import add_made_up
from facerec.services import people, steps
from facerec.services.gallery import open_gallery
from tests.helpers.gallery_dump import all_rows, answers

ROOT = Path(__file__).resolve().parents[2]
N_TEMPLATES = 1_000
N_KILLS = 12


@pytest.fixture
def states(tmp_path):
    """A gallery with one person of many Templates, removed; and what it holds before and after."""
    folder = tmp_path / "gallery"
    vectors = np.random.default_rng(5).standard_normal((N_TEMPLATES + 5, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with open_gallery(folder, min_saved=1) as gallery:
        with gallery.store.write() as session:
            add_made_up(
                session, vectors, contract_id="c" * 16, per_person=N_TEMPLATES, at=gallery.now()
            )
        before = all_rows(gallery)
        people.remove_person(gallery, "Person 0")
        after = all_rows(gallery)
    assert (len(before["templates"]), len(after["templates"])) == (N_TEMPLATES + 5, 5)
    return folder, {True: before, False: after}


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_step_is_done_or_undone_when_killed(states):
    folder, rows_when_undone = states
    command = [sys.executable, "-m", "tests.integration.undo_driver", str(folder)]
    rng = random.Random(3)
    n_midway = 0

    for _ in range(N_KILLS):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "open\n"
        time.sleep(rng.uniform(0.0, 0.3))
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate()
        last = [line for line in rest.splitlines(keepends=True) if line.endswith("\n")][-1:]
        n_midway += last == ["begin\n"]
        with open_gallery(folder, create=False, min_saved=1) as gallery:
            gallery.store.check()
            (step,) = steps.history(gallery)
            assert all_rows(gallery) == rows_when_undone[step.is_undone]
            n_indexed = len(answers(gallery)) // 2
            assert n_indexed == len(all_rows(gallery)["templates"])
        assert last != ["done\n" if step.is_undone else "undone\n"]
    # Kills that never hit a step in the making would prove nothing.
    assert n_midway > N_KILLS // 3
