"""The health of a gallery: what in it makes wrong or missed names, and what to do about it.

Everything is judged by the gallery's own Scores, in one pass over all of them; nothing is changed.
A finding's action is performed only when asked for, and is then a step like any other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from facerec.errors import ImageWriteError, NotFoundError, RangeError
from facerec.imaging.draw import write_image
from facerec.match.rule import MatchRule
from facerec.progress import SilentTask, Task
from facerec.services import exclusions, people
from facerec.services.gallery import OpenGallery
from facerec.services.health_looks import expect_looks
from facerec.services.health_people import Draft, duplicates, look_alikes
from facerec.services.health_pictures import misfiled, near_threshold, outliers, weak, with_issues
from facerec.services.health_subject import Subject, read_subject
from facerec.services.health_types import (
    ActionKind,
    Finding,
    FindingKind,
    HealthReport,
    PersonScores,
)
from facerec.services.portraits import template_crops

_ORDER = {kind: number for number, kind in enumerate(FindingKind)}
# Widest gap between two pictures of a strip.
_GAP_PX = 4


def check_health(
    gallery: OpenGallery, rule: MatchRule, *, task: Task | None = None
) -> HealthReport:
    """Examine a gallery; it is left as it is.

    Args:
        gallery: who is enrolled.
        rule: when a Score is enough; best the gallery's own, see ``calibrated_rule``.
        task: hears of progress and may stop the work.

    Raises:
        InputError: nobody is enrolled.
        StoreError: the gallery cannot be read.
        Cancelled: the task was stopped.
    """
    with gallery.store.read() as session:
        subject = read_subject(session, rule, task or SilentTask())
    drafts = sorted(
        _drafts(subject), key=lambda draft: (_ORDER[draft.finding.kind], -draft.strength)
    )
    poor = [d.finding.template_ids[0] for d in drafts if d.finding.kind is FindingKind.WEAK]
    crops = template_crops(gallery, poor)
    findings = tuple(
        with_issues(replace(draft.finding, number=number), crops)
        for number, draft in enumerate(drafts, start=1)
    )
    n_searches, n_found, n_wrong = subject.answers.of_everybody()
    return HealthReport(
        n_people=subject.scan.n_people,
        n_templates=len(subject.template_ids),
        threshold=rule.threshold,
        n_searches=n_searches,
        n_found=n_found,
        n_wrong=n_wrong,
        findings=findings,
        people=_people(subject),
    )


def find_finding(report: HealthReport, number: int) -> Finding:
    """Return a finding of a report.

    Raises:
        NotFoundError: there is none of that number.
    """
    for finding in report.findings:
        if finding.number == number:
            return finding
    raise NotFoundError(f"There is no finding {number}.", remedy="See: facerec gallery health.")


def apply_finding(gallery: OpenGallery, finding: Finding) -> None:
    """Do what a finding suggests, as one step that can be undone.

    Raises:
        RangeError: another image is needed, which only the user has.
        NotFoundError: what it is about is gone.
        DuplicateError: the other Person has a Template of that Image already.
    """
    action = finding.action
    if action.kind is ActionKind.MOVE:
        people.move_templates(gallery, action.template_ids, action.into)
    elif action.kind is ActionKind.MERGE:
        people.merge_people(gallery, action.name, action.into)
    elif action.kind is ActionKind.SET_ASIDE:
        people.set_aside(gallery, action.template_ids)
    else:
        raise RangeError(
            f"Finding {finding.number} asks for another image of {action.name}.",
            remedy=f"Enrol one: {action.command}.",
        )


def refuse_finding(gallery: OpenGallery, finding: Finding) -> None:
    """Note that the likeness a finding speaks of is none, so that it is not proposed again.

    One step, which can be undone.

    Raises:
        RangeError: it does not say that somebody is somebody else.
        NotFoundError: what it is about is gone.
    """
    if finding.kind is FindingKind.MISFILED:
        exclusions.exclude_templates(gallery, finding.names[1], finding.template_ids[:1])
    elif finding.kind is FindingKind.DUPLICATE:
        own = [one.id for one in people.show_person(gallery, finding.names[0]).templates]
        exclusions.exclude_templates(gallery, finding.names[1], own)
    else:
        raise RangeError(
            f"Finding {finding.number} does not say that somebody is somebody else.",
            remedy="Only findings of misfiled pictures and duplicates can be refused.",
        )


def write_pictures(
    gallery: OpenGallery, findings: Iterable[Finding], folder: Path
) -> dict[int, Path]:
    """Write each finding's pictures side by side into a folder.

    Returns:
        Files by the finding's number; findings without a picture that can be shown are left out.

    Raises:
        ImageWriteError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImageWriteError(
            f"The folder {folder} cannot be made ({error.strerror}).",
            remedy="Name another folder.",
        ) from error
    written = {}
    for finding in findings:
        crops = template_crops(gallery, finding.template_ids)
        shown = [crops[one] for one in finding.template_ids if one in crops]
        if not shown:
            continue
        side = max(len(crop) for crop in shown)
        strip = np.full((side, len(shown) * (side + _GAP_PX) - _GAP_PX, 3), 255, np.uint8)
        for at, crop in enumerate(shown):
            left = at * (side + _GAP_PX)
            strip[: len(crop), left : left + len(crop)] = crop
        path = folder / f"{finding.number:03d}-{finding.kind.value}.png"
        write_image(path, strip)
        written[finding.number] = path
    return written


def _drafts(subject: Subject) -> list[Draft]:
    """All findings; what one says of a Template is not said again in other words."""
    looks = expect_looks(subject.scan)
    same = duplicates(subject)
    # A poor picture looks like nobody, or like anybody: more cannot be said of it.
    poor = weak(subject)
    wrong = misfiled(subject, same.keys(), poor.keys())
    odd = outliers(subject, {*wrong, *poor})
    explained = {*wrong, *odd, *poor}
    twice = {row for pair in same for one in pair for row in subject.scan.rows_of(one).tolist()}
    return [
        *wrong.values(),
        *same.values(),
        *look_alikes(subject, looks, same.keys(), explained),
        *odd.values(),
        *poor.values(),
        *near_threshold(subject, looks, {*explained, *twice}),
    ]


def _people(subject: Subject) -> tuple[PersonScores, ...]:
    scan = subject.scan
    own = np.minimum.reduceat(scan.own_best, scan.starts[:-1])
    found = []
    for person, (start, end) in enumerate(
        zip(scan.starts[:-1].tolist(), scan.starts[1:].tolist(), strict=True)
    ):
        at = start + int(scan.other_best[start:end].argmax())
        has_other = bool(np.isfinite(scan.other_best[at]))
        found.append(
            PersonScores(
                name=subject.names[person],
                n_templates=end - start,
                lowest_own=float(own[person]) if np.isfinite(own[person]) else None,
                highest_other=float(scan.other_best[at]) if has_other else None,
                other=subject.names[int(scan.person[scan.other_template[at]])] if has_other else "",
            )
        )
    return tuple(sorted(found, key=_gap))


def _gap(scores: PersonScores) -> float:
    if scores.lowest_own is None or scores.highest_other is None:
        return np.inf
    return scores.lowest_own - scores.highest_other
