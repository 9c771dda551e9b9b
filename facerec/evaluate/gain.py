"""What a dearer way of embedding buys, and what it costs.

In come accuracies over the same folds and embedders, out come a difference with its spread and a
ratio of times taken in turns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from facerec.embed.base import Embedder
from facerec.errors import ShapeError
from facerec.evaluate.verification import FoldAccuracy, Verification

N_ROUNDS = 9
# A turn lasts at least this long, so that the clock and a switch of threads do not count.
TURN_S = 0.1


@dataclass(frozen=True, slots=True)
class FoldGain:
    """Difference of two accuracies, taken fold by fold.

    Attributes:
        mean: fraction; positive where the second is better.
        std: standard deviation of the differences over folds (ddof 0).
        standard_error: standard deviation (ddof 1) over the root of the number of folds.
    """

    mean: float
    std: float
    standard_error: float


@dataclass(frozen=True, slots=True)
class Cost:
    """How long embedding takes beside another embedder.

    Attributes:
        ms_per_face: median over the rounds.
        ratio: of this time to the first embedder's in the same round; median over the rounds.
        ratio_low: lower quartile of the rounds' ratios.
        ratio_high: upper quartile.
    """

    ms_per_face: float
    ratio: float
    ratio_low: float
    ratio_high: float


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """Another way of embedding the same images.

    Attributes:
        name: what it is.
        result: what it reaches.
        gain: over the plain way; None without folds.
        cost: beside the plain way; None when it was not timed.
    """

    name: str
    result: Verification
    gain: FoldGain | None = None
    cost: Cost | None = None


def gain_over(base: FoldAccuracy, other: FoldAccuracy) -> FoldGain:
    """Subtract accuracies fold by fold: the pairs of a fold are easy or hard for both alike.

    Raises:
        ShapeError: they have different numbers of folds.
    """
    if len(base.accuracies) != len(other.accuracies):
        raise ShapeError("Accuracies over different folds cannot be compared.")
    differences = np.array(other.accuracies) - np.array(base.accuracies)
    return FoldGain(
        float(differences.mean()),
        float(differences.std()),
        float(differences.std(ddof=1) / np.sqrt(len(differences))),
    )


def costs(embedders: Mapping[str, Embedder], crops: NDArray[np.uint8]) -> dict[str, Cost]:
    """Time embedders on the same Crops in turns.

    Args:
        embedders: name -> embedder; ratios are to the first.
        crops: (N, S, S, 3) uint8; N at a time, N at least 1.
    """
    seconds = time_in_turns(
        {name: partial(one.embed_vectors, crops) for name, one in embedders.items()}
    )
    base = next(iter(seconds.values()))
    found = {}
    for name, taken in seconds.items():
        low, middle, high = np.percentile(taken / base, (25, 50, 75))
        ms = 1e3 * float(np.median(taken)) / len(crops)
        found[name] = Cost(ms, float(middle), float(low), float(high))
    return found


def time_in_turns(
    work: Mapping[str, Callable[[], object]],
    *,
    n_rounds: int | None = None,
    turn_s: float = TURN_S,
    clock: Callable[[], float] = perf_counter,
) -> dict[str, NDArray[np.float64]]:
    """Time several pieces of work, each once a round, so that the machine's load meets all alike.

    Args:
        work: name -> what to run.
        n_rounds: how many rounds count (``N_ROUNDS``); one more goes before them to warm up.
        turn_s: shortest turn, in seconds.
        clock: seconds that pass.

    Returns:
        name -> (R,) seconds a run, one entry a round: the median of the turn's runs.
    """
    seconds: dict[str, list[float]] = {name: [] for name in work}
    names = list(work)
    for turn in range((n_rounds or N_ROUNDS) + 1):
        start = turn % len(names)
        for name in names[start:] + names[:start]:
            seconds[name].append(_turn(work[name], turn_s, clock))
    return {name: np.array(taken[1:]) for name, taken in seconds.items()}


def _turn(run: Callable[[], object], turn_s: float, clock: Callable[[], float]) -> float:
    begin = before = clock()
    taken: list[float] = []
    while not taken or before - begin < turn_s:
        run()
        now = clock()
        taken.append(now - before)
        before = now
    return float(np.median(taken))
