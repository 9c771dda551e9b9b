"""1:N identification: enrol some people of a folder, search with everybody else, count errors.

Open-set: mated Probes are the other images of the people enrolled, non-mated Probes are all images
of everybody not enrolled. In come vectors and whose they are, out come FNIR, FPIR, rank-1 and CMC,
always with the size of the Gallery. Images without a Face are counted: an enrolled Person whose
images all fail stays in the Gallery's size and cannot be found; a mated Probe that fails is missed;
a non-mated one returns nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facerec.errors import InputError, RangeError, ShapeError
from facerec.evaluate.error_rates import (
    COUNT_TOLERANCE,
    ErrorCurve,
    Estimate,
    at_fmr,
    bootstrap_ratio,
    curve_from_scores,
    interval,
    smallest_measurable_rate,
    wilson,
)
from facerec.progress import SilentTask, Task
from facerec.zoo import OperatingPoint

FPIR_TARGETS = (0.1, 0.01, 0.001)
BLOCK_ROWS = 1024
N_RESAMPLES = 2000
CMC_RANKS = (1, 2, 3, 5, 10, 20, 50)
STAGE = "Searching"


@dataclass(frozen=True, slots=True, eq=False)
class OpenSetSplit:
    """Who is enrolled and who searches.

    Attributes:
        gallery_rows: (G,) int64 rows of the enrolled images, one Person after the other.
        mated_rows: (M,) int64 rows of the other images of enrolled people.
        nonmated_rows: (K,) int64 rows of the images of everybody not enrolled.
        enrolled: (E,) int64 the people enrolled, in the order of ``gallery_rows``.
        images_each: images enrolled of each Person.
        seed: that the people and images were drawn with.
    """

    gallery_rows: NDArray[np.int64]
    mated_rows: NDArray[np.int64]
    nonmated_rows: NDArray[np.int64]
    enrolled: NDArray[np.int64]
    images_each: int
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Searches:
    """What every Probe brought back. A Person's Score is the best over the enrolled images.

    Attributes:
        mate_scores: (M,) Score of the right Person; minus infinity when a Face was missing.
        ranks: (M,) int64 place of the right Person from 1; people of equal Score stand before.
        mated_person: (M,) int64 who the Probe shows.
        nonmated_best: (K,) highest Score of anybody; minus infinity without a Face.
        nonmated_person: (K,) int64 who the Probe shows.
        nonmated_candidate: (K,) int64 row of the enrolled image with that Score.
        mated_rows: (M,) int64 row of the Probe.
        nonmated_rows: (K,) int64 row of the Probe.
        n_enrolled: size of the Gallery, those that failed to enrol included.
        n_failed_enrolments: people without one usable image.
    """

    mate_scores: NDArray[np.float64]
    ranks: NDArray[np.int64]
    mated_person: NDArray[np.int64]
    nonmated_best: NDArray[np.float64]
    nonmated_person: NDArray[np.int64]
    nonmated_candidate: NDArray[np.int64]
    mated_rows: NDArray[np.int64]
    nonmated_rows: NDArray[np.int64]
    n_enrolled: int
    n_failed_enrolments: int

    @property
    def hits(self) -> NDArray[np.float64]:
        """(M,) Score with which the right Person stands first; minus infinity if not first."""
        return np.where(self.ranks == 1, self.mate_scores, -np.inf)


@dataclass(frozen=True, slots=True)
class FixedFpir:
    """FNIR with the false positive identification rate held at a target.

    Attributes:
        target: the FPIR asked for.
        threshold: smallest Score with an FPIR at or below it; None when not measurable.
        fpir: the rate really reached.
        fnir: mated Probes whose Person did not come first at or above the Threshold.
        reason: why there is no figure; empty when there is one.
    """

    target: float
    threshold: float | None
    fpir: Estimate | None
    fnir: Estimate | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FixedSearchThreshold:
    """What a Threshold set elsewhere does in this Gallery.

    Attributes:
        point: the Threshold with the FMR it was set at.
        fpir: measured.
        fnir: measured.
        predicted_fpir: 1 - (1 - FMR)^N for the FMR on the card and N enrolled images.
        fmr_here: false match rate of the single comparisons of these non-mated searches.
        predicted_from_fmr_here: the same prediction from that rate.
    """

    point: OperatingPoint
    fpir: Estimate
    fnir: Estimate
    predicted_fpir: float
    fmr_here: Estimate
    predicted_from_fmr_here: float


@dataclass(frozen=True, slots=True, eq=False)
class Identification:
    """Everything measured by one round of enrolling and searching.

    Attributes:
        split: who was enrolled.
        searches: what came back.
        curve: FPIR (as ``fmr``) and FNIR at rank 1 (as ``fnmr``) over the Threshold.
        fixed_fpirs: FNIR at false positive identification rates.
        fixed_thresholds: at the Thresholds of the model's card.
        cmc: rank -> share of mated Probes whose Person stands at most there. **Closed-set**: no
            Threshold, and nobody asks who is not enrolled.
        n_failed_mated: mated Probes without a Face.
        n_failed_nonmated: non-mated Probes without a Face.
    """

    split: OpenSetSplit
    searches: Searches
    curve: ErrorCurve
    fixed_fpirs: tuple[FixedFpir, ...]
    fixed_thresholds: tuple[FixedSearchThreshold, ...]
    cmc: dict[int, Estimate]
    n_failed_mated: int
    n_failed_nonmated: int


def draw_split(
    person: NDArray[np.int64], *, n_enrol: int | None = None, images_each: int = 1, seed: int = 0
) -> OpenSetSplit:
    """Draw who is enrolled, and from which images.

    Args:
        person: (N,) int64, whose image each row is.
        n_enrol: people to enrol, from those with an image to spare; None takes half of them.
        images_each: images to enrol of each Person.
        seed: of the random generator.

    Raises:
        RangeError: a number below 1.
        InputError: too few people have images to spare, or nobody is left to be a stranger.
    """
    if images_each < 1 or (n_enrol is not None and n_enrol < 1):
        raise RangeError("At least one person is enrolled, from at least one image.")
    names, counts = np.unique(person, return_counts=True)
    eligible = names[counts > images_each]
    if len(eligible) == 0:
        raise InputError(
            f"Nobody has more than {_images(images_each)}, so nobody can be enrolled and found.",
            remedy="Add images: each person needs one to enrol and one to search.",
        )
    wanted = max(1, len(eligible) // 2) if n_enrol is None else n_enrol
    if wanted > len(eligible):
        raise InputError(
            f"{wanted:,} people cannot be enrolled: {len(eligible):,} have more than "
            f"{_images(images_each)}.",
            remedy="Enrol fewer people, or add images: each needs one to enrol and one to search.",
        )
    if wanted == len(names):
        raise InputError(
            "Nobody is left who is not enrolled, so no stranger can be searched for.",
            remedy="Enrol fewer people.",
        )
    rng = np.random.default_rng(seed)
    enrolled = np.sort(rng.choice(eligible, wanted, replace=False))
    gallery = [
        np.sort(rng.choice(np.flatnonzero(person == one), images_each, replace=False))
        for one in enrolled
    ]
    gallery_rows = np.concatenate(gallery)
    is_enrolled = np.isin(person, enrolled)
    is_probe = np.ones(len(person), dtype=np.bool_)
    is_probe[gallery_rows] = False
    return OpenSetSplit(
        gallery_rows,
        np.flatnonzero(is_enrolled & is_probe),
        np.flatnonzero(~is_enrolled),
        enrolled,
        images_each,
        seed,
    )


def search(
    vectors: NDArray[np.float32],
    person: NDArray[np.int64],
    found: NDArray[np.bool_],
    split: OpenSetSplit,
    *,
    thresholds: Sequence[float] = (),
    task: Task | None = None,
) -> tuple[Searches, list[int]]:
    """Search the Gallery with every Probe.

    Args:
        vectors: (N, D) float32, unit length where ``found``.
        person: (N,) int64, whose image each row is.
        found: (N,) whether the image has a vector.
        split: who is enrolled.
        thresholds: Scores at which to count single false matches.
        task: hears of progress and may stop the work.

    Returns:
        The searches, and for each Threshold how many comparisons of a non-mated Probe with an
        enrolled image reached it.

    Raises:
        ShapeError: the arrays have different lengths.
        Cancelled: the task was stopped.
    """
    if not len(vectors) == len(person) == len(found):
        raise ShapeError("Vectors, people and flags need the same length.")
    engine = _Gallery(vectors, found, split, task or SilentTask())
    n_mated = len(split.mated_rows)
    n_total = n_mated + len(split.nonmated_rows)
    mate_scores = np.empty(n_mated)
    ranks = np.empty(n_mated, dtype=np.int64)
    mate = np.searchsorted(split.enrolled, person[split.mated_rows])
    for block, scores in engine.blocks(split.mated_rows, 0, n_total):
        by_person = engine.by_person(scores)
        own = np.take_along_axis(by_person, mate[block, None], axis=1)
        mate_scores[block] = own[:, 0]
        ranks[block] = (by_person >= own).sum(axis=1)
    best = np.empty(len(split.nonmated_rows))
    candidate = np.empty(len(split.nonmated_rows), dtype=np.int64)
    n_matches = np.zeros(len(thresholds), dtype=np.int64)
    for block, scores in engine.blocks(split.nonmated_rows, n_mated, n_total):
        nearest = scores.argmax(axis=1)
        best[block] = np.take_along_axis(scores, nearest[:, None], axis=1)[:, 0]
        candidate[block] = split.gallery_rows[nearest]
        for at, threshold in enumerate(thresholds):
            n_matches[at] += (scores >= threshold).sum()
    ranks[np.isneginf(mate_scores)] = len(split.enrolled) + 1
    usable = found[split.gallery_rows].reshape(len(split.enrolled), split.images_each)
    searches = Searches(
        mate_scores=mate_scores,
        ranks=ranks,
        mated_person=person[split.mated_rows],
        nonmated_best=best,
        nonmated_person=person[split.nonmated_rows],
        nonmated_candidate=candidate,
        mated_rows=split.mated_rows,
        nonmated_rows=split.nonmated_rows,
        n_enrolled=len(split.enrolled),
        n_failed_enrolments=int((~usable.any(axis=1)).sum()),
    )
    return searches, n_matches.tolist()


def identify_open_set(
    vectors: NDArray[np.float32],
    person: NDArray[np.int64],
    found: NDArray[np.bool_],
    split: OpenSetSplit,
    *,
    points: Sequence[OperatingPoint] = (),
    targets: Sequence[float] = FPIR_TARGETS,
    n_resamples: int = N_RESAMPLES,
    task: Task | None = None,
) -> Identification:
    """Enrol, search, and measure.

    Args:
        vectors: (N, D) float32, unit length where ``found``.
        person: (N,) int64, whose image each row is.
        found: (N,) whether the image has a vector.
        split: who is enrolled, see ``draw_split``.
        points: Thresholds set elsewhere, the default one first.
        targets: false positive identification rates to hold.
        n_resamples: bootstrap draws of people.
        task: hears of progress and may stop the work.

    Raises:
        ShapeError: the arrays have different lengths.
        Cancelled: the task was stopped.
    """
    searches, n_matches = search(
        vectors, person, found, split, thresholds=[point.score for point in points], task=task
    )
    seed = split.seed
    n_images = len(split.gallery_rows)
    n_comparisons = len(split.nonmated_rows) * n_images
    fixed_thresholds = []
    for point, n_match in zip(points, n_matches, strict=True):
        here = wilson(n_match, n_comparisons)
        fixed_thresholds.append(
            FixedSearchThreshold(
                point,
                by_person(searches.nonmated_best >= point.score, searches.nonmated_person, seed),
                by_person(searches.hits < point.score, searches.mated_person, seed),
                predicted_fpir(point.fmr, n_images),
                here,
                predicted_fpir(here.value, n_images),
            )
        )
    ranks = [rank for rank in CMC_RANKS if rank <= len(split.enrolled)]
    return Identification(
        split=split,
        searches=searches,
        curve=curve_of(searches),
        fixed_fpirs=tuple(at_fpir(searches, t, seed, n_resamples) for t in targets),
        fixed_thresholds=tuple(fixed_thresholds),
        cmc={
            rank: by_person(searches.ranks <= rank, searches.mated_person, seed) for rank in ranks
        },
        n_failed_mated=int((~found[split.mated_rows]).sum()),
        n_failed_nonmated=int((~found[split.nonmated_rows]).sum()),
    )


def predicted_fpir(fmr: float, n_images: int) -> float:
    """Return the FPIR that independent comparisons would give: ``1 - (1 - FMR)^N``.

    Args:
        fmr: false match rate of one comparison, in [0, 1].
        n_images: N, images enrolled.
    """
    return float(-np.expm1(n_images * np.log1p(-fmr))) if fmr < 1.0 else 1.0


def at_fpir(
    searches: Searches, target: float, seed: int = 0, n_resamples: int = N_RESAMPLES
) -> FixedFpir:
    """Hold the false positive identification rate at a target and count the misses.

    The Threshold is the smallest Score whose FPIR is at or below the target, without interpolation.
    For the interval people are drawn, enrolled ones and strangers alike, and the Threshold is
    chosen anew in each draw.

    Args:
        searches: what the Probes brought back.
        target: false positive identification rate, in (0, 1].
        seed: of the random generator.
        n_resamples: bootstrap draws.

    Raises:
        RangeError: the target is no rate.
    """
    point = at_fmr(curve_of(searches), target)
    n_searches = len(searches.nonmated_best)
    if point.threshold is None:
        reason = (
            f"not measurable: {n_searches:,} searches by strangers tell no rate below "
            f"{smallest_measurable_rate(n_searches):.2g} from zero"
        )
        return FixedFpir(target, None, None, None, reason)
    alarms = searches.nonmated_best >= point.threshold
    missed = searches.hits < point.threshold
    fpir = by_person(alarms, searches.nonmated_person, seed)
    fnir = by_person(missed, searches.mated_person, seed)
    if 0 < fnir.errors < fnir.trials:
        engine = _Resampled(searches, target)
        rng = np.random.default_rng(seed)
        draws = np.array([engine.draw(rng) for _ in range(n_resamples)])
        low, high = interval(draws)
        fnir = Estimate(fnir.errors, fnir.trials, low, high, fnir.method)
    return FixedFpir(target, point.threshold, fpir, fnir)


def curve_of(searches: Searches) -> ErrorCurve:
    """Return FPIR (as ``fmr``) and FNIR at rank 1 (as ``fnmr``) over the Threshold."""
    return curve_from_scores(searches.hits, searches.nonmated_best)


def by_person(errors: NDArray[np.bool_], person: NDArray[np.int64], seed: int = 0) -> Estimate:
    """Estimate the share of Probes that went wrong, with an interval by person.

    Args:
        errors: (n,) whether each Probe went wrong.
        person: (n,) int64, whom it shows.
        seed: of the bootstrap.
    """
    _, group = np.unique(person, return_inverse=True)
    trials = np.bincount(group)
    return bootstrap_ratio(np.bincount(group[errors], minlength=len(trials)), trials, seed=seed)


def _images(number: int) -> str:
    return f"{number} image" if number == 1 else f"{number} images"


class _Resampled:
    """FNIR at an FPIR when people are drawn with replacement and count as often as drawn."""

    def __init__(self, searches: Searches, target: float) -> None:
        self._target = target
        order = np.argsort(-searches.nonmated_best, kind="stable")
        self._best = searches.nonmated_best[order]
        self._stranger = np.unique(searches.nonmated_person, return_inverse=True)[1][order]
        self._mated = np.unique(searches.mated_person, return_inverse=True)[1]
        self._hits = searches.hits
        # The last place of each distinct Score, from the highest down.
        changes = np.flatnonzero(self._best[1:] != self._best[:-1])
        self._ends = np.append(changes, len(self._best) - 1)

    def draw(self, rng: np.random.Generator) -> float:
        too_low = self._highest_refused(_drawn(rng, self._stranger))
        weights = _drawn(rng, self._mated)
        return float(weights @ (self._hits <= too_low) / weights.sum())

    def _highest_refused(self, weights: NDArray[np.int64]) -> float:
        """The highest stranger's Score that a Threshold may not admit; above it FPIR <= target."""
        alarms = np.cumsum(weights)[self._ends]
        allowed = self._target * alarms[-1] + COUNT_TOLERANCE
        n_fit = int(np.searchsorted(alarms, allowed, side="right"))
        return float(self._best[self._ends[n_fit]]) if n_fit < len(alarms) else -np.inf


