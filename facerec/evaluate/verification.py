"""1:1 protocols over lists of pairs: LFW View 2, own pairs, fixed Thresholds.

In come Scores of pairs with the truth, out come accuracies and error rates. A pair that could not
be compared because no Face was found has the Score minus infinity:

* in an accuracy it is an error, whichever kind it is (the stricter reading; the accuracy with such
  different-person pairs counted as rightly refused stands beside it);
* in FMR, FNMR, ROC and DET it matches at no Threshold, so a same-person pair is a miss and a
  different-person pair is none; it stays in the denominators.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facerec.errors import InputError, ShapeError
from facerec.evaluate.acquire import Acquired
from facerec.evaluate.error_rates import (
    EqualError,
    ErrorCurve,
    Estimate,
    FixedFmr,
    area_under_roc,
    at_fmr,
    curve_from_scores,
    equal_error_rate,
    false_match_rate,
    false_non_match_rate,
    wilson,
)
from facerec.evaluate.pairs import PairList
from facerec.zoo import OperatingPoint

# The field's grid: squared distances of unit vectors from 0 to 4 in steps of 0.01, as Scores
# (1 - d^2 / 2), the strictest first. At equal accuracy the first one is taken.
GRID_STEP = 0.01
GRID = 1.0 - np.arange(0.0, 4.0, GRID_STEP) / 2.0
FMR_TARGETS = (0.1, 0.01, 0.001, 0.0001)


@dataclass(frozen=True, slots=True, eq=False)
class PairScores:
    """Scores of a list of pairs, in its order.

    Attributes:
        scores: (P,) float64; minus infinity where no Face was found.
        same: (P,) bool, the truth.
        folds: (P,) int64, from 0.
    """

    scores: NDArray[np.float64]
    same: NDArray[np.bool_]
    folds: NDArray[np.int64]

    def __post_init__(self) -> None:
        if not (self.scores.shape == self.same.shape == self.folds.shape):
            raise ShapeError("Scores, truth and folds of pairs need the same length.")

    @property
    def mated(self) -> NDArray[np.float64]:
        """(n,) Scores of the same-person pairs."""
        return self.scores[self.same]

    @property
    def nonmated(self) -> NDArray[np.float64]:
        """(m,) Scores of the different-person pairs."""
        return self.scores[~self.same]

    @property
    def failed(self) -> NDArray[np.bool_]:
        """(P,) whether the pair could not be compared."""
        return np.isneginf(self.scores)


@dataclass(frozen=True, slots=True)
class FoldAccuracy:
    """Accuracy over folds, the Threshold of each chosen on the others.

    Attributes:
        accuracies: one fraction per fold.
        thresholds: the Score chosen for each fold.
        mean: mean of the accuracies.
        std: standard deviation over folds (ddof 0), as facenet and InsightFace print it.
        standard_error: standard deviation (ddof 1) over the root of the number of folds.
        mean_if_refused: the mean when different-person pairs that could not be compared count as
            rightly refused.
    """

    accuracies: tuple[float, ...]
    thresholds: tuple[float, ...]
    mean: float
    std: float
    standard_error: float
    mean_if_refused: float


@dataclass(frozen=True, slots=True)
class FixedThreshold:
    """Error rates at a Threshold that was set elsewhere.

    Attributes:
        point: the Threshold with the FMR it was set at.
        fmr: measured here.
        fnmr: measured here.
        accuracy: share of pairs right; failed pairs are errors.
    """

    point: OperatingPoint
    fmr: Estimate
    fnmr: Estimate
    accuracy: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class Verification:
    """Everything measured over one list of pairs with one kind of vector.

    Attributes:
        pairs: the Scores.
        folds: cross-validated accuracy; None when the list has one fold only.
        curve: both error counts over the Threshold.
        equal_error: where they meet.
        auc: area under the ROC curve.
        fixed_thresholds: at the Thresholds of the model's card.
        fixed_fmrs: at false match rates.
        n_failed_same: same-person pairs without a Score.
        n_failed_different: different-person pairs without a Score.
    """

    pairs: PairScores
    folds: FoldAccuracy | None
    curve: ErrorCurve
    equal_error: EqualError
    auc: float
    fixed_thresholds: tuple[FixedThreshold, ...]
    fixed_fmrs: tuple[FixedFmr, ...]
    n_failed_same: int
    n_failed_different: int

    @property
    def accuracy(self) -> float | None:
        """The headline: over folds, else at the card's first Threshold; None without either."""
        if self.folds is not None:
            return self.folds.mean
        if self.fixed_thresholds:
            return self.fixed_thresholds[0].accuracy.value
        return None


