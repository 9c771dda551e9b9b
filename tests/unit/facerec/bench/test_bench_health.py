"""Faults are planted as described, and the benchmark counts them rightly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facerec.bench import health as bench
from facerec.bench.faults import blurred, plan_faults, second_templates
from facerec.bench.health import measure_health
from facerec.errors import InputError
from facerec.quality.checks import assess_crop
from tests.helpers.command_line import CommandLine
from tests.helpers.fakes import write_toy_model


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def people(counts, seed=0, dimension=64, noise=0.9):
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(len(counts)), counts)
    centres = unit(rng.standard_normal((len(counts), dimension)))
    away = unit(rng.standard_normal((len(person), dimension)))
    return unit(centres[person] + noise * away), person


COUNTS = np.array([4] * 20 + [3] * 20 + [2] * 20 + [1] * 40)


def test_nobody_has_two_faults_and_the_gallery_is_as_large_as_asked() -> None:
    vectors, person = people(COUNTS)
    rng = np.random.default_rng(1)

    plan = plan_faults(vectors, person, n_people=80, n_faults=5, rng=rng)

    assert sorted(set(plan.filed[plan.filed >= 0].tolist())) == list(range(80))
    shown = np.full(80, -1)
    shown[plan.filed[plan.filed >= 0]] = person[plan.filed >= 0]
    truly = {
        "alike": set(shown[plan.alike].ravel()),
        "twice": {int(person[plan.filed == one][0]) for one in plan.twice.ravel()},
        "misfiled": set(person[plan.misfiled].tolist()),
        "blurred": set(person[plan.blurred].tolist()),
    }
    assert sum(map(len, truly.values())) == len(set().union(*truly.values())) == 10 + 5 + 5 + 5
    for one, other in plan.twice.tolist():
        halves = [set(person[plan.filed == number].tolist()) for number in (one, other)]
        assert halves[0] == halves[1]
        assert [(plan.filed == number).sum() for number in (one, other)] == [2, 2]
    for row in plan.misfiled.tolist():
        others = person[(plan.filed == plan.filed[row]) & (np.arange(len(person)) != row)]
        assert len(set(others.tolist())) == 1
        assert person[row] not in others
    assert (COUNTS[person[plan.alone]] == 1).all()


def test_look_alikes_are_the_most_alike_and_no_others_are_enrolled() -> None:
    vectors, person = people(COUNTS, noise=1.2)
    plan = plan_faults(vectors, person, n_people=80, n_faults=5, rng=np.random.default_rng(1))

    scores = vectors @ vectors.T
    scores[(person[:, None] == person[None, :])] = -1
    enrolled = plan.filed >= 0
    kept = scores[np.ix_(enrolled, enrolled)]
    numbers = plan.filed[enrolled]
    planted = {frozenset(pair) for pair in plan.alike.tolist()}
    ones, others = np.nonzero(kept > plan.alike_scores.min())
    # (Those filed wrongly, or twice, are no look-alikes.)
    strange = set(plan.filed[plan.misfiled].tolist())
    found = {
        frozenset((int(numbers[i]), int(numbers[j]))) for i, j in zip(ones, others, strict=True)
    }
    assert {pair for pair in found if not pair & strange} <= planted
    assert plan.alike_scores.max() == pytest.approx(scores.max(), abs=1e-5)


def test_too_few_people_are_refused() -> None:
    vectors, person = people(COUNTS)
    for n_people, n_faults in ((500, 5), (80, 30)):
        with pytest.raises(InputError, match="people"):
            plan_faults(
                vectors, person, n_people=n_people, n_faults=n_faults,
                rng=np.random.default_rng(1),
            )  # fmt: skip


def test_made_up_templates_score_like_real_ones_and_like_nobody_else() -> None:
    vectors, person = people(np.array([2] * 300 + [1] * 200), dimension=256)
    rows = np.flatnonzero(person >= 300)

    made = second_templates(vectors, person, rows, np.random.default_rng(2))

    assert np.linalg.norm(made, axis=1) == pytest.approx(1.0, abs=1e-5)
    pairs = np.einsum("ij,ij->i", vectors[0:600:2], vectors[1:600:2])
    own = np.einsum("ij,ij->i", made, vectors[rows])
    assert own.mean() == pytest.approx(pairs.mean(), abs=0.01)
    assert own.std() == pytest.approx(pairs.std(), abs=0.01)
    others = (made @ vectors[:600].T).ravel()
    real = (vectors[rows] @ vectors[:600].T).ravel()
    assert abs(others).max() < 1.5 * abs(real).max()


def test_a_blurred_crop_fails_the_check_of_blur() -> None:
    rng = np.random.default_rng(0)
    sharp = np.kron(rng.integers(60, 200, (28, 28, 3)), np.ones((4, 4, 1))).astype(np.uint8)

    issues = assess_crop(blurred(sharp)).issues

    assert "blurred" not in [issue.code for issue in assess_crop(sharp).issues]
    assert "blurred" in [issue.code for issue in issues]


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    """120 people: a pattern each, and noise."""
    rng = np.random.default_rng(0)
    for number in range(120):
        folder = tmp_path / "crops" / f"person{number:03}"
        folder.mkdir(parents=True)
        pattern = np.kron(rng.integers(50, 206, (14, 14, 3)), np.ones((8, 8, 1)))
        for image in range(4 if number < 60 else 1):
            noisy = pattern + rng.normal(0, 40, pattern.shape)
            Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder / f"{image}.png")
    return tmp_path / "crops"


def test_measures_a_folder_of_crops(
    home: Path,
    crops: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_toy_model(home / "models", dimension=128)
    monkeypatch.setattr(bench, "FPIR", 0.05)

    found = measure_health(crops, tmp_path / "out", model="toy", n_people=110, n_faults=4)

    assert found.n_people == 110
    rows = {row.kind.value: row for row in found.rows}
    assert set(rows) == {"misfiled", "duplicate", "look_alike", "weak"}
    assert all(row.n_planted == 4 for row in rows.values())
    assert rows["weak"].recall == 1.0
    assert all(row.n_right <= min(row.n_planted, row.n_reported) for row in rows.values())
    assert found.n_made_up > 0
    assert (tmp_path / "out" / bench.VECTORS_NAME).is_file()

    shown = CommandLine(capsys)(
        "bench", "health", crops, "--out", tmp_path / "out", "--model", "toy", "--people", 110,
        "--faults", 4, "--json",
    ).json  # fmt: skip
    assert shown["report"]["rows"][0]["n_planted"] == 4
