"""The reference of a model, measured on people held out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facerec.match.reference import calibrate_from_reference
from tests.helpers.training_packs import write_toy_pack
from training.errors import ExportError
from training.strangers import reference_of
from training.thresholds import threshold_rows

DIMENSION = 16


def vectors_of(n: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((n, DIMENSION))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_reference_is_that_of_new_strangers(tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path / "pack", n_people=2600, per_person=1, side=8)
    rows = threshold_rows(pack, ["toy"])

    found = reference_of(
        pack, rows, vectors_of(len(rows), 1), "c" * 16, n_galleries=60, sizes=(10, 100)
    )

    rates = []
    for seed in range(40):
        gallery, strangers = vectors_of(100, 100 + seed), vectors_of(4000, 200 + seed)
        threshold = calibrate_from_reference(found, 0.01, 100).expected_threshold
        rates.append(((strangers @ gallery.T).max(axis=1) >= threshold).mean())
    assert np.mean(rates) == pytest.approx(0.01, rel=0.4)
    assert found.n_people == len(rows)
    assert found.n_comparisons == len(rows) * (len(rows) - 1) // 2
    assert found.data == "people held out from training: toy"
    for low, expected, high in zip(found.low[0], found.expected[0], found.high[0], strict=True):
        assert low < expected < high


def test_too_few_people_are_refused(tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path / "pack", n_people=40, per_person=1, side=8)
    rows = threshold_rows(pack)

    with pytest.raises(ExportError, match="too few"):
        reference_of(pack, rows, vectors_of(len(rows), 1), "c" * 16)
