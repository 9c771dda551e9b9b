"""The value types and what they refuse."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

from facerec.errors import RangeError, ShapeError
from facerec.types import Candidate, Decision, Embedding, Face, Reason, Verdict, check_image

BOX = [10.0, 20.0, 50.0, 80.0]
POINTS = np.arange(10.0).reshape(5, 2)


def test_face_measures_itself() -> None:
    face = Face(BOX, POINTS, 0.9)  # type: ignore[arg-type]

    assert face.width_px == 40
    assert face.height_px == 60
    assert face.centre_xy == (30, 50)
    assert face.box_xyxy.dtype == np.float32
    assert face.landmarks.dtype == np.float32


def test_face_keeps_a_copy_that_nobody_changes() -> None:
    box = np.array(BOX)
    face = Face(box, POINTS, 0.9)

    box[:] = 0

    assert face.box_xyxy.tolist() == BOX
    with pytest.raises(ValueError, match="read-only"):
        face.landmarks[0, 0] = 1
    with pytest.raises(FrozenInstanceError):
        face.score = 1.0  # type: ignore[misc]


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_face_may_be_certain_or_not_at_all(score: float) -> None:
    assert Face(BOX, POINTS, score).score == score  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("box", "points", "score", "error"),
    [
        pytest.param(BOX[:3], POINTS, 0.5, ShapeError, id="three numbers"),
        pytest.param(BOX, POINTS[:4], 0.5, ShapeError, id="four landmarks"),
        pytest.param([50, 20, 10, 80], POINTS, 0.5, RangeError, id="right before left"),
        pytest.param([10, 20, 50, 20], POINTS, 0.5, RangeError, id="no height"),
        pytest.param([np.nan, 20, 50, 80], POINTS, 0.5, RangeError, id="box not a number"),
        pytest.param(BOX, np.full((5, 2), np.inf), 0.5, RangeError, id="landmark infinite"),
        pytest.param(BOX, POINTS, 1.01, RangeError, id="score above one"),
        pytest.param(BOX, POINTS, -0.01, RangeError, id="score below zero"),
        pytest.param(BOX, POINTS, float("nan"), RangeError, id="score not a number"),
    ],
)
def test_impossible_faces_are_refused(
    box: Any, points: Any, score: float, error: type[Exception]
) -> None:
    with pytest.raises(error):
        Face(box, points, score)


def test_embedding_keeps_a_copy_that_nobody_changes() -> None:
    vector = np.array([0.6, 0.8])
    embedding = Embedding(vector, "id")  # type: ignore[arg-type]

    vector[:] = 0

    np.testing.assert_allclose(embedding.vector, [0.6, 0.8])
    assert embedding.vector.dtype == np.float32
    assert not embedding.vector.flags.writeable


@pytest.mark.parametrize(
    ("vector", "error"),
    [
        pytest.param([], ShapeError, id="empty"),
        pytest.param([[0.6, 0.8]], ShapeError, id="a batch"),
        pytest.param([0.6, 0.9], RangeError, id="too long"),
        pytest.param([0.0, 0.0], RangeError, id="zero"),
        pytest.param([np.nan, 1.0], RangeError, id="not a number"),
        pytest.param([np.inf, 1.0], RangeError, id="infinite"),
    ],
)
def test_vectors_without_unit_length_are_refused(vector: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        Embedding(np.array(vector), "id")


@pytest.mark.parametrize(("length", "fits"), [(1.0009, True), (1.0011, False), (0.9989, False)])
def test_unit_length_has_a_tolerance(length: float, fits: bool) -> None:
    vector = np.array([length, 0.0], np.float32)

    if fits:
        assert Embedding(vector, "id").vector.tolist() == vector.tolist()
    else:
        with pytest.raises(RangeError, match="unit length"):
            Embedding(vector, "id")


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((2, 2), np.uint8),
        np.zeros((2, 2, 4), np.uint8),
        np.zeros((2, 2, 3), np.float32),
        np.zeros((0, 2, 3), np.uint8),
    ],
    ids=["grey", "alpha", "float", "empty"],
)
def test_other_arrays_are_no_image(image: Any) -> None:
    with pytest.raises(ShapeError, match="RGB uint8"):
        check_image(image)


def test_smallest_image_is_one() -> None:
    check_image(np.zeros((1, 1, 3), np.uint8))


def decision(verdict: Verdict, person: Candidate | None) -> Decision:
    return Decision(
        verdict=verdict,
        reason=Reason.ABOVE_THRESHOLD,
        person=person,
        candidates=(),
        threshold=0.4,
        margin=None,
        required_margin=0.05,
    )


ADA = Candidate(person_id=1, name="Ada", score=0.7, template_id=3)


def test_known_names_a_person_and_the_others_do_not() -> None:
    assert decision(Verdict.KNOWN, ADA).person is ADA
    assert decision(Verdict.UNKNOWN, None).person is None
    assert decision(Verdict.UNSURE, None).person is None


@pytest.mark.parametrize(
    ("verdict", "person"),
    [(Verdict.KNOWN, None), (Verdict.UNKNOWN, ADA), (Verdict.UNSURE, ADA)],
)
def test_contradictory_decisions_are_refused(verdict: Verdict, person: Candidate | None) -> None:
    with pytest.raises(RangeError, match="exactly when"):
        decision(verdict, person)
