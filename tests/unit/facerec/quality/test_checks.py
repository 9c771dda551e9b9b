"""What counts as a poor face, and what does not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from skimage.measure import blur_effect

from facerec.align.landmarks import template_points
from facerec.align.warp import align_face
from facerec.quality import checks
from facerec.quality.checks import (
    CHECKS,
    Check,
    assess_face,
    check_face,
    quality_score,
)
from facerec.types import Face, ImageRGB

# The astronaut's face: eyes, nose and mouth corners marked by hand on the 512x512 photograph.
PHOTO: ImageRGB = skimage.data.astronaut()
LANDMARKS = np.array([[204.0, 112], [243, 111], [228, 134], [209, 150], [245, 149]])
BOX = np.array([177.0, 60, 270, 180])
PHOTO_HW = (512, 512)


def face_at(
    landmarks: NDArray[np.float64] = LANDMARKS,
    box: NDArray[np.float64] = BOX,
    score: float = 1.0,
) -> Face:
    return Face(box, landmarks, score)


def codes(face: Face, image: ImageRGB = PHOTO) -> set[str]:
    crop = align_face(image, face.landmarks)
    return {issue.code for issue in check_face(face, crop, image.shape[:2])}


def score(face: Face, image: ImageRGB = PHOTO) -> float:
    return quality_score(face, align_face(image, face.landmarks))


def blurred(sigma_px: float) -> ImageRGB:
    return cv2.GaussianBlur(PHOTO, (0, 0), sigma_px)


def moved(points: NDArray[np.float64], *, right: float = 0.0, down: float = 0.0) -> Face:
    """The face with its nose moved."""
    landmarks = points.copy()
    landmarks[2] += [right, down]
    return face_at(landmarks)


def test_good_photograph_has_no_issue() -> None:
    assert codes(face_at()) == set()
    assert score(face_at()) > 0.6


@pytest.mark.parametrize(
    ("code", "face", "image"),
    [
        pytest.param(
            "too_small", face_at(box=BOX[[0, 1, 0, 1]] + [0, 0, 31, 60]), PHOTO, id="small"
        ),
        pytest.param("blurred", face_at(), blurred(4), id="out of focus"),
        pytest.param("blurred", face_at(), cv2.blur(PHOTO, (17, 1)), id="moved sideways"),
        pytest.param("blurred", face_at(), cv2.blur(PHOTO, (1, 17)), id="moved up"),
        pytest.param("too_dark", face_at(), (PHOTO * 0.15).astype(np.uint8), id="dark"),
        pytest.param(
            "too_bright", face_at(), np.clip(PHOTO + 150.0, 0, 255).astype(np.uint8), id="bright"
        ),
        pytest.param("low_contrast", face_at(), (PHOTO * 0.1 + 100).astype(np.uint8), id="in fog"),
        pytest.param("turned_aside", moved(LANDMARKS, right=17), PHOTO, id="to the right"),
        pytest.param("turned_aside", moved(LANDMARKS, right=-19), PHOTO, id="to the left"),
        pytest.param("tilted", moved(LANDMARKS, down=14), PHOTO, id="down"),
        pytest.param("tilted", moved(LANDMARKS, down=-18), PHOTO, id="up"),
        pytest.param("uncertain", face_at(score=0.89), PHOTO, id="uncertain"),
    ],
)
def test_fault_is_named(code: str, face: Face, image: ImageRGB) -> None:
    assert code in codes(face, image)
    assert score(face, image) < 0.5


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        pytest.param((0, 0, 512, 512), set(), id="whole"),
        pytest.param((188, 0, 512, 512), set(), id="one ear is missing"),
        pytest.param((0, 0, 265, 512), set(), id="the other ear is missing"),
        pytest.param((215, 0, 512, 512), {"cut_off"}, id="one eye is missing"),
        pytest.param((0, 0, 235, 512), {"cut_off"}, id="the other eye is missing"),
        pytest.param((0, 120, 512, 512), {"cut_off"}, id="eyes and forehead are missing"),
        pytest.param((0, 0, 512, 142), {"cut_off"}, id="mouth and chin are missing"),
    ],
)
def test_face_is_cut_off_by_the_border(
    window: tuple[int, int, int, int], expected: set[str]
) -> None:
    left, top, right, bottom = window
    image = np.ascontiguousarray(PHOTO[top:bottom, left:right])
    face = face_at(LANDMARKS - [left, top], BOX - [left, top, left, top])

    assert codes(face, image) & {"cut_off"} == expected


def test_issue_carries_value_limit_and_a_sentence() -> None:
    face = face_at(box=np.array([200.0, 100, 220, 130]))

    (issue,) = check_face(face, align_face(PHOTO, LANDMARKS), PHOTO_HW)

    assert (issue.code, issue.value, issue.limit) == ("too_small", 20.0, 32.0)
    assert issue.message.endswith(".")


@pytest.mark.parametrize("angle_deg", [30, 90, 180])
def test_leaning_to_one_side_is_no_fault(angle_deg: float) -> None:
    turn = cv2.getRotationMatrix2D((224, 130), angle_deg, 1.0)
    image = cv2.warpAffine(PHOTO, turn, (512, 512))
    face = face_at(LANDMARKS @ turn[:, :2].T + turn[:, 2])

    assert codes(face, image) == set()
    assert abs(score(face, image) - score(face_at())) < 0.1


@pytest.mark.parametrize("gain", [0.45, 0.7, 1.3])
def test_complexion_is_no_fault(gain: float) -> None:
    """A darker or lighter skin in good light: all of the face darker or lighter by a factor."""
    image = np.clip(PHOTO * gain, 0, 255).astype(np.uint8)

    assert codes(face_at(), image) == set()


@pytest.mark.parametrize("scale", [0.7, 2.0])
def test_sharpness_does_not_depend_on_the_size_of_the_image(scale: float) -> None:
    image = cv2.resize(PHOTO, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    sharp = checks._blur(checks._face_region(align_face(PHOTO, LANDMARKS)))

    blur = checks._blur(checks._face_region(align_face(image, (LANDMARKS + 0.5) * scale - 0.5)))

    assert abs(blur - sharp) < 0.08


def test_more_blur_is_measured_as_more() -> None:
    measured = [
        checks._blur(checks._face_region(align_face(image, LANDMARKS)))
        for image in (PHOTO, *(blurred(sigma) for sigma in (1, 2, 3, 4, 6)))
    ]

    assert measured == sorted(measured)
    assert measured[-1] - measured[0] > 0.3


@pytest.mark.parametrize("sigma_px", [0.1, 1, 2, 4])
def test_blur_equals_scikit_image(sigma_px: float) -> None:
    """scikit-image counts the border too, which fades in a large image."""
    luma = cv2.cvtColor(blurred(sigma_px), cv2.COLOR_RGB2GRAY)

    assert checks._blur(luma) == pytest.approx(
        blur_effect(luma, h_size=checks._REBLUR_PX, channel_axis=None), abs=0.01
    )


def test_flat_crop_is_as_blurred_as_can_be() -> None:
    assert checks._blur(np.full((50, 50), 90, np.uint8)) == 1.0


def test_ends_are_percentiles() -> None:
    luma = np.random.default_rng(0).integers(0, 256, (70, 70), dtype=np.uint8)

    dark, bright = checks._ends(luma)

    ordered = np.sort(luma.ravel())
    assert dark == ordered[int(np.ceil(0.1 * luma.size)) - 1]
    assert bright == ordered[int(np.ceil(0.9 * luma.size)) - 1]


def test_template_looks_straight_ahead() -> None:
    yaw, pitch = checks._pose(template_points().astype(np.float32))

    assert abs(yaw) < 0.01
    assert abs(pitch) < 0.01


def test_signs_of_the_pose_are_those_of_the_image() -> None:
    points = template_points().astype(np.float32)

    right, down = points.copy(), points.copy()
    right[2, 0] += 10
    down[2, 1] += 10

    assert checks._pose(right)[0] > 0.2
    assert checks._pose(down)[1] > 0.2


def test_pose_is_free_of_roll_and_size() -> None:
    points = template_points().astype(np.float32)
    points[2] += [6, 4]
    turn = np.array([[0.6, 0.8], [-0.8, 0.6]], np.float32) * 3

    np.testing.assert_allclose(checks._pose(points @ turn.T), checks._pose(points), atol=1e-5)


def test_eyes_on_the_mouth_are_no_pose_at_all() -> None:
    points = np.array([[0, 0], [2, 0], [1, 1], [0, 0], [2, 0]], np.float32)

    assert checks._pose(points) == (np.inf, np.inf)
    assert {"turned_aside", "tilted"} <= codes(face_at(points * 20 + 100.0))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
class TestCheck:
    def test_limit_itself_is_enough(self, check: Check) -> None:
        assert check.issue(check.limit) is None
        assert check.score(check.limit) == 0.5

    def test_a_little_worse_than_the_limit_is_an_issue(self, check: Check) -> None:
        value = check.limit + 0.01 * (check.worst - check.limit)

        assert check.issue(value) is not None
        assert check.score(value) < 0.5

    def test_score_grows_from_worst_to_good(self, check: Check) -> None:
        steps = np.linspace(check.worst, check.good, 50)

        scores = [check.score(value) for value in steps]

        assert scores[0] == 0
        assert scores[-1] == 1
        assert scores == sorted(scores)

    def test_score_stays_between_zero_and_one(self, check: Check) -> None:
        beyond = check.good - check.worst

        assert check.score(check.worst - beyond) == 0
        assert check.score(check.good + beyond) == 1

    def test_limit_lies_between_worst_and_good(self, check: Check) -> None:
        assert min(check.worst, check.good) < check.limit < max(check.worst, check.good)

    def test_what_is_no_number_is_no_good(self, check: Check) -> None:
        worse = -np.inf if check.good > check.worst else np.inf

        assert check.issue(worse) is not None
        assert check.score(worse) == 0


def test_codes_are_unique() -> None:
    assert len({check.code for check in CHECKS}) == len(CHECKS)


@pytest.mark.parametrize("box_right", [200.0, 205, 208, 209, 210, 240, 290, 400])
def test_score_is_below_half_exactly_with_an_issue(box_right: float) -> None:
    face = face_at(box=np.array([177.0, 60, box_right, 180]))

    quality = assess_face(face, align_face(PHOTO, LANDMARKS), PHOTO_HW)

    assert (quality.score < 0.5) == bool(quality.issues)


def test_border_counts_only_when_the_image_is_known() -> None:
    face = face_at(LANDMARKS - [215, 0])
    crop = align_face(PHOTO, LANDMARKS)

    assert assess_face(face, crop).issues == ()
    assert assess_face(face, crop, PHOTO_HW).score < 0.5 <= assess_face(face, crop).score
    assert quality_score(face, crop) == assess_face(face, crop).score


@pytest.mark.parametrize("level", [0, 128, 255])
def test_crop_of_one_colour_is_useless(level: int) -> None:
    crop = np.full((112, 112, 3), level, np.uint8)

    assert quality_score(face_at(), crop) == 0.0


def test_crop_of_another_size_is_rated_alike() -> None:
    large = align_face(PHOTO, LANDMARKS, size=224)

    assert checks._face_region(large).shape == (146, 134)
    assert assess_face(face_at(), large, PHOTO_HW).score > 0
