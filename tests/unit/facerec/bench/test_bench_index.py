"""The index benchmark draws what it says, measures against loops, and counts removed vectors."""

from __future__ import annotations

import numpy as np
import pytest

from facerec.bench.index import (
    PER_IDENTITY,
    bench_index,
    draw_gallery,
    draw_probes,
    measure_startup,
    nearest_rows,
)
from facerec.errors import ConfigError, RangeError


def test_vectors_of_one_identity_are_as_alike_as_said():
    gallery = draw_gallery(2000, seed=4)
    groups = gallery.vectors.reshape(-1, PER_IDENTITY, 512)

    within = np.einsum("ikd,jkd->ijk", groups.transpose(1, 0, 2), groups.transpose(1, 0, 2))
    off_diagonal = within[~np.eye(PER_IDENTITY, dtype=bool)]

    assert off_diagonal.mean() == pytest.approx(0.65, abs=0.02)
    assert abs((groups[:-1, 0] * groups[1:, 0]).sum(axis=1).mean()) < 0.02
    np.testing.assert_allclose(np.linalg.norm(gallery.vectors, axis=1), 1, atol=1e-5)


def test_probes_belong_to_their_identities():
    gallery = draw_gallery(1000)
    probes, identities = draw_probes(gallery, 50)

    assert ((probes @ gallery.centres.T).argmax(axis=1) == identities).all()


def test_the_truth_passes_over_removed_rows(monkeypatch):
    monkeypatch.setattr("facerec.bench.index._ROWS_PER_STEP", 33)
    gallery = draw_gallery(200, dimension=16)
    probes, _ = draw_probes(gallery, 40)

    found = nearest_rows(gallery.vectors, probes, removed_every=10)

    for probe, row in zip(probes, found, strict=True):
        kept = [i for i in range(200) if i % 10]
        assert row == max(kept, key=lambda i, p=probe: float(gallery.vectors[i] @ p))


def test_measures_every_index_at_every_size():
    report = bench_index(
        sizes=(500, 1000), indexes=("numpy", "faiss-flat"), dimension=32, startup_size=None
    )

    assert [(row.n, row.index) for row in report.rows] == [
        (500, "numpy"),
        (500, "faiss-flat"),
        (1000, "numpy"),
        (1000, "faiss-flat"),
    ]
    assert all(row.recall_at_1 == 1.0 and row.n_removed_found == 0 for row in report.rows)
    assert all(0 < row.p50_ms <= row.p99_ms for row in report.rows)
    assert [row.is_default for row in report.rows] == [False, True, False, True]


def test_opens_a_gallery_in_new_processes():
    figures = measure_startup(100, dimension=16, n_runs=1)

    assert figures.n == 100
    assert min(figures.from_file_s, figures.from_database_s, figures.import_s) > 0


@pytest.mark.parametrize("size", [0, 5, 1001])
def test_refuses_sizes_that_are_no_whole_identities(size):
    with pytest.raises(RangeError):
        draw_gallery(size)


def test_refuses_an_index_that_is_not_there():
    with pytest.raises(ConfigError):
        bench_index(sizes=(10,), indexes=("hnsw",), dimension=8, startup_size=None)
