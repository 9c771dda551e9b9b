"""The exact index in plain numpy: slow, short, and what the others are tested against."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facerec.errors import NotFoundError
from facerec.index.base import INDEXES, NO_ID, SearchResult, check_new, check_queries, contained


@INDEXES.register("numpy")
class NumpyIndex:
    """All vectors in one matrix; every query is compared with every vector.

    Attributes:
        dimension: D, length of each vector.
        is_exact: True.
        sketch_kind: empty.
    """

    is_exact = True
    sketch_kind = ""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._ids = np.empty(0, np.int64)
        self._vectors = np.empty((0, dimension), np.float32)

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
        check_new(ids, vectors, self.dimension, self.ids())
        self._ids = np.concatenate([self._ids, ids])
        self._vectors = np.concatenate([self._vectors, vectors.astype(np.float32)])

    def remove(self, ids: NDArray[np.int64]) -> int:
        """See ``VectorIndex.remove``: ids (N,)."""
        kept = ~np.isin(self._ids, ids)
        n_removed = int((~kept).sum())
        self._ids, self._vectors = self._ids[kept], self._vectors[kept]
        return n_removed

    def search(self, queries: NDArray[np.float32], k: int) -> SearchResult:
        """See ``VectorIndex.search``: queries (B, D). Equal Scores are ordered by id."""
        check_queries(queries, k, self.dimension)
        found_ids = np.full((len(queries), k), NO_ID, np.int64)
        found_scores = np.full((len(queries), k), -1.0, np.float32)
        n_found = min(k, len(self))
        for row, query in enumerate(queries):
            scores = np.clip(self._vectors @ query, -1.0, 1.0)
            order = np.lexsort((self._ids, -scores))[:n_found]
            found_ids[row, :n_found] = self._ids[order]
            found_scores[row, :n_found] = scores[order]
        return SearchResult(found_ids, found_scores)

    def ids(self) -> NDArray[np.int64]:
        """Return all ids, (N,) int64, rising."""
        return np.sort(self._ids)

    def vectors_of(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """See ``VectorIndex.vectors_of``: ids (N,)."""
        if not contained(ids, self.ids()).all():
            raise NotFoundError("An id is not in the index.")
        order = np.argsort(self._ids)
        return self._vectors[order[np.searchsorted(self._ids, ids, sorter=order)]]

    def sketches_of(self, ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """See ``VectorIndex.sketches_of``: ids (N,); there are none, (N, 0)."""
        return np.empty((len(self.vectors_of(ids)), 0), np.uint8)
