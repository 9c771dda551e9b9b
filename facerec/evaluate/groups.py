"""False match rates within and between groups of people: by age, sex and ethnicity.

In come vectors of images of unknown people with what is known of each image, out come rates at one
Threshold. Every two different images are taken for different people, so where one person has
several images the rates are upper bounds. Knows nothing of networks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facerec.errors import InputError, NotFoundError, ShapeError
from facerec.evaluate.error_rates import Estimate, interval, wilson
from facerec.progress import SilentTask, Task

# Smallest age of each band.
AGE_BANDS = (0, 5, 13, 18, 30, 45, 60)
# In the order of their numbers in UTKFace's file names, and in its words.
SEXES = ("male", "female")
ETHNICITIES = ("White", "Black", "Asian", "Indian", "other")
BLOCK_ROWS = 1024
N_RESAMPLES = 1000
METHOD = "bootstrap by image"
STAGE = "Comparing all pairs"
EVERYBODY = "everybody"
_NAME = re.compile(r"(\d{1,3})_([01])_([0-4])_\d+\b")


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """One way to divide images.

    Attributes:
        attribute: what divides them, such as ``sex``.
        names: of the G groups.
        member: (N,) int64, which group each image belongs to.
    """

    attribute: str
    names: tuple[str, ...]
    member: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class GroupRate:
    """How often two images of these groups match.

    Attributes:
        attribute: what divides the images.
        first: name of a group.
        second: name of the other; the same one within a group.
        fmr: false match rate with its interval; None where there are no two images.
    """

    attribute: str
    first: str
    second: str
    fmr: Estimate | None

    @property
    def is_within(self) -> bool:
        """Whether both images come from one group."""
        return self.first == self.second


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """What was measured.

    Attributes:
        threshold: smallest Score that matches.
        overall: every two images, whatever their groups.
        rates: within and between the groups of each attribute, in order.
        first: (H,) int64 row of the first image of each false match.
        second: (H,) int64 row of the second.
        scores: (H,) float64.
    """

    threshold: float
    overall: GroupRate
    rates: tuple[GroupRate, ...]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    scores: NDArray[np.float64]


def groupings_of(paths: Sequence[Path]) -> tuple[Grouping, ...]:
    """Read age, sex and ethnicity off file names such as ``25_1_2_20170116174525125.jpg``.

    Args:
        paths: N images, all of them with such names (see ``has_labels``).
    """
    labels = np.array([_labels(path) for path in paths], dtype=np.int64).reshape(-1, 3)
    ends = [f"{upper - 1}" for upper in AGE_BANDS[1:]]
    bands = [f"{low} to {end}" for low, end in zip(AGE_BANDS, ends, strict=False)]
    band = np.searchsorted(AGE_BANDS, labels[:, 0], side="right") - 1
    return (
        Grouping("age", (*bands, f"{AGE_BANDS[-1]} and over"), band.astype(np.int64)),
        Grouping("sex", SEXES, labels[:, 1]),
        Grouping("ethnicity", ETHNICITIES, labels[:, 2]),
    )


def age_of(path: Path) -> int:
    """Return the age in years that a file name carries.

    Raises:
        InputError: it carries none.
    """
    return _labels(path)[0]


def has_labels(path: Path) -> bool:
    """Say whether a file name carries age, sex and ethnicity."""
    return _NAME.match(path.name) is not None


def listed_names(file: Path) -> frozenset[str]:
    """Read a list of images, one name a line; folders and endings do not count.

    Raises:
        NotFoundError: it cannot be read.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise NotFoundError(
            f"The list {file} cannot be read.", remedy="Give a text file with one name a line."
        ) from exc
    return frozenset(bare_name(Path(line.strip())) for line in lines if line.strip())


def bare_name(path: Path) -> str:
    """Return a file's name without its endings: ``1_0_2_2017.jpg.chip.jpg`` is ``1_0_2_2017``."""
    return path.name.partition(".")[0]


def group_rates(
    vectors: NDArray[np.float32],
    found: NDArray[np.bool_],
    groupings: Sequence[Grouping],
    threshold: float,
    *,
    seed: int = 0,
    n_resamples: int = N_RESAMPLES,
    task: Task | None = None,
) -> Groups:
    """Count the false matches among all pairs of images.

    The interval draws images, not pairs, since one image takes part in many pairs; a pair of an
    image with its own copy is left out of a draw.

    Args:
        vectors: (N, D) float32, unit length where ``found``.
        found: (N,) whether the image has a vector; without one it matches nobody.
        groupings: how the images are divided.
        threshold: smallest Score that matches.
        seed: of the draws.
        n_resamples: how many draws.
        task: hears of progress and may stop the work.

    Raises:
        ShapeError: the arrays have different lengths.
        InputError: there are fewer than two images.
        Cancelled: the task was stopped.

    Reference:
        Snijders and Borgatti 1999, Non-parametric standard errors and tests for network
        statistics, Connections 22(2):161-170: the bootstrap over vertices.
    """
    n = len(vectors)
    if any(len(one.member) != n for one in groupings) or len(found) != n:
        raise ShapeError("Vectors, flags and groups need the same length.")
    if n < 2:
        raise InputError("A rate needs two images.", remedy="Name a folder with more images.")
    first, second, scores = _matches(vectors, found, threshold, task or SilentTask())
    everybody = Grouping("all", (EVERYBODY,), np.zeros(n, np.int64))
    counted = [_Counted(one, first, second) for one in (everybody, *groupings)]
    rng = np.random.default_rng(seed)
    draws: list[list[NDArray[np.float64]]] = [[] for _ in counted]
    for _ in range(n_resamples):
        weights = np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float64)
        products = weights[first] * weights[second]
        for one, drawn in zip(counted, draws, strict=True):
            drawn.append(one.rates(weights, products))
    overall, *rates = (
        rate
        for one, drawn in zip(counted, draws, strict=True)
        for rate in one.estimates(np.array(drawn))
    )
    return Groups(threshold, overall, tuple(rates), first, second, scores)


