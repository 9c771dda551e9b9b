"""`kill -9` at random moments of enrolling a folder: nothing acknowledged is ever lost.

Set FACEREC_CRASH_COMMAND to try another program than the test's own driver, for example
``facerec enroll --folder {people} --gallery {gallery}``; it must print one flushed line
``enrolled<TAB>NAME`` per person. FACEREC_CRASH_KILLS sets how often it is killed.
"""

from __future__ import annotations

import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage

from facerec.gallery.backends.sqlite import pragma_value
from facerec.gallery.templates import TemplateVectors
from facerec.services.gallery import open_gallery
from facerec.services.people import list_people
from tests.helpers.fakes import fake_photo

ROOT = Path(__file__).resolve().parents[2]
N_PEOPLE = 40
IMAGES_PER_PERSON = 2


@pytest.fixture(scope="module")
def people_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("people")
    for person in range(N_PEOPLE):
        subfolder = folder / f"Person {person:02d}"
        subfolder.mkdir()
        for shot in range(IMAGES_PER_PERSON):
            PilImage.fromarray(fake_photo(person, shot)).save(subfolder / f"{shot}.png")
    return folder


def start(gallery: Path, people: Path) -> subprocess.Popen[str]:
    template = os.environ.get("FACEREC_CRASH_COMMAND")
    command = (
        shlex.split(template.format(gallery=gallery, people=people))
        if template
        else [sys.executable, "-m", "tests.integration.crash_driver", str(gallery), str(people)]
    )
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def acknowledged_until_killed(process: subprocess.Popen[str], delay_s: float) -> list[str]:
    """Kill the process some time after its first line; what it had written by then still counts."""
    first = process.stdout.readline()
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate()
    lines = (first + rest).splitlines()
    return [line.split("\t")[1] for line in lines if line.startswith("enrolled\t")]


def require_whole(
    gallery_folder: Path, acknowledged: set[str], images_each: int | None = IMAGES_PER_PERSON
) -> int:
    """The gallery opens, holds everybody acknowledged, whole, and its index agrees with it."""
    with open_gallery(gallery_folder, create=False, min_saved=1) as gallery:
        gallery.store.check()
        people = {person.name: person for person in list_people(gallery)}
        assert acknowledged <= set(people)
        if images_each is not None:
            assert {person.n_templates for person in people.values()} <= {images_each}
        with gallery.store.read() as session:
            assert pragma_value(session, "foreign_key_check") is None
            source = TemplateVectors(session)
            index = gallery.index.refresh(source)
            ids, vectors = source.vectors()
            assert ids.size == sum(person.n_templates for person in people.values())
            if index is not None:
                np.testing.assert_array_equal(index.ids(), ids)
                np.testing.assert_array_equal(index.vectors_of(ids), vectors)
                found = index.search(vectors, 1)
                np.testing.assert_array_equal(found.ids[:, 0], ids)
        return len(people)


def crash_and_check(gallery: Path, people: Path, n_kills: int, seed: int) -> tuple[int, int]:
    """Kill ``n_kills`` times, starting over whenever everybody is enrolled."""
    rng = random.Random(seed)
    acknowledged: set[str] = set()
    n_acknowledged = n_midway = 0
    for _ in range(n_kills):
        new = acknowledged_until_killed(start(gallery, people), rng.uniform(0.0, 0.5))
        n_acknowledged += len(set(new) - acknowledged)
        acknowledged |= set(new)
        n_people = require_whole(gallery, acknowledged)
        n_midway += n_people < N_PEOPLE
        if n_people == N_PEOPLE:
            shutil.rmtree(gallery)
            acknowledged = set()
    return n_acknowledged, n_midway


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_no_acknowledged_person_is_lost_when_killed(tmp_path, people_folder):
    n_kills = int(os.environ.get("FACEREC_CRASH_KILLS", "4"))

    _, n_midway = crash_and_check(tmp_path / "gallery", people_folder, n_kills, 7)

    # Kills that never hit the work in progress would prove nothing.
    assert n_midway > 0


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_no_acknowledged_person_is_lost_when_killed_twenty_times(tmp_path, people_folder):
    n_acknowledged, n_midway = crash_and_check(tmp_path / "gallery", people_folder, 20, 11)

    assert n_midway >= 5
    assert n_acknowledged > 0


@pytest.mark.slow
@pytest.mark.lfw
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_command_line_loses_nobody_when_killed_twenty_times(tmp_path):
    lfw = Path(os.environ.get("FACEREC_LFW") or ROOT.parent / "shared" / "data" / "lfw")
    if not (lfw / "images").is_dir():
        pytest.skip("LFW is not here: set FACEREC_LFW to a folder with its images.")
    people, gallery = tmp_path / "people", tmp_path / "gallery"
    for source in sorted((lfw / "images").iterdir())[:120]:
        shutil.copytree(source, people / source.name)
    command = [sys.executable, "-m", "facerec", "enroll", "--json"]
    command += ["--folder", str(people), "--gallery", str(gallery)]
    rng = random.Random(3)
    acknowledged: set[str] = set()
    n_midway = 0

    for _ in range(20):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        first = process.stdout.readline()
        time.sleep(rng.uniform(0.0, 1.5))
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate()
        whole_lines = [line for line in (first + rest).splitlines(keepends=True) if "\n" in line]
        answers = [json.loads(line) for line in whole_lines]
        acknowledged |= {a["name"] for a in answers if a.get("enrolled")}
        n_people = require_whole(gallery, acknowledged, images_each=None)
        n_midway += '"people"' not in (first + rest)
        if n_people >= 90:
            shutil.rmtree(gallery)
            acknowledged = set()

    assert n_midway >= 5
