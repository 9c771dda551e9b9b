"""The gallery as the health check sees it: Templates ordered by Person, with the scan of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from facerec.errors import InputError
from facerec.gallery.exclusions import list_exclusions
from facerec.gallery.people import list_people
from facerec.gallery.templates import TemplateVectors, owners_of, qualities
from facerec.match.rule import MatchRule
from facerec.progress import Task
from facerec.services.health_effect import Answers
from facerec.services.health_scan import Ints, Scan, scan

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What is examined; people and Templates are numbered from 0, in the order of the scan.

    Attributes:
        scan: of all Scores.
        template_ids: (N,).
        quality: (N,) in [0, 1].
        person_ids: (P,).
        names: of the people.
        ignored: people who are never named.
        excluded: (person, row) of which it is known that the Template is not the Person.
        rule: when a Score is enough.
        answers: what each Template is answered to be.
    """

    scan: Scan
    template_ids: Ints
    quality: NDArray[np.float64]
    person_ids: Ints
    names: tuple[str, ...]
    ignored: frozenset[int]
    excluded: frozenset[tuple[int, int]]
    rule: MatchRule
    answers: Answers

    def is_excluded(self, one: int, other: int) -> bool:
        """Whether two people are known to be different."""
        return any((one, row) in self.excluded for row in self.scan.rows_of(other).tolist()) or any(
            (other, row) in self.excluded for row in self.scan.rows_of(one).tolist()
        )

    def ids_of(self, *rows: int) -> tuple[int, ...]:
        """Return the ids of Templates."""
        return tuple(int(self.template_ids[row]) for row in rows)

    def best_rows(self, person: int, n: int) -> list[int]:
        """Return up to ``n`` Templates of a Person, best quality first."""
        rows = self.scan.rows_of(person)
        best: list[int] = rows[np.argsort(-self.quality[rows], kind="stable")][:n].tolist()
        return best


def read_subject(session: Session, rule: MatchRule, task: Task) -> Subject:
    """Read everybody who is compared, and compare them.

    Args:
        session: which state of the gallery is examined.
        rule: when a Score is enough.
        task: hears of progress and may stop the work.

    Raises:
        InputError: nobody is enrolled.
        DatabaseCorruptError: a vector is damaged.
        Cancelled: the task was stopped.
    """
    ids, vectors = TemplateVectors(session).vectors()
    if not len(ids):
        raise InputError(
            "Nobody is enrolled, so there is nothing to examine.",
            remedy="Enrol somebody first: facerec enroll NAME IMAGE.",
        )
    owners = owners_of(session, ids.tolist())
    owner_ids = np.array([owners[int(one)].person_id for one in ids], np.int64)
    order = np.lexsort((ids, owner_ids))
    ids, owner_ids = ids[order], owner_ids[order]
    person_ids, person = np.unique(owner_ids, return_inverse=True)
    found = scan(
        vectors[order], person, threshold=rule.threshold, margin=rule.required_margin, task=task
    )
    known = {one.id: one for one in list_people(session)}
    ignored = frozenset(
        number
        for number, one in enumerate(person_ids.tolist())
        if known[one].ignored_at is not None
    )
    by_id = qualities(session)
    numbers = {one: number for number, one in enumerate(person_ids.tolist())}
    rows = {one: row for row, one in enumerate(ids.tolist())}
    return Subject(
        scan=found,
        template_ids=ids,
        quality=np.array([by_id[one] for one in ids.tolist()]),
        person_ids=person_ids,
        names=tuple(known[one].name for one in person_ids.tolist()),
        ignored=ignored,
        excluded=frozenset(
            (numbers[fact.person_id], rows[fact.template_id])
            for fact in list_exclusions(session)
            if fact.person_id in numbers and fact.template_id in rows
        ),
        rule=rule,
        answers=Answers(
            found, threshold=rule.threshold, margin=rule.required_margin, ignored=ignored
        ),
    )
