"""The benchmark of calibration measures what it says, against loops and simulated strangers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facerec.bench import calibration as bench
from facerec.bench.calibration import (
    NOISE_SPREAD,
    WOLF_SPREAD,
    faces_of,
    known_fpir,
    made_up_scores,
    measure_calibration,
    measure_made_up,
)
from facerec.errors import InputError
from tests.helpers.command_line import CommandLine
from tests.helpers.fakes import write_toy_model


def test_known_rate_is_that_of_simulated_strangers() -> None:
    _, traits = made_up_scores(50, seed=3)
    rng = np.random.default_rng(4)
    strangers = rng.normal(0.0, WOLF_SPREAD, 40_000)
    scores = traits + strangers[:, None] + rng.normal(0.0, NOISE_SPREAD, (40_000, 50))
    threshold = 0.3

    simulated = (scores.max(axis=1) >= threshold).mean()

    assert known_fpir(threshold, traits) == pytest.approx(simulated, rel=0.05)


def test_made_up_scores_are_symmetric() -> None:
    scores, traits = made_up_scores(30, seed=1)

    np.testing.assert_array_equal(scores, scores.T)
    assert traits.shape == (30,)


def test_first_images_are_enrolled_and_second_ones_search() -> None:
    vectors = np.eye(5, dtype=np.float32)
    person = np.array([7, 7, 8, 9, 9])

    faces = faces_of(vectors, person)

    np.testing.assert_array_equal(faces.scores, np.eye(3))
    np.testing.assert_array_equal(faces.mate, [0, 2])
    np.testing.assert_array_equal(faces.mated, vectors[[1, 4]] @ vectors[[0, 2, 3]].T)


def test_made_up_cases_keep_their_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "CASES", {120: (0.02,)})

    (row,) = measure_made_up([120], n_splits=12)

    assert row.kept >= 10 / 12
    assert 0.0 < row.measured_fpir < 0.02
    assert row.width is not None
    assert row.width > 1.0


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    """130 people of two crops each: a colour, and noise."""
    rng = np.random.default_rng(0)
    for number in range(130):
        folder = tmp_path / "crops" / f"p{number:03}"
        folder.mkdir(parents=True)
        pattern = rng.integers(30, 226, (7, 7, 3))
        for shot in range(2):
            image = np.kron(pattern, np.ones((16, 16, 1))) + rng.normal(0, 8, (112, 112, 3))
            pixels = np.clip(image, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{shot}.png")
    return tmp_path / "crops"


def test_measures_a_folder_of_crops_and_keeps_the_vectors(
    home: Path, crops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_toy_model(home / "models")
    monkeypatch.setattr(bench, "CASES", {100: (0.05,)})
    out = tmp_path / "out"

    rows = measure_calibration(crops, out, aligned=True, sizes=[100], n_splits=3)
    monkeypatch.setattr(bench, "embed_crops", None)  # what is kept is not embedded again
    again = measure_calibration(crops, out, aligned=True, sizes=[100], n_splits=3)

    assert rows == again
    by_rule = {row.rule: row for row in rows}
    assert set(by_rule) == {
        "own people alone", "own people, no bound", "the model's card, 0.60", *bench.RIVALS
    }  # fmt: skip
    strict, loose = by_rule["own people alone"], by_rule["own people, no bound"]
    assert strict.n_strangers == 30
    assert strict.threshold > loose.threshold
    assert strict.fnir is not None
    assert loose.fnir is not None
    assert strict.fnir >= loose.fnir


def test_people_under_two_names_are_one() -> None:
    names = ["Ann", "Bison_Dele", "Brian_Williams"]

    np.testing.assert_array_equal(bench.joined_names(np.array([0, 1, 2, 2]), names), [0, 1, 1, 1])


def test_too_few_people_are_refused(home: Path, crops: Path, tmp_path: Path) -> None:
    write_toy_model(home / "models")

    with pytest.raises(InputError, match="130 people"):
        measure_calibration(crops, tmp_path / "out", aligned=True, sizes=[1000])


def test_command_prints_a_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(bench.CASES, 100, (0.1,))

    answer = CommandLine(capsys)("bench", "calibration", "--size", 100, "--splits", 2)

    assert answer.code == 0
    assert "made-up scores" in answer.out
    assert "Over 2 galleries drawn." in answer.out
