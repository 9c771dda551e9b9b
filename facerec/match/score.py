"""Scores of Templates -> Scores of people: the best over each Person's Templates.

The best, not the mean: averaging hurts people whose pictures differ much. The price is that each
further Template raises the chance of a false alarm, so a Threshold is calibrated with as many.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from facerec.types import Candidate


class TemplateOwner(Protocol):
    """The Person a Template belongs to."""

    @property
    def person_id(self) -> int:
        """Id of the Person."""
        ...

    @property
    def name(self) -> str:
        """Name of the Person."""
        ...

    @property
    def ignored(self) -> bool:
        """Whether the Person is never named."""
        ...


def best_per_person(
    scored: Iterable[tuple[int, float]], owners: Mapping[int, TemplateOwner]
) -> list[Candidate]:
    """Reduce Scores of Templates to one Candidate per Person.

    Args:
        scored: (template id, Score) in any order; ids without owner are passed over, since another
            process may have removed them a moment ago.
        owners: who each Template belongs to.

    Returns:
        One Candidate per Person, best first; equal Scores by person id, then template id.

    Example:
        >>> from types import SimpleNamespace as Owner
        >>> ann = Owner(person_id=1, name="Ann", ignored=False)
        >>> bob = Owner(person_id=2, name="Bob", ignored=False)
        >>> people = best_per_person([(7, 0.3), (8, 0.6), (9, 0.5)], {7: ann, 8: ann, 9: bob})
        >>> [(c.name, c.score, c.template_id) for c in people]
        [('Ann', 0.6, 8), ('Bob', 0.5, 9)]
    """
    best: dict[int, Candidate] = {}
    for template_id, score in scored:
        owner = owners.get(template_id)
        if owner is None:
            continue
        new = Candidate(owner.person_id, owner.name, score, template_id, owner.ignored)
        old = best.get(owner.person_id)
        if old is None or _rank(new) < _rank(old):
            best[owner.person_id] = new
    return sorted(best.values(), key=_rank)


def without_excluded(
    candidates: Iterable[Candidate],
    vector: NDArray[np.float32],
    not_them: Mapping[int, NDArray[np.float32]],
) -> list[Candidate]:
    """Leave out people whom a face was said not to be that is at least as near as they are.

    Args:
        candidates: one per Person.
        vector: (D,) of the Probe.
        not_them: by Person, (E, D) vectors of faces that are not them.
    """
    return [
        candidate
        for candidate in candidates
        if candidate.person_id not in not_them
        or float((not_them[candidate.person_id] @ vector).max()) < candidate.score
    ]


def _rank(candidate: Candidate) -> tuple[float, int, int]:
    return -candidate.score, candidate.person_id, candidate.template_id
