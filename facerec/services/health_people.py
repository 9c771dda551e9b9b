"""Findings about pairs of people: one person enrolled twice, and people who look alike."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from facerec.match.likeness import Floats, fit_likeness, wrong_name_share
from facerec.services.health_looks import Looks
from facerec.services.health_scan import BLOCK_ROWS, Ints, Scan
from facerec.services.health_subject import Subject
from facerec.services.health_types import Action, ActionKind, Finding, FindingKind, Outlook

# Taken for granted before anything is seen: one Person in a hundred is enrolled twice.
SHARE_TWICE = 0.01
# Of a thousand looks at either, so many wrong names make two people a finding.
MIN_CONFUSED = 1e-3
# Pictures shown of each.
_N_PICTURES = 3


@dataclass(frozen=True, slots=True)
class Draft:
    """A finding that has no number yet, and how strongly it speaks."""

    finding: Finding
    strength: float


def duplicates(subject: Subject) -> dict[tuple[int, int], Draft]:
    """Find people who are most likely one Person, by the mean directions of their Templates.

    Returns:
        By pair of people, the lower number first; pairs known to be different are left out.
    """
    scan = subject.scan
    if scan.n_people < 2:
        return {}
    centres = _centres(scan)
    pairs, scores, nearest = _alike(centres, scan.likeness.pair - 3.0 * scan.likeness.mated.spread)
    # The same distributions, but of people and not of single Templates.
    empty = np.empty(0, np.float32)
    random = scan.likeness.random
    by_people = fit_likeness(
        empty, empty, empty, nearest, random.mean, random.spread, scan.n_people
    ).nearest
    n_own = scan.n_own
    expected = scan.likeness.expected(n_own[pairs[:, 0]], n_own[pairs[:, 1]])
    likeness = replace(scan.likeness, nearest=by_people)
    strength = likeness.same_rather_than_nearest(scores, expected) + math.log(SHARE_TWICE)
    found = {}
    for at in np.flatnonzero(strength > 0).tolist():
        one, other = (int(number) for number in pairs[at])
        if not subject.is_excluded(one, other):
            found[one, other] = _duplicate(
                subject, one, other, float(scores[at]), float(expected[at]), float(strength[at])
            )
    return found


def look_alikes(
    subject: Subject, looks: Looks, left_out: Collection[tuple[int, int]], hidden: Collection[int]
) -> list[Draft]:
    """Find people whose new looks would be named as each other.

    Args:
        subject: the gallery.
        looks: what is expected of new looks.
        left_out: pairs of people who are one.
        hidden: Templates that are filed wrongly.
    """
    scan = subject.scan
    rows = np.array(sorted(hidden), np.int64)
    seen = ~(np.isin(scan.pairs[:, 0], rows) | np.isin(scan.pairs[:, 1], rows))
    one, other = scan.person[scan.pairs[seen, 0]], scan.person[scan.pairs[seen, 1]]
    pairs = np.unique(np.stack([one, other], axis=1)[one < other], axis=0)
    drafts = []
    for first, second in pairs.tolist():
        if (first, second) not in left_out and not {first, second} <= subject.ignored:
            draft = _look_alike(subject, looks, first, second, hidden)
            if draft is not None:
                drafts.append(draft)
    return drafts


def _centres(scan: Scan) -> Floats:
    sums = np.add.reduceat(scan.vectors, scan.starts[:-1], axis=0)
    centres: Floats = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-6)
    return centres


def _alike(centres: Floats, least: float) -> tuple[Ints, Floats, Floats]:
    """Pairs (M, 2) of people at or above a Score, these (M,), and each one's best Score (P,)."""
    n = len(centres)
    best = np.empty(n, np.float32)
    pairs, found = [], []
    for start in range(0, n, BLOCK_ROWS):
        block = slice(start, min(start + BLOCK_ROWS, n))
        scores = centres[block] @ centres.T
        scores[np.arange(len(scores)), np.arange(block.start, block.stop)] = -np.inf
        best[block] = scores.max(axis=1)
        one, other = np.nonzero(scores >= least)
        later = one + start < other
        pairs.append(np.stack([one[later] + start, other[later]], axis=1))
        found.append(scores[one[later], other[later]])
    return np.concatenate(pairs), np.concatenate(found), best


def _duplicate(
    subject: Subject, one: int, other: int, score: float, expected: float, strength: float
) -> Draft:
    n_own = subject.scan.n_own
    # The one with fewer Templates goes; of two with as many, the one enrolled later.
    giver, taker = (one, other) if n_own[one] < n_own[other] else (other, one)
    moved = dict.fromkeys(subject.scan.rows_of(giver).tolist(), taker)
    shown = [*subject.best_rows(giver, _N_PICTURES), *subject.best_rows(taker, _N_PICTURES)]
    names = (subject.names[giver], subject.names[taker])
    finding = Finding(
        number=0,
        kind=FindingKind.DUPLICATE,
        names=names,
        template_ids=subject.ids_of(*shown),
        score=score,
        beside=expected,
        action=Action(ActionKind.MERGE, name=names[0], into=names[1]),
        effect=subject.answers.effect(moved),
    )
    return Draft(finding, strength)


def _look_alike(
    subject: Subject, looks: Looks, one: int, other: int, hidden: Collection[int]
) -> Draft | None:
    scan, rule = subject.scan, subject.rule
    rows = [
        np.array([row for row in scan.rows_of(person).tolist() if row not in hidden], np.int64)
        for person in (one, other)
    ]
    if not all(map(len, rows)):
        return None
    scores = scan.vectors[rows[0]] @ scan.vectors[rows[1]].T
    rivals = np.array([looks.rival(scores.max(axis=1)), looks.rival(scores.max(axis=0))])
    both = np.array([one, other])
    shares = [
        wrong_name_share(
            rivals, own[both], looks.rival_spread, looks.own_spread,
            rule.threshold, rule.required_margin,
        )
        for own in (looks.own, looks.own_with_another)
    ]  # fmt: skip
    before, after = (float(share.mean()) for share in shares)
    best = float(scores.max())
    if best < rule.threshold and before < MIN_CONFUSED:
        return None
    at = np.unravel_index(int(scores.argmax()), scores.shape)
    first, second = int(rows[0][at[0]]), int(rows[1][at[1]])
    # Another image helps most whom there are fewest of.
    needy = one if len(rows[0]) <= len(rows[1]) else other
    finding = Finding(
        number=0,
        kind=FindingKind.LOOK_ALIKE,
        names=(subject.names[one], subject.names[other]),
        template_ids=subject.ids_of(first, second),
        score=best,
        beside=rule.threshold,
        action=Action(ActionKind.ENROL, name=subject.names[needy]),
        outlook=Outlook(before, after),
    )
    return Draft(finding, before)
