"""Faults to plant in a gallery of real people: who is chosen, and what becomes of their images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from PIL import ImageFilter

from facerec.errors import InputError
from facerec.types import Crop

# Of a Crop of 112 pixels: a face well out of focus.
BLUR_SIGMA_PX = 4.0
# Random images of different people score higher in one comparison of twenty or fewer. Images of LFW
# that score lower with all others of their Person show a bystander, somebody else, or too little.
LEAST_OWN = 0.2
# A made-up Template differs from the real one in a direction mixed of so many real differences.
_N_MIXED = 1024
_BLOCK_ROWS = 512

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Who is enrolled, and with which faults. People have new numbers from 0.

    Attributes:
        filed: (N,) whom each image is filed under; -1 for images that are not enrolled.
        alone: (A,) images of people with one only, who get a made-up second Template.
        misfiled: (F,) images filed under somebody else.
        twice: (F, 2) numbers that one Person is enrolled under.
        alike: (F, 2) different people with the highest Scores.
        alike_scores: (F,) of these.
        blurred: (F,) images to be blurred.
    """

    filed: Ints
    alone: Ints
    misfiled: Ints
    twice: Ints
    alike: Ints
    alike_scores: NDArray[np.float32]
    blurred: Ints


def plan_faults(
    vectors: NDArray[np.float32],
    person: Ints,
    *,
    n_people: int,
    n_faults: int,
    rng: np.random.Generator,
) -> Plan:
    """Choose who is enrolled and what is wrong with them; nobody has two faults.

    The look-alikes are the pairs of different people with the highest Scores. Of any other pair as
    alike as the last of them one Person is left out, so that no further look-alikes are enrolled.

    Args:
        vectors: (N, D) float32 of unit length.
        person: (N,) whom each image shows, numbered from 0.
        n_people: to enrol.
        n_faults: of each kind.
        rng: decides.

    Raises:
        InputError: there are too few people.
    """
    alike, scores, dropped = _most_alike(vectors, person, n_faults)
    counts = np.bincount(person)
    free = np.ones(len(counts), bool)
    free[alike.ravel()] = False
    free[sorted(dropped)] = False
    twice = _drawn(free, counts >= 4, n_faults, rng)
    givers = _drawn(free, counts >= 3, n_faults, rng)
    takers = _drawn(free, counts >= 2, n_faults, rng)
    unsharp = _drawn(free, counts >= 2, n_faults, rng)
    chosen = [*alike.ravel(), *twice, *givers, *takers, *unsharp]
    # One of those enrolled twice counts twice.
    rest = np.flatnonzero(free)
    rest = rest[np.argsort(-counts[rest] - rng.random(len(rest)), kind="stable")]
    n_rest = n_people - len(chosen) - n_faults
    if not 0 <= n_rest <= len(rest):
        raise InputError(
            f"The folder has too few people: {n_people:,} are wanted, and {len(rest):,} are left "
            f"of {len(counts):,} besides those with faults.",
            remedy="Give a larger folder, or enrol fewer.",
        )
    chosen = [*chosen, *rest[:n_rest].tolist()]
    number = np.full(len(counts), -1, np.int64)
    number[chosen] = np.arange(len(chosen))
    filed = number[person]
    pairs = np.stack([number[twice], len(chosen) + np.arange(n_faults)], axis=1)
    for one, new in pairs.tolist():
        filed[np.flatnonzero(filed == one)[2:]] = new
    misfiled = np.array([rng.choice(np.flatnonzero(person == one)) for one in givers], np.int64)
    filed[misfiled] = number[takers]
    return Plan(
        filed=filed,
        alone=np.flatnonzero((filed >= 0) & (counts[person] == 1)),
        misfiled=misfiled,
        twice=pairs,
        alike=number[alike],
        alike_scores=scores,
        blurred=np.array([rng.choice(np.flatnonzero(person == one)) for one in unsharp], np.int64),
    )


def agreeing(vectors: NDArray[np.float32], person: Ints) -> NDArray[np.bool_]:
    """Say which images, (N,), look like another one of the same Person, or are the only one.

    Of a Person whose images all differ the first stays.

    Args:
        vectors: (N, D) float32 of unit length.
        person: (N,) whom each image shows, rising.
    """
    agrees = np.ones(len(person), bool)
    starts = np.flatnonzero(np.diff(person, prepend=-1))
    for rows in np.split(np.arange(len(person)), starts[1:]):
        if len(rows) > 1:
            scores = vectors[rows] @ vectors[rows].T
            np.fill_diagonal(scores, -np.inf)
            agrees[rows] = scores.max(axis=1) >= LEAST_OWN
            agrees[rows[0]] |= not agrees[rows].any()
    return agrees


