"""What an action would change, measured: each Template concerned searches among all the others."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from facerec.services.health_scan import Scan
from facerec.services.health_types import Effect

_NOBODY = -1


class Answers:
    """Answers that Templates get when they are left out and searched for.

    No Decision depends on Scores more than the margin below the Threshold, and those above are all
    in the scan, so that every answer is exact.
    """

    def __init__(
        self, scan: Scan, *, threshold: float, margin: float, ignored: Collection[int]
    ) -> None:
        """Keep what answers follow from.

        Args:
            scan: of the gallery, with pairs down to the margin below the Threshold.
            threshold: smallest Score that counts.
            margin: smallest lead that counts.
            ignored: people who are never named, by their numbers in the scan.
        """
        self._scan, self._threshold, self._margin = scan, threshold, margin
        self._ignored = frozenset(ignored)

    def of(
        self, row: int, moved: Mapping[int, int] | None = None, hidden: Collection[int] = ()
    ) -> int:
        """Return who a Template is answered to be, -1 for nobody.

        Args:
            row: of the Template.
            moved: whose some Templates are to be instead, by row.
            hidden: rows that are not compared.
        """
        moved = moved or {}
        best: dict[int, float] = {}
        rows, scores = self._scan.neighbours(row)
        for other, score in zip(rows.tolist(), scores.tolist(), strict=True):
            if other not in hidden:
                owner = moved.get(other, int(self._scan.person[other]))
                best[owner] = max(score, best.get(owner, -1.0))
        ranked = sorted(best.items(), key=lambda entry: -entry[1])
        if not ranked or ranked[0][1] < self._threshold or ranked[0][0] in self._ignored:
            return _NOBODY
        if len(ranked) > 1 and ranked[0][1] - ranked[1][1] < self._margin:
            return _NOBODY
        return ranked[0][0]

    def of_everybody(self) -> tuple[int, int, int]:
        """Return how many Templates can search, how many are found, and how many wrongly named."""
        n_own = self._scan.n_own
        rows = [
            row for row, one in enumerate(self._scan.person.tolist())
            if n_own[one] > 1 and one not in self._ignored
        ]  # fmt: skip
        return (len(rows), *self._counted(rows, {}, ()))

    def effect(self, moved: Mapping[int, int], hidden: Collection[int] = ()) -> Effect:
        """Return what it would change to give Templates to others, or to set them aside.

        Args:
            moved: whose Templates are to be, by row.
            hidden: rows that are to be set aside.
        """
        changed = {*moved, *hidden}
        people = {int(self._scan.person[row]) for row in changed} | set(moved.values())
        rows = {row for person in people for row in self._scan.rows_of(person).tolist()}
        for row in changed:
            rows.update(self._scan.neighbours(row)[0].tolist())
        rows -= set(hidden)
        found_before, wrong_before = self._counted(rows, {}, ())
        found_after, wrong_after = self._counted(rows, moved, hidden)
        return Effect(len(rows), found_before, found_after, wrong_before, wrong_after)

    def _counted(
        self, rows: Collection[int], moved: Mapping[int, int], hidden: Collection[int]
    ) -> tuple[int, int]:
        """How many are answered to be whose they are filed as, and how many to be somebody else."""
        found = wrong = 0
        for row in rows:
            answer = self.of(row, moved, hidden)
            is_own = answer == moved.get(row, int(self._scan.person[row]))
            found += is_own
            wrong += answer != _NOBODY and not is_own
        return found, wrong