def _drawn(rng: np.random.Generator, member: NDArray[np.intp]) -> NDArray[np.int64]:
    n_people = int(member.max()) + 1
    times = np.bincount(rng.integers(0, n_people, n_people), minlength=n_people)
    return times[member].astype(np.int64)


class _Gallery:
    """The enrolled images, ready to be searched in blocks of Probes."""

    def __init__(
        self,
        vectors: NDArray[np.float32],
        found: NDArray[np.bool_],
        split: OpenSetSplit,
        task: Task,
    ) -> None:
        self._vectors = vectors
        self._found = found
        self._templates = vectors[split.gallery_rows]
        self._missing = ~found[split.gallery_rows]
        self._images_each = split.images_each
        self._task = task

    def blocks(
        self, rows: NDArray[np.int64], done: int, total: int
    ) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        for start in range(0, len(rows), BLOCK_ROWS):
            self._task.step(STAGE, done + start, total)
            block = slice(start, min(start + BLOCK_ROWS, len(rows)))
            scores = (self._vectors[rows[block]] @ self._templates.T).astype(np.float64)
            scores[:, self._missing] = -np.inf
            scores[~self._found[rows[block]]] = -np.inf
            yield block, scores
        self._task.step(STAGE, done + len(rows), total)

    def by_person(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        n_people = scores.shape[1] // self._images_each
        best: NDArray[np.float64] = scores.reshape(-1, n_people, self._images_each).max(axis=2)
        return best