class _Counted:
    """False matches and trials in every cell of a grouping: group with group, each pair once."""

    def __init__(
        self, grouping: Grouping, first: NDArray[np.int64], second: NDArray[np.int64]
    ) -> None:
        self.grouping = grouping
        self.n = len(grouping.names)
        a, b = grouping.member[first], grouping.member[second]
        self.cell = np.minimum(a, b) * self.n + np.maximum(a, b)

    def errors(self, products: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """(G, G) false matches, above and on the diagonal; each counts as the product says."""
        counts = np.bincount(self.cell, weights=products, minlength=self.n**2)
        return counts.reshape(self.n, self.n).astype(np.float64)

    def trials(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """(G, G) weighted pairs of two different images."""
        sums = np.bincount(self.grouping.member, weights=weights, minlength=self.n)
        squares = np.bincount(self.grouping.member, weights=weights**2, minlength=self.n)
        trials = np.outer(sums, sums).astype(np.float64)
        np.fill_diagonal(trials, (sums**2 - squares) / 2)
        return trials

    def rates(
        self, weights: NDArray[np.float64], products: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """(G, G) rates of one draw; NaN where it holds no pair."""
        trials = self.trials(weights)
        empty = np.full_like(trials, np.nan)
        return np.divide(self.errors(products), trials, where=trials > 0, out=empty)

    def estimates(self, draws: NDArray[np.float64]) -> Iterator[GroupRate]:
        """Rates with the intervals that the draws (R, G, G) give."""
        ones = np.ones(len(self.grouping.member))
        errors, trials = self.errors(), self.trials(ones)
        sizes = np.bincount(self.grouping.member, minlength=self.n)
        for a in range(self.n):
            for b in range(a, self.n):
                n_images = int(min(sizes[a], sizes[b]))
                estimate = _estimate(int(errors[a, b]), int(trials[a, b]), draws[:, a, b], n_images)
                names = self.grouping.names
                yield GroupRate(self.grouping.attribute, names[a], names[b], estimate)


def _estimate(
    errors: int, trials: int, draws: NDArray[np.float64], n_images: int
) -> Estimate | None:
    if trials == 0:
        return None
    if errors in (0, trials):  # draws show no spread
        stand_in = wilson(0 if errors == 0 else n_images, n_images)
        return Estimate(errors, trials, stand_in.low, stand_in.high, "Wilson over images")
    low, high = interval(draws[np.isfinite(draws)])
    return Estimate(errors, trials, low, high, METHOD)


def _matches(
    vectors: NDArray[np.float32], found: NDArray[np.bool_], threshold: float, task: Task
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Rows of both images and Score of every pair at or above the Threshold."""
    places = np.flatnonzero(found)
    used = vectors[places]
    parts = []
    for start in range(0, len(used), BLOCK_ROWS):
        task.step(STAGE, start, len(used))
        scores = used[start : start + BLOCK_ROWS] @ used[start:].T
        row, column = np.nonzero(np.triu(scores >= threshold, k=1))
        parts.append((places[start + row], places[start + column], scores[row, column]))
    task.step(STAGE, len(used), len(used))
    if not parts:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    first, second, kept = (np.concatenate(column) for column in zip(*parts, strict=True))
    return first.astype(np.int64), second.astype(np.int64), kept.astype(np.float64)


def _labels(path: Path) -> tuple[int, int, int]:
    match = _NAME.match(path.name)
    if match is None:
        raise InputError(f"The name {path.name} carries no age, sex and ethnicity.")
    age, sex, ethnicity = map(int, match.groups())
    return age, sex, ethnicity


def sizes_of(
    groupings: Sequence[Grouping], found: NDArray[np.bool_]
) -> Mapping[tuple[str, str], tuple[int, int]]:
    """Count images.

    Args:
        groupings: how the images are divided.
        found: (N,) whether the image has a vector.

    Returns:
        (attribute, group) -> images, and how many of them have no vector.
    """
    return {
        (one.attribute, name): (
            int((one.member == at).sum()),
            int(((one.member == at) & ~found).sum()),
        )
        for one in groupings
        for at, name in enumerate(one.names)
    }
