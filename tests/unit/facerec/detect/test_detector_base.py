"""Which of several faces is "the" face."""

from __future__ import annotations

import numpy as np
import pytest

from facerec.detect.base import PrimaryPolicy, primary_face
from facerec.errors import NoFaceError
from facerec.types import Face


def face(left: float, top: float, size: float, score: float) -> Face:
    points = np.full((5, 2), 5.0) + np.arange(5)[:, None]
    return Face(np.array([left, top, left + size, top + size]), points, score)


LARGE = face(0, 0, 50, 0.8)
CENTRAL = face(45, 45, 10, 0.7)
CERTAIN = face(80, 80, 10, 0.99)


@pytest.mark.parametrize(
    ("policy", "chosen"),
    [
        (PrimaryPolicy.LARGEST, LARGE),
        (PrimaryPolicy.CENTRAL, CENTRAL),
        (PrimaryPolicy.CERTAIN, CERTAIN),
    ],
)
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_each_policy_chooses_its_face_in_any_order(policy, chosen, order) -> None:
    faces = [(LARGE, CENTRAL, CERTAIN)[index] for index in order]

    assert primary_face(faces, (100, 100), policy) is chosen


@pytest.mark.parametrize("policy", list(PrimaryPolicy))
def test_of_equal_faces_the_first_is_chosen(policy) -> None:
    first, second = face(10, 10, 20, 0.9), face(10, 10, 20, 0.9)

    assert primary_face([first, second], (40, 40), policy) is first


def test_central_counts_from_the_middle_of_the_image_not_of_a_square() -> None:
    left, middle = face(40, 40, 10, 0.9), face(145, 45, 10, 0.9)

    assert primary_face([left, middle], (100, 300), PrimaryPolicy.CENTRAL) is middle


def test_no_face_is_an_error_with_a_remedy() -> None:
    with pytest.raises(NoFaceError) as caught:
        primary_face([], (10, 10), PrimaryPolicy.LARGEST)

    assert caught.value.remedy


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(ValueError, match="oldest"):
        primary_face([LARGE], (10, 10), "oldest")
