"""Crops cut from images."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from facerec.align.landmarks import estimate_similarity, template_points
from facerec.align.warp import align_face, align_faces
from facerec.errors import DegenerateLandmarksError, RangeError, ShapeError
from tests.helpers.fakes import fake_face


def moved_template(shift_xy: list[float]) -> NDArray[np.float64]:
    return template_points() + np.array(shift_xy)


def warped_by_loops(
    image: NDArray[np.uint8], landmarks: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Linear interpolation at whole pixel centres, black outside, one pixel at a time."""
    matrix = np.vstack([estimate_similarity(landmarks, template_points()), [0, 0, 1]])
    back = np.linalg.inv(matrix)
    padded = np.pad(image.astype(float), [(1, 1), (1, 1), (0, 0)])
    height, width = image.shape[:2]
    crop = np.zeros((112, 112, 3))
    for row in range(112):
        for column in range(112):
            x, y, _ = back @ [column, row, 1]
            if not (-1 < x < width and -1 < y < height):
                continue
            left, top = int(np.floor(x)), int(np.floor(y))
            right_share, lower_share = x - left, y - top
            cell = padded[top + 1 : top + 3, left + 1 : left + 3]
            upper = cell[0, 0] * (1 - right_share) + cell[0, 1] * right_share
            lower = cell[1, 0] * (1 - right_share) + cell[1, 1] * right_share
            crop[row, column] = upper * (1 - lower_share) + lower * lower_share
    return crop


@pytest.fixture(scope="module")
def photo() -> NDArray[np.uint8]:
    return skimage.data.astronaut()


@pytest.mark.parametrize(
    "landmarks",
    [
        pytest.param(moved_template([150, 20]), id="shift only"),
        pytest.param(template_points() * 1.7 + [120.3, 10.7], id="scaled"),
        pytest.param((template_points() - 56) @ [[0.8, 0.6], [-0.6, 0.8]] + 250, id="turned"),
        pytest.param(template_points() * 1.3 + [-60.2, -40.6], id="beyond the upper left"),
        pytest.param(moved_template([460.5, 450.5]), id="beyond the lower right"),
    ],
)
def test_crop_equals_plain_loops(photo: NDArray[np.uint8], landmarks: NDArray[np.float64]) -> None:
    crop = align_face(photo, landmarks)

    difference = np.abs(crop - warped_by_loops(photo, landmarks))
    # OpenCV 4 rounds coordinates to 1/32 pixel, which shows at hard edges; OpenCV 5 does not.
    assert difference.mean() < 0.5
    assert np.percentile(difference, 99) < 4


def test_crop_is_the_image_itself_when_nothing_moves(photo: NDArray[np.uint8]) -> None:
    crop = align_face(photo, moved_template([100, 50]))

    np.testing.assert_array_equal(crop, photo[50:162, 100:212])


def test_crop_is_black_where_there_is_no_image() -> None:
    white = np.full((112, 112, 3), 255, np.uint8)

    crop = align_face(white, moved_template([56, 0]))

    assert (crop[:, :56] == 255).all()
    assert (crop[:, 57:] == 0).all()


def test_crop_of_another_size_shows_the_same_face(photo: NDArray[np.uint8]) -> None:
    landmarks = template_points() * 2.0 + [140, 10]

    small = align_face(photo, landmarks, size=112)
    large = align_face(photo, landmarks, size=224)

    assert large.shape == (224, 224, 3)
    np.testing.assert_allclose(large[::2, ::2].astype(int), small, atol=1)


def test_batch_equals_single_crops(photo: NDArray[np.uint8]) -> None:
    faces = [fake_face(150, 20, 130), fake_face(30, 300, 60), fake_face(-20, -20, 100)]

    crops = align_faces(photo, faces)

    assert crops.shape == (3, 112, 112, 3)
    for crop, face in zip(crops, faces, strict=True):
        np.testing.assert_array_equal(crop, align_face(photo, face.landmarks))


def test_batch_of_no_faces_is_empty(photo: NDArray[np.uint8]) -> None:
    assert align_faces(photo, [], size=224).shape == (0, 224, 224, 3)


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(lambda image: image[:, ::-1], id="mirrored view"),
        pytest.param(lambda image: image[::2, ::2], id="every second pixel"),
        pytest.param(lambda image: np.asfortranarray(image), id="column by column"),
    ],
)
def test_any_memory_layout_gives_the_same_crop(photo: NDArray[np.uint8], view: object) -> None:
    image = view(photo)  # type: ignore[operator]
    landmarks = moved_template([30, 30])

    np.testing.assert_array_equal(
        align_face(image, landmarks), align_face(np.ascontiguousarray(image), landmarks)
    )


def test_read_only_image_is_taken_and_left_alone(photo: NDArray[np.uint8]) -> None:
    image = photo.copy()
    image.flags.writeable = False

    align_face(image, template_points() * 1.5)

    np.testing.assert_array_equal(image, photo)


def test_long_image_is_taken() -> None:
    """OpenCV's remap has 16-bit coordinates; a panorama has more pixels a side than they reach."""
    image = np.zeros((120, 33000, 3), np.uint8)
    image[:, 32800:] = 200

    crop = align_face(image, moved_template([32800, 0]))

    assert (crop == 200).all()


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(np.zeros((9, 9), np.uint8), id="grey"),
        pytest.param(np.zeros((9, 9, 4), np.uint8), id="with alpha"),
        pytest.param(np.zeros((9, 9, 3), np.float32), id="floating point"),
        pytest.param(np.zeros((0, 9, 3), np.uint8), id="empty"),
    ],
)
def test_what_is_no_image_is_refused(image: NDArray[np.uint8]) -> None:
    with pytest.raises(ShapeError, match="RGB uint8"):
        align_face(image, template_points())
    with pytest.raises(ShapeError, match="RGB uint8"):
        align_faces(image, [])


def test_size_without_template_is_refused(photo: NDArray[np.uint8]) -> None:
    with pytest.raises(RangeError, match="112 or 128"):
        align_face(photo, template_points(), size=-1)
    with pytest.raises(RangeError, match="112 or 128"):
        align_faces(photo, [fake_face()], size=100)


def test_coincident_landmarks_are_refused(photo: NDArray[np.uint8]) -> None:
    with pytest.raises(DegenerateLandmarksError):
        align_face(photo, np.ones((5, 2)))
