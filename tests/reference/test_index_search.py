"""FAISS indexes against a search written as plain loops, over additions and removals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facerec.bench.index import draw_gallery, draw_probes
from facerec.index.exact import NumpyIndex
from facerec.index.faiss import N_SHORTLIST, FaissFilteredIndex, FaissFlatIndex


def slow_search(vectors_by_id, query, k):
    """Compare with each vector in turn; (id, score) best first, equal scores by id."""
    scored = []
    for number, vector in vectors_by_id.items():
        score = 0.0
        for a, b in zip(vector.tolist(), query.tolist(), strict=True):
            score += a * b
        scored.append((-score, number))
    return [(number, -score) for score, number in sorted(scored)[:k]]


def unit(rng, n, dimension):
    vectors = rng.standard_normal((n, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("make", [NumpyIndex, FaissFlatIndex, FaissFilteredIndex])
@settings(max_examples=25)
@given(data=st.data())
def test_search_equals_plain_loops_after_random_changes(make, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    dimension = data.draw(st.integers(1, 40))
    index, truth, next_id = make(dimension), {}, 1
    for _ in range(data.draw(st.integers(1, 6))):
        n = data.draw(st.integers(0, 12))
        ids = np.arange(next_id, next_id + n, dtype=np.int64)
        next_id += n
        vectors = unit(rng, n, dimension)
        index.add(ids, vectors)
        truth.update(zip(ids.tolist(), vectors, strict=True))
        gone = [number for number in truth if rng.random() < 0.3]
        assert index.remove(np.array(gone, np.int64)) == len(gone)
        for number in gone:
            del truth[number]
    k = data.draw(st.integers(1, 15))
    for query in unit(rng, 3, dimension):
        expected = slow_search(truth, query, k)

        result = index.search(query[None], k)

        found = [number for number in result.ids[0].tolist() if number != -1]
        assert len(found) == len(expected)
        np.testing.assert_allclose(
            result.scores[0, : len(found)], [score for _, score in expected], atol=1e-5
        )
        for number, (wanted, score) in zip(found, expected, strict=True):
            near_tie = abs(float(truth[number] @ query) - score) < 1e-5
            assert number == wanted or near_tie


def test_batches_beyond_the_blas_threshold_score_as_single_queries_do():
    rng = np.random.default_rng(3)
    index = FaissFlatIndex(512)
    index.add(np.arange(1, 2001, dtype=np.int64), unit(rng, 2000, 512))
    queries = unit(rng, 20, 512)

    together = index.search(queries, 5)

    for row, query in enumerate(queries):
        alone = index.search(query[None], 5)
        np.testing.assert_array_equal(alone.ids[0], together.ids[row])
        np.testing.assert_allclose(alone.scores[0], together.scores[row], atol=1e-6)


@pytest.mark.parametrize("dimension", [128, 512])
def test_filtered_index_finds_mates_as_the_exact_one_does(dimension):
    gallery = draw_gallery(20_000, dimension=dimension, seed=1)
    ids = np.arange(1, 20_001, dtype=np.int64)
    probes, _ = draw_probes(gallery, 200, seed=2)
    exact, filtered = FaissFlatIndex(dimension), FaissFilteredIndex(dimension)
    for index in (exact, filtered):
        index.add(ids, gallery.vectors)
        index.remove(ids[::7])

    expected, found = exact.search(probes, 10), filtered.search(probes, 10)

    assert len(filtered) > N_SHORTLIST
    assert not np.isin(found.ids, ids[::7]).any()
    assert (found.ids[:, 0] == expected.ids[:, 0]).mean() >= 0.995
    np.testing.assert_allclose(found.scores[:, 0], expected.scores[:, 0], atol=0.15)
