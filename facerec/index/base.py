"""What every vector index does: ids and unit vectors in, nearest ids and Scores out.

An index is a cache of the gallery's database (design, law 1). It knows nothing of people, files or
contracts; ids are the database's own and are never reused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from facerec.errors import DuplicateError, RangeError, ShapeError
from facerec.registry import Registry

# Stands in results where there are fewer than K vectors.
NO_ID = -1


@dataclass(frozen=True, slots=True, eq=False)
class SearchResult:
    """The nearest vectors of each query.

    Attributes:
        ids: (B, K) int64, best first; ``NO_ID`` where there are no more.
        scores: (B, K) float32 in [-1, 1], falling; -1 where there is no id.
    """

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]


class VectorIndex(Protocol):
    """A set of unit vectors that can be asked for the nearest ones.

    Attributes:
        dimension: D, length of each vector.
        is_exact: whether a search always finds the true nearest ones.
        sketch_kind: how sketches are made; empty when the index has none. A sketch is what an
            index derives from a vector and would rather keep in a file than derive again.
    """

    dimension: int
    is_exact: bool
    sketch_kind: str

    def __len__(self) -> int:
        """Return how many vectors there are."""
        ...

    def add(
        self,
        ids: NDArray[np.int64],
        vectors: NDArray[np.float32],
        sketches: NDArray[np.uint8] | None = None,
    ) -> None:
        """Add vectors.

        Args:
            ids: (N,) int64, positive, none of them in the index.
            vectors: (N, D) float32 of unit length.
            sketches: (N, W) uint8, what ``sketches_of`` of an index of the same ``sketch_kind``
                and dimension gave for these vectors; made anew when not given.

        Raises:
            ShapeError: the arrays do not fit.
            RangeError: an id is not positive.
            DuplicateError: an id is there already, or given twice.
        """
        ...

    def remove(self, ids: NDArray[np.int64]) -> int:
        """Remove vectors.

        Args:
            ids: (N,) int64; those that are not in the index are passed over.

        Returns:
            How many were removed.
        """
        ...

    def search(self, queries: NDArray[np.float32], k: int) -> SearchResult:
        """Find the nearest vectors of each query.

        Args:
            queries: (B, D) float32 of unit length.
            k: K, how many to find, at least 1; may exceed the number of vectors.

        Raises:
            ShapeError: the queries do not fit.
            RangeError: ``k`` is below 1.
        """
        ...

    def ids(self) -> NDArray[np.int64]:
        """Return all ids, (N,) int64, rising."""
        ...

    def vectors_of(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the vectors (N, D) of ids (N,) that are in the index.

        Raises:
            NotFoundError: an id is not there.
        """
        ...

    def sketches_of(self, ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the sketches (N, W) of ids (N,) that are in the index; W may be 0.

        Raises:
            NotFoundError: an id is not there.
        """
        ...


# name -> constructor that takes the dimension
INDEXES: Registry[Callable[[int], VectorIndex]] = Registry("index")


def check_new(
    ids: NDArray[np.int64],
    vectors: NDArray[np.float32],
    dimension: int,
    known: NDArray[np.int64],
) -> None:
    """Refuse what ``VectorIndex.add`` must refuse.

    Args:
        ids: (N,) int64.
        vectors: (N, D) float32.
        dimension: D.
        known: (M,) int64, ids that are in the index, rising.

    Raises:
        ShapeError: the arrays do not fit each other or the dimension.
        RangeError: an id is not positive.
        DuplicateError: an id is known or given twice.
    """
    if ids.ndim != 1 or ids.dtype != np.int64 or vectors.shape != (ids.size, dimension):
        raise ShapeError(
            f"Ids (N,) int64 and vectors (N, {dimension}) were expected; "
            f"got {ids.dtype} {ids.shape} and {vectors.shape}."
        )
    if ids.size and ids.min() < 1:
        raise RangeError(f"Ids are positive; got {ids.min()}.")
    if np.unique(ids).size != ids.size or contained(ids, known).any():
        raise DuplicateError("An id is in the index already.")


def contained(ids: NDArray[np.int64], known: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say for each id (N,) whether it is among the rising ids (M,)."""
    if not known.size:
        return np.zeros(ids.shape, np.bool_)
    place = np.minimum(np.searchsorted(known, ids), known.size - 1)
    return np.asarray(known[place] == ids)


def check_queries(queries: NDArray[np.float32], k: int, dimension: int) -> None:
    """Refuse what ``VectorIndex.search`` must refuse.

    Args:
        queries: (B, D) float32.
        k: how many neighbours.
        dimension: D.

    Raises:
        ShapeError: the queries are not (B, D).
        RangeError: ``k`` is below 1.
    """
    if queries.ndim != 2 or queries.shape[1] != dimension:
        raise ShapeError(f"Queries (B, {dimension}) were expected; got {queries.shape}.")
    if k < 1:
        raise RangeError(f"At least one neighbour is asked for; got k = {k}.")
