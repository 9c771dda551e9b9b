"""`kill -9` in the middle of a change of model: what serves is whole, and nothing is lost.

FACEREC_CRASH_KILLS sets how often the short form kills while preparing.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from facerec.config import load_settings
from facerec.gallery.people import add_person
from facerec.gallery.templates import NewTemplate, TemplateVectors, add_template, vector_from_blob
from facerec.services import change_model
from facerec.services.erase import erase
from facerec.services.gallery import open_gallery
from tests.helpers.gallery import AT, source
from tests.helpers.tiny_faces import fill_with_tiny, png_from_crop, tiny_crop
from tests.integration.model_change_driver import BATCH, NEW, OLD

ROOT = Path(__file__).resolve().parents[2]
PER_PERSON = 2


class Expected:
    """Which Crop each Template was made from, by the test's own account."""

    def __init__(self, n_people: int) -> None:
        self.shots = {
            person * PER_PERSON + shot + 1: (person, shot)
            for person in range(n_people)
            for shot in range(PER_PERSON)
        }

    def vectors(self, embedder, ids):
        return embedder.embed_vectors(np.stack([tiny_crop(*self.shots[one]) for one in ids]))


def start(folder: Path, what: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.integration.model_change_driver", str(folder), what]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def kill_midway(folder: Path, what: str, n_lines: int, delay_s: float) -> list[str]:
    """Kill the driver some time after that many lines; return the whole lines it wrote."""
    process = start(folder, what)
    lines = [process.stdout.readline() for _ in range(n_lines)]
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate()
    text = "".join(lines) + rest
    return [line for line in text.splitlines(keepends=True) if line.endswith("\n")]


def require_whole(folder: Path, expected: Expected, serving) -> int:
    """Everybody is found under one model, with its vectors; return how many have the other's."""
    other = NEW if serving is OLD else OLD
    with open_gallery(folder, create=False, min_saved=1) as gallery:
        gallery.store.check()
        with gallery.store.read() as session:
            vectors_of = TemplateVectors(session)
            assert vectors_of.contract_id == serving.contract_id
            ids, vectors = vectors_of.vectors()
            assert ids.tolist() == sorted(expected.shots)
            np.testing.assert_allclose(vectors, expected.vectors(serving, ids), atol=1e-6)
            people = sorted({person for person, _ in expected.shots.values()})
            probes = serving.embed_vectors(np.stack([tiny_crop(one, 99) for one in people]))
            found = gallery.candidates(session, probes, serving.contract_id, n_people=1)
            assert [best.name for (best,) in found] == [f"Person {one}" for one in people]
    with closing(sqlite3.connect(folder / "gallery.db")) as connection:
        rows = connection.execute(
            "SELECT template_id, contract_id, dimension, vector FROM spare_vectors ORDER BY 1"
        ).fetchall()
    assert {row[1] for row in rows} <= {other.contract_id}
    spare_ids = [row[0] for row in rows]
    assert set(spare_ids) <= set(expected.shots)
    if rows:
        spare = np.stack([vector_from_blob(blob, size) for _, _, size, blob in rows])
        np.testing.assert_allclose(spare, expected.vectors(other, spare_ids), atol=1e-6)
    return len(rows)


def enrol(folder: Path, expected: Expected, person: int, serving) -> None:
    """Somebody new, with the model that serves."""
    with open_gallery(folder) as gallery, gallery.store.write() as session:
        crop = tiny_crop(person, 0)
        (embedding,) = serving.embed(crop[None])
        owner = add_person(session, f"Person {person}", at=AT)
        box = np.array([0, 0, 8, 8], np.float32)
        template = NewTemplate(embedding, 0.9, box, png_from_crop(crop))
        number = add_template(session, owner.id, source(10_000_000 + person), template, at=AT)
    expected.shots[number] = (person, 0)


def erase_one(folder: Path, expected: Expected, person: int) -> None:
    with open_gallery(folder) as gallery:
        erase(gallery, f"Person {person}")
    expected.shots = {one: shot for one, shot in expected.shots.items() if shot[0] != person}


def change_with_kills(folder: Path, n_people: int, n_kills: int, n_toggles: int) -> None:
    """Prepare with kills, accept and go back with kills, then complete."""
    rng = random.Random(n_people)
    expected = Expected(n_people)
    with open_gallery(folder) as gallery:
        fill_with_tiny(gallery, OLD, n_people, PER_PERSON)
    n_stored = max(1, n_people * PER_PERSON // BATCH // (2 * n_kills))
    prepared = [require_whole(folder, expected, OLD)]
    for kill in range(n_kills):
        # "open", and the batch after those stored; half of all, so that the last kill, too, finds
        # work to break off.
        lines = kill_midway(folder, "prepare", 2 + n_stored, rng.uniform(0.0, 0.02))
        assert "prepared\n" not in lines
        prepared.append(require_whole(folder, expected, OLD))
        if kill % 3 == 0:
            enrol(folder, expected, n_people + kill, OLD)
            erase_one(folder, expected, kill)
            prepared[-1] = require_whole(folder, expected, OLD)
    assert prepared[-1] > 0
    assert prepared[-1] < len(expected.shots)

    said, _ = start(folder, "prepare").communicate()
    assert said.endswith("prepared\n")
    assert require_whole(folder, expected, OLD) == len(expected.shots)

    serving, n_torn = OLD, 0
    for _ in range(n_toggles):
        lines = kill_midway(folder, "toggle", 2 + rng.randrange(3), rng.uniform(0.0, 0.1))
        serving, is_torn = serving_after(folder, lines, serving)
        n_torn += is_torn
        assert require_whole(folder, expected, serving) == len(expected.shots)
    # Kills that never hit a change in the making would prove nothing.
    assert n_torn > 0

    with open_gallery(folder) as gallery:
        change_model.accept(gallery, NEW, {"embed.model": "new"})
        change_model.accept(gallery, OLD, {"embed.model": "old"})
        assert load_settings().settings.embed.model == "old"
    require_whole(folder, expected, OLD)
    enrol(folder, expected, 3 * n_people, OLD)
    with open_gallery(folder) as gallery:
        change_model.accept(gallery, NEW, {"embed.model": "new"})
    assert require_whole(folder, expected, NEW) == len(expected.shots)
    assert load_settings().settings.embed.model == "new"


def serving_after(folder: Path, lines: list[str], before) -> tuple[object, bool]:
    """Which model serves, checked against what was said; and whether a change was in the making."""
    by_name = {"old": OLD, "new": NEW}
    said = [line.split() for line in lines if "\t" in line]
    acknowledged = [by_name[name] for what, name in said if what == "serves"]
    last = acknowledged[-1] if acknowledged else before
    is_torn = bool(said) and said[-1][0] == "begin"
    possible = {last.contract_id} | ({by_name[said[-1][1]].contract_id} if is_torn else set())
    with open_gallery(folder) as gallery:
        contract_id = gallery.state().contract_id
    assert contract_id in possible
    return (OLD if contract_id == OLD.contract_id else NEW), is_torn


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_change_killed_three_times_loses_nothing(tmp_path):
    n_kills = int(os.environ.get("FACEREC_CRASH_KILLS", "3"))

    change_with_kills(tmp_path / "gallery", n_people=130, n_kills=n_kills, n_toggles=2)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_change_of_2000_people_killed_ten_times_loses_nothing(tmp_path):
    change_with_kills(tmp_path / "gallery", n_people=2000, n_kills=10, n_toggles=10)
