"""Figures on held-out people, each source for itself: what a run is judged by, never LFW."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.pack import CropPack

# The false match rate at which the true match rate is reported.
REPORTED_FMR = 1e-3


# Scores below the lowest edge are counted with the lowest: photographs of faces hardly have any.
SCORE_RANGE = (-0.4, 1.0)
N_SCORE_BINS = 70


@dataclass(frozen=True, slots=True)
class ScoreCounts:
    """How the Scores of all pairs are spread: pairs in each of equal bins of ``SCORE_RANGE``.

    Attributes:
        mated: of one person.
        non_mated: of two people.
    """

    mated: tuple[int, ...]
    non_mated: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class HeldOutFigures:
    """How well unseen people of one source are told apart.

    Attributes:
        source: the data set.
        n_people: people with two or more crops.
        n_crops: their crops.
        tar: true match rate at a false match rate of 0.1 %, all pairs.
        balanced_accuracy: best mean of true match and true non-match rate over all Thresholds.
        rank1: share of probes whose best among N one-crop galleries is right.
        tar_interval: 95 %, people drawn anew, at the same Threshold.
        rank1_interval: 95 %, the people who are searched for drawn anew.
        scores: how the Scores of the pairs are spread.
    """

    source: str
    n_people: int
    n_crops: int
    tar: float
    balanced_accuracy: float
    rank1: float
    tar_interval: tuple[float, float]
    rank1_interval: tuple[float, float]
    scores: ScoreCounts

    def __str__(self) -> str:
        return (
            f"{self.source}: TAR {self.tar:.4f}, balanced {self.balanced_accuracy:.4f}, "
            f"rank-1 {self.rank1:.4f} (N {self.n_people})"
        )


def held_out_figures(
    pack: CropPack, vectors_of: Callable[[NDArray[np.int64]], NDArray[np.float32]]
) -> list[HeldOutFigures]:
    """Judge an embedding on the held-out people of a pack.

    Args:
        pack: the pack.
        vectors_of: positions (M,) -> unit vectors (M, D) float32.

    Returns:
        One entry a source, in order of name; a source needs two such people.
    """
    held = np.flatnonzero(pack.held_out)
    people = np.array([f"{pack.items[r].source}/{pack.items[r].person}" for r in held])
    names, counts = np.unique(people, return_counts=True)
    several = set(names[counts >= 2])
    figures = []
    for source in sorted({pack.items[row].source for row in held}):
        chosen = np.array([p in several and p.startswith(f"{source}/") for p in people], dtype=bool)
        if len(set(people[chosen])) < 2:  # (nobody to be told apart from)
            continue
        vectors = vectors_of(held[chosen])
        labels = np.unique(people[chosen], return_inverse=True)[1]
        figures.append(_figures(source, vectors, labels))
    return figures


def _figures(
    source: str, vectors: NDArray[np.float32], labels: NDArray[np.int64]
) -> HeldOutFigures:
    scores = vectors @ vectors.T
    upper = np.triu_indices(len(labels), 1)
    same = (labels[:, None] == labels[None, :])[upper]
    pairs = scores[upper]
    mated, non_mated = np.sort(pairs[same]), np.sort(pairs[~same])
    allowed = int(REPORTED_FMR * len(non_mated))
    threshold = non_mated[-1 - allowed]
    tar = float(np.mean(mated > threshold))
    grid = np.linspace(-1, 1, 2001)
    true_match = 1 - np.searchsorted(mated, grid) / len(mated)
    true_non_match = np.searchsorted(non_mated, grid) / len(non_mated)
    first = np.unique(labels, return_index=True)[1]
    probes = np.setdiff1d(np.arange(len(labels)), first)
    best = labels[first][np.argmax(scores[np.ix_(probes, first)], axis=1)]
    found = best == labels[probes]
    return HeldOutFigures(
        source=source,
        n_people=len(first),
        n_crops=len(labels),
        tar=tar,
        balanced_accuracy=float(np.max(true_match + true_non_match) / 2),
        rank1=float(np.mean(found)),
        tar_interval=share_interval(pairs[same] > threshold, labels[upper[0]][same]),
        rank1_interval=share_interval(found, labels[probes]),
        scores=ScoreCounts(score_counts(mated), score_counts(non_mated)),
    )


def score_counts(scores: NDArray[np.floating[Any]]) -> tuple[int, ...]:
    """Count Scores (M,) in the bins of ``ScoreCounts``."""
    inside = np.clip(scores, *SCORE_RANGE)
    counts = np.histogram(inside, N_SCORE_BINS, SCORE_RANGE)[0]
    return tuple(counts.tolist())


def share_interval(
    hits: NDArray[np.bool_], person: NDArray[np.int64], *, n_draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Say how far a share could lie elsewhere with other people.

    Args:
        hits: (M,) what the share is of.
        person: (M,) whom each belongs to; outcomes of one person go together.
        n_draws: of as many people as there are, with replacement.
        seed: of the draws.

    Returns:
        The 2.5th and the 97.5th percentile.
    """
    _, people = np.unique(person, return_inverse=True)
    n_hits, n_all = np.bincount(people, weights=hits), np.bincount(people)
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, len(n_all), (n_draws, len(n_all)))
    shares = n_hits[chosen].sum(axis=1) / n_all[chosen].sum(axis=1)
    low, high = np.percentile(shares, (2.5, 97.5))
    return float(low), float(high)