def score_pairs(
    pairs: PairList, acquired: Acquired, vectors: NDArray[np.float32] | None = None
) -> PairScores:
    """Compare the images of each pair.

    Args:
        pairs: the list.
        acquired: the vectors of its images.
        vectors: (N, D) float32, other vectors of the same images (mirror-averaged, say).

    Returns:
        Cosine similarity of each pair; minus infinity where an image has no Face.

    Raises:
        ShapeError: the vectors belong to another number of images.
    """
    used = acquired.vectors if vectors is None else vectors
    if len(used) != len(acquired.paths):
        raise ShapeError(f"{len(acquired.paths)} images need as many vectors; got {len(used)}.")
    row = {path: at for at, path in enumerate(acquired.paths)}
    first = np.array([row[pair.a] for pair in pairs.pairs])
    second = np.array([row[pair.b] for pair in pairs.pairs])
    scores = np.einsum("pd,pd->p", used[first], used[second], dtype=np.float64)
    found = acquired.found
    scores[~(found[first] & found[second])] = -np.inf
    return PairScores(
        scores,
        np.array([pair.same for pair in pairs.pairs], dtype=np.bool_),
        np.array([pair.fold for pair in pairs.pairs], dtype=np.int64),
    )


def cross_validated_accuracy(pairs: PairScores, grid: NDArray[np.float64] = GRID) -> FoldAccuracy:
    """Choose the Threshold of each fold on the other folds, and count on the fold itself.

    Args:
        pairs: Scores in at least two folds.
        grid: (G,) float64, Scores to choose from; at equal accuracy the first is taken.

    Raises:
        InputError: there are fewer than two folds.

    Reference:
        Huang et al. 2007, Labeled Faces in the Wild, UMass TR 07-49, View 2.
    """
    names = np.unique(pairs.folds)
    if len(names) < 2:
        raise InputError(
            "Choosing a threshold on the other folds needs at least two folds.",
            remedy="Use a list with folds, or read the rates at fixed thresholds.",
        )
    member = pairs.folds[None, :] == names[:, None]
    correct = (pairs.scores[None, :] >= grid[:, None]) == pairs.same[None, :]
    lenient = member.astype(np.int64) @ correct.T.astype(np.int64)
    strict = lenient - (member & pairs.failed & ~pairs.same).sum(axis=1)[:, None]
    sizes = member.sum(axis=1)
    elsewhere = (strict.sum(axis=0)[None, :] - strict) / (sizes.sum() - sizes)[:, None]
    chosen = elsewhere.argmax(axis=1)
    fold = np.arange(len(names))
    accuracies = strict[fold, chosen] / sizes
    return FoldAccuracy(
        tuple(accuracies.tolist()),
        tuple(grid[chosen].tolist()),
        float(accuracies.mean()),
        float(accuracies.std()),
        float(accuracies.std(ddof=1) / np.sqrt(len(names))),
        float((lenient[fold, chosen] / sizes).mean()),
    )


def accuracy_at(pairs: PairScores, threshold: float) -> Estimate:
    """Count the pairs judged rightly at one Threshold; pairs that failed are errors.

    Args:
        pairs: the Scores.
        threshold: smallest Score that matches.

    Returns:
        The share that is **right**, with Wilson's interval.
    """
    right = ((pairs.scores >= threshold) == pairs.same) & ~pairs.failed
    return wilson(int(right.sum()), len(right))


def verify_pairs(
    pairs: PairScores,
    points: Sequence[OperatingPoint] = (),
    targets: Sequence[float] = FMR_TARGETS,
) -> Verification:
    """Measure everything a list of pairs can tell.

    Args:
        pairs: the Scores.
        points: Thresholds set elsewhere, the default one first.
        targets: false match rates to hold.

    Raises:
        ShapeError: one of the two kinds of pairs is missing.
    """
    curve = curve_from_scores(pairs.mated, pairs.nonmated)
    return Verification(
        pairs=pairs,
        folds=cross_validated_accuracy(pairs) if len(np.unique(pairs.folds)) > 1 else None,
        curve=curve,
        equal_error=equal_error_rate(curve),
        auc=area_under_roc(curve),
        fixed_thresholds=tuple(
            FixedThreshold(
                point,
                false_match_rate(pairs.nonmated, point.score),
                false_non_match_rate(pairs.mated, point.score),
                accuracy_at(pairs, point.score),
            )
            for point in points
        ),
        fixed_fmrs=tuple(at_fmr(curve, target) for target in targets),
        n_failed_same=int((pairs.failed & pairs.same).sum()),
        n_failed_different=int((pairs.failed & ~pairs.same).sum()),
    )


def worst_pairs(pairs: PairScores, *, same: bool, n: int) -> NDArray[np.int64]:
    """Find the pairs most wrongly scored among those that could be compared.

    Args:
        pairs: the Scores.
        same: True for same-person pairs of low Score, False for different ones of high Score.
        n: how many at most.

    Returns:
        (n,) places in the list, the worst first.
    """
    places = np.flatnonzero((pairs.same == same) & ~pairs.failed)
    keys = pairs.scores[places] if same else -pairs.scores[places]
    return places[np.argsort(keys, kind="stable")[:n]].astype(np.int64)
