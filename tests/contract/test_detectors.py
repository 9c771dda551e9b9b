"""What every registered detector promises."""

from __future__ import annotations

import numpy as np
import pytest

import facerec.detect.mtcnn  # noqa: F401  (enters itself into the registry)
from facerec.bench.detect import one_face_frame, ten_face_frame
from facerec.detect.base import DETECTORS, Detector
from facerec.errors import ConfigError, DeviceError, ShapeError


@pytest.fixture(scope="module", params=DETECTORS.names())
def detector(request: pytest.FixtureRequest) -> Detector:
    return DETECTORS.get(request.param)(device="cpu", n_threads=0, min_face_px=40)


class TestDetector:
    def test_a_clear_face_is_found_with_its_landmarks_inside(self, detector: Detector) -> None:
        (face,) = detector.detect(one_face_frame())

        assert (face.landmarks > face.box_xyxy[:2]).all()
        assert (face.landmarks < face.box_xyxy[2:]).all()

    def test_values_are_float32(self, detector: Detector) -> None:
        (face,) = detector.detect(one_face_frame())

        assert face.box_xyxy.dtype == face.landmarks.dtype == np.float32

    def test_order_is_by_score_then_left_then_top(self, detector: Detector) -> None:
        faces = detector.detect(ten_face_frame())

        keys = [(-face.score, *face.box_xyxy[:2].tolist()) for face in faces]
        assert len(faces) == 10
        assert keys == sorted(keys)

    def test_the_image_is_left_as_it_was(self, detector: Detector) -> None:
        image = one_face_frame()
        before = image.copy()
        image.flags.writeable = False

        detector.detect(image)

        assert (image == before).all()

    def test_a_mirrored_image_gives_the_mirrored_face(self, detector: Detector) -> None:
        image = one_face_frame()

        (face,) = detector.detect(image)
        (mirrored,) = detector.detect(np.ascontiguousarray(image[:, ::-1]))

        swapped = face.landmarks[[1, 0, 2, 4, 3]]
        swapped = np.stack([image.shape[1] - 1 - swapped[:, 0], swapped[:, 1]], axis=1)
        assert np.abs(mirrored.landmarks - swapped).mean() < 0.05 * face.width_px

    @pytest.mark.parametrize("image_hw", [(1, 1), (1, 400), (39, 39), (120, 160)])
    def test_a_grey_image_has_no_face(self, detector: Detector, image_hw) -> None:
        assert detector.detect(np.full((*image_hw, 3), 127, np.uint8)) == []

    def test_what_is_no_image_is_refused(self, detector: Detector) -> None:
        with pytest.raises(ShapeError):
            detector.detect(np.zeros((10, 10), np.uint8))

    def test_it_says_what_it_runs_on(self, detector: Detector) -> None:
        assert "CPU" in detector.device

    @pytest.mark.parametrize("name", DETECTORS.names())
    def test_an_absent_device_is_an_error(self, name: str) -> None:
        with pytest.raises(DeviceError):
            DETECTORS.get(name)(device="nowhere")


def test_an_unknown_detector_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError) as caught:
        DETECTORS.get("mtcn")

    assert "mtcnn" in caught.value.remedy