def second_templates(
    vectors: NDArray[np.float32], person: Ints, rows: Ints, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Make up a second Template for some images, (n, D), with the statistics of real ones.

    Its Score with the first is that of a real pair of images of one Person, drawn at random; the
    direction in which it differs is mixed of the directions in which real pairs differ.

    Args:
        vectors: (N, D) float32 of unit length.
        person: (N,) whom each image shows.
        rows: (n,) of whom.
        rng: decides.
    """
    order = np.argsort(person, kind="stable")
    same = person[order[1:]] == person[order[:-1]]
    one, other = vectors[order[:-1][same]], vectors[order[1:][same]]
    scores = np.einsum("ij,ij->i", one, other)
    differences = other - scores[:, None] * one
    made = np.empty((len(rows), vectors.shape[1]), np.float32)
    for at, row in enumerate(rows.tolist()):
        vector = vectors[row]
        mixed = rng.choice(len(scores), _N_MIXED)
        away = rng.standard_normal(_N_MIXED).astype(np.float32) @ differences[mixed]
        away -= (away @ vector) * vector
        away /= np.linalg.norm(away)
        score = float(scores[rng.integers(len(scores))])
        made[at] = score * vector + np.sqrt(1.0 - score**2) * away
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made


def blurred(crop: Crop) -> Crop:
    """Return a Crop (S, S, 3) out of focus."""
    radius = BLUR_SIGMA_PX * len(crop) / 112
    return np.asarray(PilImage.fromarray(crop).filter(ImageFilter.GaussianBlur(radius)))


def _most_alike(
    vectors: NDArray[np.float32], person: Ints, n_pairs: int
) -> tuple[Ints, NDArray[np.float32], set[int]]:
    """The most alike pairs of people, each in one, their Scores, and whom to leave out for them."""
    ones, others, found = [], [], []
    for start in range(0, len(vectors), _BLOCK_ROWS):
        scores = vectors[start : start + _BLOCK_ROWS] @ vectors[start:].T
        scores[person[start : start + _BLOCK_ROWS, None] == person[None, start:]] = -np.inf
        # Enough to hold the pairs wanted whoever is in several.
        n_kept = min(20 * n_pairs, scores.size)
        least = np.partition(scores.ravel(), -n_kept)[-n_kept]
        one, other = np.nonzero(np.isfinite(scores) & (scores >= least))
        ones.append(person[start + one])
        others.append(person[start + other])
        found.append(scores[one, other])
    pairs = np.sort(np.stack([np.concatenate(ones), np.concatenate(others)], axis=1), axis=1)
    order = np.argsort(-np.concatenate(found), kind="stable")
    return _matched(pairs[order], np.concatenate(found)[order], n_pairs)


def _matched(
    pairs: Ints, scores: NDArray[np.float32], n_pairs: int
) -> tuple[Ints, NDArray[np.float32], set[int]]:
    """Of pairs (M, 2), the most alike first, those of which nobody is in another pair as alike."""
    chosen: dict[tuple[int, int], float] = {}
    partner: dict[int, tuple[int, int]] = {}
    dropped: set[int] = set()
    for one, other, score in zip(*pairs.T.tolist(), scores.tolist(), strict=True):
        if len(chosen) == n_pairs:
            break
        if (one, other) in chosen or dropped & {one, other}:
            continue
        busy = [partner[number] for number in (one, other) if number in partner]
        if not busy:
            chosen[one, other] = score
            partner |= {one: (one, other), other: (one, other)}
        elif len(busy) == 1:
            dropped.add(other if one in partner else one)
        else:  # both are in a pair: the less alike pair goes
            least = min(busy, key=chosen.__getitem__)
            del chosen[least]
            dropped.update(least)
            for number in least:
                del partner[number]
    if len(chosen) < n_pairs:
        raise InputError("The folder has too few people.", remedy="Give a larger folder.")
    return np.array(list(chosen), np.int64), np.array(list(chosen.values()), np.float32), dropped


def _drawn(
    free: NDArray[np.bool_], fitting: NDArray[np.bool_], n: int, rng: np.random.Generator
) -> Ints:
    """Draw people who are free and fit, and take them."""
    candidates = np.flatnonzero(free & fitting)
    if len(candidates) < n:
        raise InputError(
            f"The folder has {len(candidates)} people with enough images; {n} are wanted.",
            remedy="Give a larger folder, or plant fewer faults.",
        )
    chosen: Ints = rng.choice(candidates, n, replace=False)
    free[chosen] = False
    return chosen
