"""People of photographs as actors of a scripted video."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from facerec.detect.mtcnn import MtcnnDetector
from facerec.errors import NotFoundError
from facerec.services.cast import cross, cut_out_people, play_camera, walk_by
from facerec.track.motion import overlaps
from tests.helpers import photos


@pytest.fixture(scope="module")
def detector() -> MtcnnDetector:
    return MtcnnDetector(n_threads=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("people")
    for source in (photos.astronaut(), photos.grace_hopper()):
        shutil.copy(source, path)
    return path


def test_faces_of_a_scripted_video_are_found_where_the_truth_says(
    folder: Path, detector: MtcnnDetector
) -> None:
    script = walk_by(cut_out_people(folder, detector, n=2), frame_hw=(360, 640), duration_s=2.0)

    for number in (0, 20, 49):
        boxes = np.stack([face.box_xyxy for face in detector.detect(script.frame(number))])
        truth = np.stack([face.box_xyxy for face in script.truth(number)])
        assert overlaps(truth.astype(float), boxes.astype(float)).max(axis=1).min() > 0.6


def test_people_who_cross_hide_each_other(folder: Path, detector: MtcnnDetector) -> None:
    script = cross(cut_out_people(folder, detector, n=2), frame_hw=(360, 640), duration_s=2.0)

    visible = [min(face.visible for face in script.truth(n)) for n in range(script.n_frames)]

    assert visible[0] > 0.9
    assert min(visible) < 0.3
    assert visible[-1] > 0.9


def test_the_test_camera_plays_on_and_on(folder: Path, detector: MtcnnDetector) -> None:
    camera = play_camera(folder, detector, n=2)
    assert camera.is_live
    camera.open()
    frame = camera.read()
    camera.close()

    assert frame is not None
    assert frame.image.shape == (720, 1280, 3)


def test_too_few_people_are_told(folder: Path, detector: MtcnnDetector) -> None:
    with pytest.raises(NotFoundError, match="shows 2 people's faces; 3 are needed"):
        cut_out_people(folder, detector, n=3)
