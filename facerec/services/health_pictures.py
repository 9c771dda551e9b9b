"""Findings about single Templates: filed under somebody else, unlike the others, weak, at risk."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from facerec.match.likeness import normal_below
from facerec.quality.checks import assess_crop
from facerec.services.health_looks import Looks
from facerec.services.health_people import Draft
from facerec.services.health_subject import Subject
from facerec.services.health_types import Action, ActionKind, Finding, FindingKind, Outlook
from facerec.types import Crop

# Taken for granted before anything is seen: so many Templates are filed under somebody else, or
# show nobody who is enrolled.
SHARE_MISFILED = 0.005
# An outlier needs others that agree with each other.
MIN_FOR_OUTLIER = 3
# Below it a Template is weak: some check of its quality failed.
WEAK_QUALITY = 0.5
# Of new looks so many are missed where somebody is at risk.
RISKY_SHARE = 0.5
_N_BESIDE = 2


def misfiled(
    subject: Subject, one_person: Collection[tuple[int, int]], left_out: Collection[int]
) -> dict[int, Draft]:
    """Find Templates that show somebody else who is enrolled.

    Args:
        subject: the gallery.
        one_person: pairs of people who are one; their Templates are filed rightly either way.
        left_out: rows of which more is known already.

    Returns:
        By row; Templates known not to be the other are left out.
    """
    scan, likeness = subject.scan, subject.scan.likeness
    rows = np.flatnonzero(np.isfinite(scan.own_best) & (scan.rival >= 0))
    own, other, rival = scan.own_centre[rows], scan.other_centre[rows], scan.rival[rows]
    # It must look like the other rather than like a stranger, and not like whom it is filed under.
    theirs = likeness.same_rather_than_nearest(other, likeness.expected(scan.n_own[rival]))
    not_own = likeness.somebody_rather_than_same(
        own, likeness.expected(scan.n_own[scan.person[rows]] - 1)
    )
    strength = theirs + not_own + math.log(SHARE_MISFILED)
    found = {}
    for at in np.flatnonzero((strength > 0) & (theirs > 0) & (other > own)).tolist():
        row, goes_to = int(rows[at]), int(rival[at])
        person = int(scan.person[row])
        pair = (min(person, goes_to), max(person, goes_to))
        is_told = row in left_out or pair in one_person or (goes_to, row) in subject.excluded
        if not is_told:
            found[row] = Draft(_misfiled(subject, row, goes_to), float(strength[at]))
    return found


def outliers(subject: Subject, left_out: Collection[int]) -> dict[int, Draft]:
    """Find Templates that look like nobody they are filed with, nor like anybody else.

    Args:
        subject: the gallery.
        left_out: rows of which more is known already.
    """
    scan, likeness = subject.scan, subject.scan.likeness
    n_own = scan.n_own[scan.person]
    rows = np.flatnonzero(n_own >= MIN_FOR_OUTLIER)
    own = scan.own_centre[rows]
    strength = likeness.somebody_rather_than_same(
        own, likeness.expected(n_own[rows] - 1)
    ) + math.log(SHARE_MISFILED)
    found = {}
    for at in np.flatnonzero(strength > 0).tolist():
        row = int(rows[at])
        if row in left_out:
            continue
        person = int(scan.person[row])
        expected = float(likeness.expected(int(n_own[row]) - 1))
        found[row] = Draft(
            Finding(
                number=0,
                kind=FindingKind.OUTLIER,
                names=(subject.names[person],),
                template_ids=subject.ids_of(row, *_beside(subject, person, row)),
                score=float(own[at]),
                beside=expected,
                action=_set_aside(subject, row),
                effect=subject.answers.effect({}, [row]),
            ),
            float(strength[at]),
        )
    return found


def weak(subject: Subject) -> dict[int, Draft]:
    """Find Templates whose pictures are too poor, by the quality noted when they were enrolled."""
    scan = subject.scan
    found = {}
    for row in np.flatnonzero(subject.quality < WEAK_QUALITY).tolist():
        person = int(scan.person[row])
        others = [other for other in scan.rows_of(person).tolist() if other != row]
        is_spare = any(subject.quality[other] >= WEAK_QUALITY for other in others)
        quality = float(subject.quality[row])
        finding = Finding(
            number=0,
            kind=FindingKind.WEAK,
            names=(subject.names[person],),
            template_ids=subject.ids_of(row, *_beside(subject, person, row)),
            score=quality,
            beside=WEAK_QUALITY,
            action=_set_aside(subject, row)
            if is_spare
            else Action(ActionKind.ENROL, name=subject.names[person]),
            effect=subject.answers.effect({}, [row]) if is_spare else None,
        )
        found[row] = Draft(finding, 1.0 - quality)
    return found


def near_threshold(subject: Subject, looks: Looks, left_out: Collection[int]) -> list[Draft]:
    """Find people who will be missed more often than found, by what their own Templates score.

    Args:
        subject: the gallery.
        looks: what is expected of new looks.
        left_out: rows whose Scores are explained otherwise.
    """
    scan, threshold = subject.scan, subject.rule.threshold
    before, after = (
        normal_below((threshold - own) / looks.own_spread)
        for own in (looks.own, looks.own_with_another)
    )
    explained = {int(scan.person[row]) for row in left_out}
    drafts = []
    for person in np.flatnonzero((before >= RISKY_SHARE) & (scan.n_own > 1)).tolist():
        if person in explained or person in subject.ignored:
            continue
        rows = scan.rows_of(person)
        lowest = int(rows[np.argmin(scan.own_best[rows])])
        finding = Finding(
            number=0,
            kind=FindingKind.NEAR_THRESHOLD,
            names=(subject.names[person],),
            template_ids=subject.ids_of(lowest, *_beside(subject, person, lowest)),
            score=float(scan.own_best[lowest]),
            beside=threshold,
            action=Action(ActionKind.ENROL, name=subject.names[person]),
            outlook=Outlook(float(before[person]), float(after[person])),
        )
        drafts.append(Draft(finding, float(before[person])))
    return drafts


def with_issues(finding: Finding, crops: Mapping[int, Crop]) -> Finding:
    """Say why a weak Template is weak, as far as its Crop shows it.

    Args:
        finding: of whatever kind.
        crops: (S, S, 3) uint8, by Template.
    """
    crop = crops.get(finding.template_ids[0])
    if finding.kind is not FindingKind.WEAK or crop is None:
        return finding
    return replace(finding, issues=assess_crop(crop).issues)


def _misfiled(subject: Subject, row: int, goes_to: int) -> Finding:
    scan = subject.scan
    person = int(scan.person[row])
    names = (subject.names[person], subject.names[goes_to])
    beside = [*_beside(subject, person, row)[:1], *subject.best_rows(goes_to, _N_BESIDE)]
    return Finding(
        number=0,
        kind=FindingKind.MISFILED,
        names=names,
        template_ids=subject.ids_of(row, *beside),
        score=float(scan.other_centre[row]),
        beside=float(scan.own_centre[row]),
        action=Action(ActionKind.MOVE, subject.ids_of(row), names[0], names[1]),
        effect=subject.answers.effect({row: goes_to}),
    )


def _beside(subject: Subject, person: int, row: int) -> list[int]:
    return [one for one in subject.best_rows(person, _N_BESIDE + 1) if one != row][:_N_BESIDE]


def _set_aside(subject: Subject, row: int) -> Action:
    name = subject.names[int(subject.scan.person[row])]
    return Action(ActionKind.SET_ASIDE, subject.ids_of(row), name)
