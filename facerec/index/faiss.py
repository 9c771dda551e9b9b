"""Indexes by FAISS: exact up to where exact is fast enough, prefiltered beyond.

The only file that imports faiss. Ids are the database's own, kept by ``IndexIDMap2``; removal is
real removal (no masks), which is why no graph index is here. What the choice rests on is measured
by ``facerec bench index`` and written down in ``docs/decisions/0010-index.md``.
"""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from facerec.errors import NotFoundError, ShapeError
from facerec.index.base import (
    INDEXES,
    NO_ID,
    SearchResult,
    VectorIndex,
    check_new,
    check_queries,
    contained,
)
from facerec.runtime import available_cores

# From this many queries at once FAISS multiplies matrices instead of comparing one by one. Its own
# default (128000 in the 1.15 wheels) never does, which is 4 to 9 times slower for batches of 16 up.
BLAS_FROM_QUERIES = 8
faiss.cvar.distance_compute_blas_threshold = BLAS_FROM_QUERIES

# Above this many vectors one exact search takes longer than finding the faces of an image. Below
# it nothing can be missed, which is worth more than milliseconds.
MAX_EXACT = 100_000
# Signs kept per vector for the first, coarse look; never fewer than this many, whatever D is. Half
# as many found 71 % of the 16 nearest of real faces where these find more than 93 %.
MIN_SIGN_BITS = 1024
# How many vectors survive the coarse look and are compared exactly. With 256, one stranger in a
# hundred lost the neighbour nearest to them.
N_SHORTLIST = 512
# For K neighbours at least this many times K survive.
_SHORTLIST_PER_NEIGHBOUR = 4
# The directions are the same everywhere, so that signs kept in a file fit, and results repeat.
_PROJECTION_SEED = 20260101
# Vectors turned into signs at a time; bounds the memory of the projection to 64 MB at 512 bits.
_SIGNS_PER_STEP = 32_768


def open_index(dimension: int, n_expected: int) -> VectorIndex:
    """Make the index that fits a number of vectors.

    Args:
        dimension: D.
        n_expected: how many vectors it will hold.
    """
    return FaissFlatIndex(dimension) if n_expected <= MAX_EXACT else FaissFilteredIndex(dimension)


def fits(index: VectorIndex, n_expected: int) -> bool:
    """Say whether an index is still the right kind for a number of vectors.

    Between 80 % of the limit and the limit both kinds do, so that a gallery near it does not change
    to and fro.

    Args:
        index: what is there.
        n_expected: how many vectors it will hold.
    """
    if index.is_exact:
        return n_expected <= MAX_EXACT
    return n_expected * 10 > MAX_EXACT * 8


