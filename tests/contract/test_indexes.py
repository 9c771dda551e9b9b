"""What every vector index must do, tried on each one in the registry."""

from __future__ import annotations

import numpy as np
import pytest

import facerec.index.exact
import facerec.index.faiss  # noqa: F401  (both enter their indexes into the registry)
from facerec.errors import DuplicateError, NotFoundError, RangeError, ShapeError
from facerec.index.base import INDEXES, NO_ID

DIMENSION = 24


def unit_vectors(n, seed=0, dimension=DIMENSION):
    vectors = np.random.default_rng(seed).standard_normal((n, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(params=INDEXES.names())
def make_index(request):
    return INDEXES.get(request.param)


@pytest.fixture
def index(make_index):
    return make_index(DIMENSION)


def ids_of(*numbers):
    return np.array(numbers, np.int64)


class TestVectorIndex:
    def test_is_empty_at_first(self, index):
        result = index.search(unit_vectors(2), 3)

        assert len(index) == 0
        assert index.dimension == DIMENSION
        assert (result.ids == NO_ID).all()
        assert (result.scores == -1).all()
        assert result.ids.shape == result.scores.shape == (2, 3)
        assert index.ids().size == 0

    def test_finds_a_vector_by_itself_with_score_one(self, index):
        vectors = unit_vectors(50)
        ids = np.arange(100, 150, dtype=np.int64)

        index.add(ids, vectors)
        result = index.search(vectors, 1)

        np.testing.assert_array_equal(result.ids[:, 0], ids)
        np.testing.assert_allclose(result.scores[:, 0], 1.0, atol=1e-6)
        assert result.scores.max() <= 1.0
        assert result.ids.dtype == np.int64
        assert result.scores.dtype == np.float32

    def test_gives_falling_scores_and_marks_missing_ones(self, index):
        index.add(ids_of(3, 9), unit_vectors(2))

        result = index.search(unit_vectors(4, seed=1), 5)

        assert (np.diff(result.scores[:, :2], axis=1) <= 0).all()
        assert (result.ids[:, 2:] == NO_ID).all()
        assert (result.scores[:, 2:] == -1).all()

    def test_puts_missing_ones_behind_an_opposite_vector(self, index):
        vector = unit_vectors(1)
        index.add(ids_of(5), vector)

        result = index.search(-vector, 2)

        assert result.ids.tolist() == [[5, NO_ID]]
        assert result.scores[0, 0] == pytest.approx(-1.0, abs=1e-6)

    def test_orders_equal_scores_by_id(self, index):
        vector = np.eye(DIMENSION, dtype=np.float32)[:1]  # its products are exact, however summed
        index.add(ids_of(8, 2, 5), np.repeat(vector, 3, axis=0))

        assert index.search(vector, 3).ids.tolist() == [[2, 5, 8]]

    def test_keeps_large_and_unordered_ids(self, index):
        vectors = unit_vectors(3)
        ids = ids_of(2**40, 7, 2**62)

        index.add(ids, vectors)

        np.testing.assert_array_equal(index.search(vectors, 1).ids[:, 0], ids)
        assert index.ids().tolist() == [7, 2**40, 2**62]

    def test_never_finds_what_was_removed(self, index):
        vectors = unit_vectors(600)
        ids = np.arange(1, 601, dtype=np.int64)
        index.add(ids, vectors)

        n_removed = index.remove(np.concatenate([ids[::3], ids_of(9999), ids[:1]]))
        result = index.search(vectors, 400)

        assert n_removed == 200
        assert len(index) == 400
        assert not np.isin(ids[::3], result.ids).any()
        np.testing.assert_array_equal(index.ids(), np.setdiff1d(ids, ids[::3]))
        kept = np.setdiff1d(np.arange(600), np.arange(600)[::3])
        np.testing.assert_array_equal(result.ids[kept, 0], ids[kept])

    def test_removes_nothing_when_ids_are_unknown(self, index):
        index.add(ids_of(1), unit_vectors(1))

        assert index.remove(ids_of(2, 3)) == 0
        assert index.remove(ids_of()) == 0
        assert len(index) == 1

    def test_takes_a_removed_id_again(self, index):
        old, new = unit_vectors(1), unit_vectors(1, seed=1)
        index.add(ids_of(4), old)
        index.remove(ids_of(4))

        index.add(ids_of(4), new)

        assert index.search(new, 1).scores[0, 0] == pytest.approx(1.0, abs=1e-6)

    def test_gives_vectors_back(self, index):
        vectors = unit_vectors(5)
        index.add(ids_of(50, 40, 30, 20, 10), vectors)

        np.testing.assert_array_equal(index.vectors_of(ids_of(20, 50)), vectors[[3, 0]])

    @pytest.mark.parametrize("wanted", [1, 99])
    def test_refuses_to_give_a_vector_that_is_not_there(self, index, wanted):
        index.add(ids_of(10), unit_vectors(1))

        with pytest.raises(NotFoundError):
            index.vectors_of(ids_of(10, wanted))

    def test_takes_its_own_sketches_back(self, index, make_index):
        vectors, ids = unit_vectors(1200), np.arange(1, 1201, dtype=np.int64)
        index.add(ids, vectors)
        index.remove(ids[:100])
        kept, copy = index.ids(), make_index(DIMENSION)

        copy.add(kept, index.vectors_of(kept), index.sketches_of(kept))

        expected, found = index.search(vectors, 3), copy.search(vectors, 3)
        np.testing.assert_array_equal(found.ids, expected.ids)
        np.testing.assert_array_equal(copy.sketches_of(kept), index.sketches_of(kept))

    def test_refuses_to_give_a_sketch_that_is_not_there(self, index):
        index.add(ids_of(10), unit_vectors(1))

        with pytest.raises(NotFoundError):
            index.sketches_of(ids_of(11))

    def test_refuses_an_id_twice(self, index):
        index.add(ids_of(1), unit_vectors(1))

        with pytest.raises(DuplicateError):
            index.add(ids_of(2, 1), unit_vectors(2))
        with pytest.raises(DuplicateError):
            index.add(ids_of(3, 3), unit_vectors(2))

        assert len(index) == 1

    def test_refuses_ids_that_are_not_positive(self, index):
        with pytest.raises(RangeError):
            index.add(ids_of(0), unit_vectors(1))
        with pytest.raises(RangeError):
            index.add(ids_of(-1), unit_vectors(1))

    @pytest.mark.parametrize(
        ("ids", "vectors"),
        [
            pytest.param(ids_of(1), unit_vectors(2), id="fewer ids"),
            pytest.param(ids_of(1), unit_vectors(1, dimension=8), id="shorter vectors"),
            pytest.param(np.array([[1]]), unit_vectors(1), id="ids in a matrix"),
            pytest.param(np.array([1.0]), unit_vectors(1), id="ids as floats"),
        ],
    )
    def test_refuses_arrays_that_do_not_fit(self, index, ids, vectors):
        with pytest.raises(ShapeError):
            index.add(ids, vectors)

    def test_refuses_queries_that_do_not_fit(self, index):
        with pytest.raises(ShapeError):
            index.search(unit_vectors(1, dimension=8), 1)
        with pytest.raises(ShapeError):
            index.search(unit_vectors(1)[0], 1)
        with pytest.raises(RangeError):
            index.search(unit_vectors(1), 0)

    def test_takes_no_vectors_at_all(self, index):
        index.add(ids_of(), unit_vectors(0))

        assert len(index) == 0
        assert index.search(unit_vectors(0), 3).ids.shape == (0, 3)
