"""The third stage alone: looking again where faces should be."""

from __future__ import annotations

import numpy as np
import pytest

from facerec.bench.detect import ten_face_frame
from facerec.detect.mtcnn import MtcnnDetector
from facerec.errors import RangeError, ShapeError
from facerec.track.motion import overlaps
from facerec.types import Face


@pytest.fixture(scope="module", params=["auto", "runtime"])
def detector(request: pytest.FixtureRequest) -> MtcnnDetector:
    return MtcnnDetector(engine=request.param, n_threads=1)


@pytest.fixture(scope="module")
def frame() -> np.ndarray:
    return ten_face_frame()


@pytest.fixture(scope="module")
def found(frame: np.ndarray) -> list[Face]:
    return MtcnnDetector(n_threads=1).detect(frame)


def boxes_of(faces: list[Face]) -> np.ndarray:
    return np.stack([face.box_xyxy for face in faces]).astype(np.float64)


@pytest.mark.parametrize("shift", [-0.2, 0.0, 0.2])
def test_a_box_near_a_face_is_moved_onto_it(detector, frame, found, shift: float) -> None:
    boxes = boxes_of(found)
    away = boxes + shift * (boxes[:, 2:3] - boxes[:, :1]) * [1, 0, 1, 0]

    refined = detector.refine(frame, away)

    assert len(refined) == len(found)
    for face, again in zip(found, refined, strict=True):
        assert again is not None
        assert overlaps(face.box_xyxy[None], again.box_xyxy[None])[0, 0] > 0.75
        assert np.abs(again.landmarks - face.landmarks).mean() < 0.03 * face.width_px


def test_looking_again_and_again_stays_where_it_is(detector, frame, found) -> None:
    boxes = boxes_of(found)
    for _ in range(15):
        boxes = boxes_of(detector.refine(frame, boxes))

    assert np.diag(overlaps(boxes_of(found), boxes)).min() > 0.75


def test_where_no_face_is_there_is_none(detector, frame, found) -> None:
    beside = boxes_of(found)[:1] + np.array([0, 2000, 0, 2000])
    coffee = np.array([[600.0, 620.0, 700.0, 719.0], [0.0, 0.0, 14.0, 14.0]])

    assert detector.refine(frame, np.concatenate([beside, coffee])) == [None, None, None]
    assert detector.refine(frame, np.empty((0, 4))) == []


def test_pixels_far_from_the_box_do_not_matter(detector, frame, found) -> None:
    box = boxes_of(found)[:1]
    left, top, right, bottom = box[0].astype(int)
    alone = np.zeros_like(frame)
    window = (slice(top - 60, bottom + 60), slice(left - 60, right + 60))
    alone[window] = frame[window]

    (whole,), (part,) = detector.refine(frame, box), detector.refine(alone, box)

    np.testing.assert_array_equal(whole.box_xyxy, part.box_xyxy)
    np.testing.assert_array_equal(whole.landmarks, part.landmarks)


def test_a_face_at_the_border_is_found_in_place(detector, frame, found) -> None:
    """The box reaches beyond the image; its coordinates stay those of the image."""
    face = min(found, key=lambda face: face.box_xyxy[0])
    cut = round(float(face.box_xyxy[0] + 0.1 * face.width_px))
    moved = np.ascontiguousarray(frame[:, cut:])

    (again,) = detector.refine(moved, face.box_xyxy[None] - [cut, 0, cut, 0])

    assert again is not None
    np.testing.assert_allclose(
        again.landmarks + np.array([cut, 0]), face.landmarks, atol=0.05 * face.width_px
    )


def test_what_are_no_boxes_is_refused(detector, frame) -> None:
    with pytest.raises(ShapeError, match=r"\(N, 4\)"):
        detector.refine(frame, np.zeros(4))
    with pytest.raises(RangeError, match="finite"):
        detector.refine(frame, np.full((1, 4), np.nan))
    with pytest.raises(ShapeError):
        detector.refine(np.zeros((10, 10), np.uint8), np.zeros((0, 4)))
