from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facerec.evaluate.acquire import BATCH, acquire
from facerec.evaluate.so_far import PairsSoFar, PeopleSoFar, ScoresSoFar
from tests.helpers.fakes import FakeDetector, FakeEmbedder, fake_photo

N, D = 40, 8


@pytest.fixture
def vectors() -> np.ndarray:
    drawn = np.random.default_rng(3).standard_normal((N, D)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


@pytest.fixture
def person() -> np.ndarray:
    return np.arange(N) // 3


@pytest.fixture
def found() -> np.ndarray:
    return np.arange(N) % 7 != 5


def _feed(so_far: ScoresSoFar, vectors: np.ndarray, found: np.ndarray, end: int) -> None:
    for first in range(0, end, 9):
        last = min(first + 9, end)
        so_far(first, vectors[first:last], found[first:last])


def _expected(vectors: np.ndarray, pairs: list[tuple[int, int]], person: np.ndarray):
    """Scores of the same and of different people, pair by pair."""
    scores = {True: [], False: []}
    for a, b in pairs:
        same = bool(person[a] == person[b])
        scores[same].append(float(np.dot(vectors[a].astype(float), vectors[b].astype(float))))
    return sorted(scores[True]), sorted(scores[False])


def _scores_of_bins(counts: np.ndarray) -> np.ndarray:
    centres = (np.arange(len(counts)) + 0.5) * 2 / len(counts) - 1
    return np.repeat(centres, counts)


@pytest.mark.parametrize("end", [9, 31, N])
def test_people_so_far_are_all_pairs_of_the_images_seen(vectors, person, found, end: int) -> None:
    so_far = PeopleSoFar(person)
    _feed(so_far, vectors, found, end)
    pairs = [(a, b) for a, b in combinations(range(end), 2) if found[a] and found[b]]
    same, different = _expected(vectors, pairs, person)

    assert np.sort(so_far.mated()) == pytest.approx(same, abs=1e-6)
    assert _scores_of_bins(so_far.nonmated()) == pytest.approx(different, abs=1e-4)


def test_pairs_so_far_are_those_whose_images_are_both_there(vectors, person, found) -> None:
    draw = np.random.default_rng(5)
    first, second = draw.integers(0, N, 200), draw.integers(0, N, 200)
    first[0] = N - 1  # (every image belongs to some pair)
    same = person[first] == person[second]
    so_far = PairsSoFar(first, second, same)
    _feed(so_far, vectors, found, 27)
    seen = [
        (a, b) for a, b in zip(first, second, strict=True) if max(a, b) < 27 and found[a] & found[b]
    ]
    expected = _expected(vectors, seen, person)

    assert np.sort(so_far.mated()) == pytest.approx(expected[0], abs=1e-6)
    assert _scores_of_bins(so_far.nonmated()) == pytest.approx(expected[1], abs=1e-4)


def test_curve_waits_for_both_kinds(vectors, found) -> None:
    so_far = PeopleSoFar(np.zeros(N, dtype=np.int64))
    _feed(so_far, vectors, found, N)
    assert so_far.curve() is None

    so_far = PeopleSoFar(np.arange(N) // 2)
    _feed(so_far, vectors, found, N)
    curve = so_far.curve()
    assert curve is not None
    assert curve.n_mated == len(so_far.mated())
    assert curve.fmr[-1] == 1.0


def test_acquire_tells_every_vector_once_and_in_order(tmp_path: Path) -> None:
    paths = []
    for shot in range(BATCH + 5):
        photo = fake_photo(shot % 5, shot) if shot != 3 else np.full((60, 60, 3), 9, np.uint8)
        paths.append(tmp_path / f"{shot}.png")
        Image.fromarray(photo).save(paths[-1])
    told: list[tuple[int, np.ndarray, np.ndarray]] = []

    acquired = acquire(
        paths, FakeDetector(), FakeEmbedder(), watch=lambda *heard: told.append(heard)
    )

    assert len(told) == 2
    assert [first for first, _, _ in told] == [0, len(told[0][1])]
    assert np.concatenate([part for _, part, _ in told]).tolist() == acquired.vectors.tolist()
    assert np.concatenate([part for *_, part in told]).tolist() == acquired.found.tolist()
