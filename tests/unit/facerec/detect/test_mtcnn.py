"""The cascade: settings, order, limits and odd images."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from facerec.bench.detect import one_face_frame, ten_face_frame
from facerec.detect.mtcnn import MtcnnDetector
from facerec.detect.native import available_kinds
from facerec.errors import DeviceError, RangeError, ShapeError


@pytest.fixture(scope="module", params=["native"] * bool(available_kinds()) + ["runtime"])
def detector(request) -> MtcnnDetector:
    return MtcnnDetector(engine=request.param)


@pytest.fixture(scope="module")
def crowd() -> np.ndarray:
    return ten_face_frame()


def as_rows(faces) -> list[tuple]:
    return [
        (*face.box_xyxy.tolist(), *face.landmarks.ravel().tolist(), face.score) for face in faces
    ]


def test_one_face_is_found_where_it_is(detector) -> None:
    (face,) = detector.detect(one_face_frame())

    left, top, right, bottom = face.box_xyxy
    # The astronaut's eyes, read off the frame by hand; the box must hold them.
    eyes = np.array([[270, 98], [316, 97]])
    assert np.abs(face.landmarks[:2] - eyes).max() < 8
    assert left < 262
    assert right > 324
    assert top < 90
    assert bottom > 130
    assert face.score > 0.99


def test_ten_faces_are_found_in_falling_order_of_score(detector, crowd) -> None:
    faces = detector.detect(crowd)

    scores = [face.score for face in faces]
    assert len(faces) == 10
    assert scores == sorted(scores, reverse=True)


def test_landmarks_stand_in_their_order(detector, crowd) -> None:
    for face in detector.detect(crowd):
        left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
        assert left_eye[0] < right_eye[0]
        assert left_mouth[0] < right_mouth[0]
        assert left_eye[1] < nose[1] < left_mouth[1]


def test_most_certain_faces_remain_when_their_number_is_limited(detector, crowd) -> None:
    limited = MtcnnDetector(max_faces=3).detect(crowd)

    np.testing.assert_allclose(as_rows(limited), as_rows(detector.detect(crowd)[:3]), atol=1e-2)


def test_the_same_image_gives_the_same_faces_every_time(detector, crowd) -> None:
    first = as_rows(detector.detect(crowd))
    detector.detect(one_face_frame())

    assert as_rows(detector.detect(crowd)) == first


def test_threads_do_not_disturb_each_other(detector, crowd) -> None:
    images = [crowd, one_face_frame()] * 4
    expected = [as_rows(detector.detect(image)) for image in images]

    with ThreadPoolExecutor(4) as pool:
        found = [as_rows(faces) for faces in pool.map(detector.detect, images)]

    assert found == expected


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_number_of_threads_does_not_change_what_is_found(detector, crowd, n_threads) -> None:
    faces = MtcnnDetector(n_threads=n_threads).detect(crowd)

    np.testing.assert_allclose(as_rows(faces), as_rows(detector.detect(crowd)), atol=1e-2)


def test_a_smallest_face_above_the_largest_there_finds_none() -> None:
    assert MtcnnDetector(min_face_px=400).detect(one_face_frame()) == []


def test_smaller_faces_are_found_when_asked_for() -> None:
    small = np.array(Image.fromarray(one_face_frame()).resize((96, 72)))

    assert MtcnnDetector(min_face_px=40).detect(small) == []
    assert len(MtcnnDetector(min_face_px=12).detect(small)) == 1


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(np.zeros((1, 1, 3), np.uint8), id="one pixel"),
        pytest.param(np.zeros((39, 500, 3), np.uint8), id="lower than the smallest face"),
        pytest.param(np.zeros((40, 40, 3), np.uint8), id="just the smallest face"),
        pytest.param(np.full((41, 43, 3), 255, np.uint8), id="white"),
        pytest.param(np.full((300, 200, 3), 128, np.uint8), id="grey"),
        pytest.param(np.zeros((40, 3000, 3), np.uint8), id="long and thin"),
    ],
)
def test_an_image_without_a_face_gives_an_empty_list(detector, image) -> None:
    assert detector.detect(image) == []


def test_noise_is_no_crash(detector) -> None:
    rng = np.random.default_rng(0)
    for height, width in [(40, 41), (77, 301), (240, 320)]:
        faces = detector.detect(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
        assert all(face.score > 0.7 for face in faces)


def test_a_face_at_the_border_may_reach_beyond_it(detector) -> None:
    image = one_face_frame()[85:, 200:420]

    (face,) = detector.detect(np.ascontiguousarray(image))

    assert face.box_xyxy[1] < 0


def test_a_view_of_an_array_is_as_good_as_a_copy(detector) -> None:
    frame = one_face_frame()
    view = frame[:, ::-1]

    assert as_rows(detector.detect(view)) == as_rows(detector.detect(view.copy()))


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"min_face_px": 11}, "smallest face"),
        ({"min_face_px": 10_001}, "smallest face"),
        ({"min_face_px": float("nan")}, "smallest face"),
        ({"pyramid_factor": 1.0}, "pyramid factor"),
        ({"pyramid_factor": 0.0}, "pyramid factor"),
        ({"thresholds": (0.6, 0.7)}, "three thresholds"),
        ({"thresholds": (0.0, 0.7, 0.7)}, "threshold"),
        ({"thresholds": (0.6, 0.7, 1.0)}, "threshold"),
        ({"thresholds": (0.6, float("nan"), 0.7)}, "threshold"),
        ({"max_faces": -1}, "number of faces"),
    ],
)
def test_a_setting_out_of_range_is_named(settings, word) -> None:
    with pytest.raises(RangeError, match=word):
        MtcnnDetector(**settings)


def test_an_absent_device_is_an_error() -> None:
    with pytest.raises(DeviceError, match="nowhere"):
        MtcnnDetector(device="nowhere")


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((50, 50), np.uint8),
        np.zeros((50, 50, 4), np.uint8),
        np.zeros((50, 50, 3), np.float32),
        np.zeros((0, 50, 3), np.uint8),
    ],
)
def test_what_is_no_image_is_refused(detector, image) -> None:
    with pytest.raises(ShapeError):
        detector.detect(image)
