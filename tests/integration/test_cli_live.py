"""``facerec live`` on a folder of frames, with the real networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facerec.detect.mtcnn import MtcnnDetector
from facerec.imaging.scripted import Actor, Key, Script, plain_ground
from facerec.services.cast import cut_out
from tests.helpers import photos
from tests.helpers.command_line import CommandLine


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The astronaut walks by, with Grace Hopper behind her."""
    folder = tmp_path_factory.mktemp("frames")
    detector = MtcnnDetector(n_threads=1)
    walk = (Key(0.0, 160, 170, 110), Key(1.0, 240, 170, 110))
    stand = (Key(0.0, 470, 170, 100), Key(1.0, 470, 170, 100))
    actors = (
        Actor("Eileen", cut_out(photos.astronaut(), detector), walk),
        Actor("Grace", cut_out(photos.grace_hopper(), detector), stand),
    )
    script = Script(actors, plain_ground(360, 640), 0.6)
    for number, frame in enumerate(script.frames()):
        Image.fromarray(np.asarray(frame.image)).save(folder / f"{number:03}.png")
    return folder


def test_who_is_enrolled_is_recognised_and_visits_are_noted(
    run: CommandLine, frames: Path, tmp_path: Path
) -> None:
    gallery = tmp_path / "gallery"
    run("enroll", "Eileen Collins", photos.astronaut(), "--gallery", gallery)

    answer = run("live", frames, "--json", "--gallery", gallery, "--threads", 1)

    assert answer.code == 0, answer.err
    events = answer.json_lines
    assert [e["name"] for e in events if e["event"] == "recognised"] == ["Eileen Collins"]
    left = {e["track"]: e for e in events if e["event"] == "left"}
    assert sorted((e["verdict"], e["name"]) for e in left.values()) == [
        ("known", "Eileen Collins"),
        ("unknown", None),
    ]
    assert "15 frames" in answer.err

    from facerec.services.gallery import open_gallery
    from facerec.services.sightings import list_sightings

    with open_gallery(gallery) as opened:
        assert sorted(str(s.name) for s in list_sightings(opened)) == ["Eileen Collins", "None"]


def test_events_are_lines_and_nothing_is_noted_when_that_is_off(
    run: CommandLine, frames: Path, tmp_path: Path
) -> None:
    gallery = tmp_path / "gallery"

    answer = run("live", frames, "--no-history", "--gallery", gallery, "--seconds", 60)

    assert answer.code == 0, answer.err
    assert sum("appeared" in line for line in answer.out.splitlines()) == 2
    assert sum("left" in line for line in answer.out.splitlines()) == 2
    assert "recognised" not in answer.out


def test_a_source_that_is_not_there_is_one_sentence(run: CommandLine, tmp_path: Path) -> None:
    answer = run("live", "no such film", "--gallery", tmp_path / "g")

    assert answer.code == 1
    assert "no video, folder or camera named 'no such film'" in answer.err
