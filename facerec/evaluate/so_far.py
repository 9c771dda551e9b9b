"""Scores of an evaluation while its images are still being embedded, for somebody who watches.

In come vectors in the order of the images, out come the error rates of what could be compared so
far. The figures that count are measured at the end, from all images.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from facerec.evaluate.error_rates import ErrorCurve, ScoreHistogram, curve_from_histogram


class Watch(Protocol):
    """Hears of vectors as they come."""

    def __call__(self, first: int, vectors: NDArray[np.float32], found: NDArray[np.bool_]) -> None:
        """Take note of images.

        Args:
            first: place of the first of them in the list of images.
            vectors: (N, D) float32, unit length where ``found``.
            found: (N,) whether a Face was found.
        """
        ...


class ScoresSoFar(ABC):
    """Scores of all comparisons that the images seen so far allow; safe to read from any thread.

    A comparison with an image in which no Face was found is left out here.
    """

    def __init__(self, n_images: int) -> None:
        self._n_images = n_images
        self._vectors = np.empty((0, 0), dtype=np.float32)
        self._found = np.zeros(n_images, dtype=np.bool_)
        self._mated: list[NDArray[np.float64]] = []
        self._nonmated = ScoreHistogram()
        self._lock = threading.Lock()

    def __call__(self, first: int, vectors: NDArray[np.float32], found: NDArray[np.bool_]) -> None:
        """See ``Watch``."""
        if not self._vectors.size:
            self._vectors = np.zeros((self._n_images, vectors.shape[1]), dtype=np.float32)
        end = first + len(vectors)
        self._vectors[first:end], self._found[first:end] = vectors, found
        mated, nonmated = self._compare(first, end)
        with self._lock:
            self._mated.append(mated.astype(np.float64))
            self._nonmated.add(nonmated)

    def mated(self) -> NDArray[np.float64]:
        """Return (n,) Scores of the same person."""
        with self._lock:
            return np.concatenate([np.empty(0), *self._mated])

    def nonmated(self) -> NDArray[np.int64]:
        """Return how many Scores of different people lie in each bin of a ``ScoreHistogram``."""
        with self._lock:
            return self._nonmated.counts.copy()

    def curve(self) -> ErrorCurve | None:
        """Return the error rates so far; None before there is a comparison of each kind."""
        mated = self.mated()
        with self._lock:
            if not len(mated) or not self._nonmated.total:
                return None
            return curve_from_histogram(mated, self._nonmated)

    @abstractmethod
    def _compare(self, first: int, end: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return Scores of the same and of different people, of images first to end with others."""


class PairsSoFar(ScoresSoFar):
    """Compares the pairs of a list."""

    def __init__(
        self, first: NDArray[np.int64], second: NDArray[np.int64], same: NDArray[np.bool_]
    ) -> None:
        """Take the list.

        Args:
            first: (P,) place of each pair's first image.
            second: (P,) place of its second image.
            same: (P,) the truth.
        """
        super().__init__(int(max(first.max(), second.max())) + 1)
        self._first, self._second, self._same = first, second, same
        self._complete_at = np.maximum(first, second)

    def _compare(self, first: int, end: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        new = (self._complete_at >= first) & (self._complete_at < end)
        new &= self._found[self._first] & self._found[self._second]
        one, other = self._vectors[self._first[new]], self._vectors[self._second[new]]
        scores: NDArray[np.float32] = np.einsum("pd,pd->p", one, other)
        same = self._same[new]
        return scores[same], scores[~same]


class PeopleSoFar(ScoresSoFar):
    """Compares every image with every other."""

    def __init__(self, person: NDArray[np.int64]) -> None:
        """Take whose image each is, (N,)."""
        super().__init__(len(person))
        self._person = person

    def _compare(self, first: int, end: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        scores = self._vectors[first:end] @ self._vectors[:end].T
        usable = np.arange(end)[None, :] < np.arange(first, end)[:, None]
        usable &= self._found[first:end, None] & self._found[None, :end]
        same = self._person[first:end, None] == self._person[None, :end]
        return scores[usable & same], scores[usable & ~same]