@INDEXES.register("faiss-flat")
class FaissFlatIndex:
    """Exact inner products of every vector with every query.

    Attributes:
        dimension: D, length of each vector.
        is_exact: True.
        sketch_kind: empty.
    """

    is_exact = True
    sketch_kind = ""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._index = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))
        self._ids = np.empty(0, np.int64)

    def __len__(self) -> int:
        """Return how many vectors there are."""
        return int(self._ids.size)

    def add(
        self,
        ids: NDArray[np.int64],
        vectors: NDArray[np.float32],
        sketches: NDArray[np.uint8] | None = None,
    ) -> None:
        """See ``VectorIndex.add``: ids (N,), vectors (N, D), sketches (N, 0)."""
        del sketches
        check_new(ids, vectors, self.dimension, self._ids)
        self._index.add_with_ids(np.ascontiguousarray(vectors, np.float32), ids)
        self._ids = _merged(self._ids, ids)

    def remove(self, ids: NDArray[np.int64]) -> int:
        """See ``VectorIndex.remove``: ids (N,)."""
        gone = np.unique(ids[contained(ids, self._ids)])
        if gone.size:
            self._index.remove_ids(faiss.IDSelectorBatch(gone))
            self._ids = self._ids[~contained(self._ids, gone)]
        return int(gone.size)

    def search(self, queries: NDArray[np.float32], k: int) -> SearchResult:
        """See ``VectorIndex.search``: queries (B, D). Equal Scores are ordered by id."""
        check_queries(queries, k, self.dimension)
        _set_threads(len(queries))
        scores, ids = self._index.search(np.ascontiguousarray(queries, np.float32), k)
        return _ordered(ids, scores)

    def ids(self) -> NDArray[np.int64]:
        """Return all ids, (N,) int64, rising."""
        return self._ids.copy()

    def vectors_of(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """See ``VectorIndex.vectors_of``: ids (N,)."""
        if not contained(ids, self._ids).all():
            raise NotFoundError("An id is not in the index.")
        vectors: NDArray[np.float32] = self._index.reconstruct_batch(ids)
        return vectors

    def sketches_of(self, ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """See ``VectorIndex.sketches_of``: ids (N,); there are none, (N, 0)."""
        return np.empty((len(self.vectors_of(ids)), 0), np.uint8)


@INDEXES.register("faiss-filtered")
class FaissFilteredIndex:
    """A coarse look at signs, then exact inner products with the shortlist.

    Each vector is projected on random directions and only the signs are kept: the share of signs in
    which two vectors differ is their angle over pi on average. Comparing 128 bytes instead of
    2048 makes the first look an order faster; the shortlist's Scores are exact, so a Score is never
    approximate, and all that can happen is that a neighbour is missed.

    Attributes:
        dimension: D, length of each vector.
        is_exact: False.
        sketch_kind: names the directions; changes when they do.

    Reference:
        Charikar 2002, STOC, section 3 (signs of random projections). The two stages are as in
        FAISS's ``IndexRefineFlat``; own implementation, because that one cannot remove ids.
    """

    is_exact = False
    sketch_kind = f"signs-{_PROJECTION_SEED}"

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._vectors = FaissFlatIndex(dimension)
        self._projection = _projection(dimension)
        self._signs = faiss.IndexBinaryIDMap2(faiss.IndexBinaryFlat(self._projection.shape[1]))

    def __len__(self) -> int:
        """Return how many vectors there are."""
        return len(self._vectors)

    def add(
        self,
        ids: NDArray[np.int64],
        vectors: NDArray[np.float32],
        sketches: NDArray[np.uint8] | None = None,
    ) -> None:
        """See ``VectorIndex.add``: ids (N,), vectors (N, D), sketches (N, bits / 8)."""
        width = self._projection.shape[1] // 8
        if sketches is not None and sketches.shape != (len(ids), width):
            raise ShapeError(f"Sketches (N, {width}) were expected; got {sketches.shape}.")
        self._vectors.add(ids, vectors)
        if sketches is not None:
            self._signs.add_with_ids(np.ascontiguousarray(sketches), ids)
            return
        _set_threads(len(ids))
        for start in range(0, len(ids), _SIGNS_PER_STEP):
            part = slice(start, start + _SIGNS_PER_STEP)
            self._signs.add_with_ids(self._signs_of(vectors[part]), ids[part])

    def remove(self, ids: NDArray[np.int64]) -> int:
        """See ``VectorIndex.remove``: ids (N,)."""
        n_removed = self._vectors.remove(ids)
        if n_removed:
            self._signs.remove_ids(faiss.IDSelectorBatch(np.unique(ids)))
        return n_removed

    def search(self, queries: NDArray[np.float32], k: int) -> SearchResult:
        """See ``VectorIndex.search``: queries (B, D). Equal Scores are ordered by id."""
        check_queries(queries, k, self.dimension)
        n_shortlist = max(N_SHORTLIST, _SHORTLIST_PER_NEIGHBOUR * k)
        if n_shortlist >= len(self):
            return self._vectors.search(queries, k)
        _set_threads(len(queries))
        _, shortlists = self._signs.search(self._signs_of(queries), n_shortlist)
        found = SearchResult(
            np.empty((len(queries), k), np.int64), np.empty((len(queries), k), np.float32)
        )
        for row, query in enumerate(queries):
            ids = shortlists[row]
            scores = self._vectors.vectors_of(ids) @ query
            best = _ordered(ids[None], scores[None])
            found.ids[row], found.scores[row] = best.ids[0, :k], best.scores[0, :k]
        return found

    def ids(self) -> NDArray[np.int64]:
        """Return all ids, (N,) int64, rising."""
        return self._vectors.ids()

    def vectors_of(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """See ``VectorIndex.vectors_of``: ids (N,)."""
        return self._vectors.vectors_of(ids)

    def sketches_of(self, ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """See ``VectorIndex.sketches_of``: ids (N,); the signs, packed, (N, bits / 8)."""
        if not contained(ids, self._vectors.ids()).all():
            raise NotFoundError("An id is not in the index.")
        width = self._projection.shape[1] // 8
        stored: Any = faiss.downcast_IndexBinary(self._signs.index)
        signs = faiss.vector_to_array(stored.xb).reshape(-1, width)
        stored_ids = faiss.vector_to_array(self._signs.id_map)
        order = np.argsort(stored_ids)
        found: NDArray[np.uint8] = signs[order[np.searchsorted(stored_ids, ids, sorter=order)]]
        return found

    def _signs_of(self, vectors: NDArray[np.float32]) -> NDArray[np.uint8]:
        return np.packbits(vectors @ self._projection > 0, axis=1)


def _projection(dimension: int) -> NDArray[np.float32]:
    """Random directions, (D, bits), as many as whole bytes of signs need.

    Normal numbers, not made orthogonal: that costs a tenth of a second at every start and finds no
    more.
    """
    n_bytes = -(-max(MIN_SIGN_BITS, dimension) // 8)
    generator = np.random.default_rng(_PROJECTION_SEED)
    return generator.standard_normal((dimension, 8 * n_bytes), dtype=np.float32)


def _merged(old: NDArray[np.int64], new: NDArray[np.int64]) -> NDArray[np.int64]:
    """Join ids so that they rise; new ids are nearly always the highest already."""
    joined = np.concatenate([old, new])
    return joined if (np.diff(joined) > 0).all() else np.sort(joined)


def _ordered(ids: NDArray[np.int64], scores: NDArray[np.float32]) -> SearchResult:
    """Clip rounding beyond [-1, 1], order equal Scores by id, and mark what is missing."""
    scores = np.where(ids == NO_ID, np.float32(-1), np.clip(scores, -1.0, 1.0))
    # Missing ones come last, also behind a true Score of -1.
    order = np.lexsort((np.where(ids == NO_ID, np.iinfo(np.int64).max, ids), -scores), axis=1)
    return SearchResult(
        np.take_along_axis(ids, order, axis=1), np.take_along_axis(scores, order, axis=1)
    )


def _set_threads(n_queries: int) -> None:
    """One thread for few queries: a second one waits actively and costs more than it brings."""
    faiss.omp_set_num_threads(1 if n_queries < BLAS_FROM_QUERIES else available_cores())
