"""The looks of one track -> one Decision: a vote weighted by quality, slow to change its mind.

Each look (one Embedding with the quality of its Face) has a say by its quality, and looks that are
alike share theirs: ten looks at one view of a face say hardly more than one. The track's Score
for a Person is that of the direction of its looks' weighted mean: one search of the Gallery a
track, however many looks. A stranger's direction reaches the Threshold as often as a single look
does, so the Threshold keeps its meaning, while what differs from look to look of the same face
averages out (docs/decisions/0022-live-video.md).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from facerec.types import Candidate, Decision, QualityIssue, Reason, Verdict

# Looks that a track remembers.
N_LOOKS = 12
# A look with a quality issue counts this share of what its quality says.
_POOR_SHARE = 0.25
_LEAST_WEIGHT = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One time that a track's Face was embedded.

    Attributes:
        vector: (D,) float32, unit length.
        quality: of the Face, in [0, 1].
        issues: why the Face is hard to recognise.
    """

    vector: NDArray[np.float32]
    quality: float
    issues: tuple[QualityIssue, ...] = ()

    @property
    def weight(self) -> float:
        """How much it counts."""
        share = _POOR_SHARE if self.issues else 1.0
        return max(_LEAST_WEIGHT, share * self.quality)


@dataclass(frozen=True, slots=True)
class VoteOptions:
    """How soon a track has a name, and how fast it holds on to it.

    Attributes:
        min_looks: looks without quality issues before anybody is named.
        sure_by: how far above the Threshold one look must lie to be enough by itself.
        slack: how far the Score of a name once given may fall below the Threshold; a name first
            given must lie above the Threshold by the margin.
    """

    min_looks: int = 2
    sure_by: float = 0.15
    slack: float = 0.04


class TrackVote:
    """What the looks of one track say together.

    Attributes:
        options: see ``VoteOptions``.
        name: the Person named at present; None when nobody is.
        n_looks: how many looks there were, forgotten ones included.
    """

    def __init__(self, options: VoteOptions | None = None) -> None:
        self.options = options or VoteOptions()
        self.name: Candidate | None = None
        self.n_looks = 0
        self._looks: deque[Look] = deque(maxlen=N_LOOKS)

    def add(self, look: Look) -> None:
        """Count one more look."""
        self._looks.append(look)
        self.n_looks += 1

    @property
    def is_settled(self) -> bool:
        """Whether there were enough good looks for an answer that will last."""
        good = sum(not look.issues for look in self._looks)
        return self.name is not None or good >= self.options.min_looks

    def direction(self) -> NDArray[np.float32]:
        """Return the direction of all looks' weighted mean, (D,) of unit length."""
        vectors = np.stack([look.vector for look in self._looks])
        weights = np.array([look.weight for look in self._looks])
        # The squared Score is the share of one look that is in the other; a poor look takes
        # from a better one no more than its own weight.
        common = np.maximum(vectors @ vectors.T, 0.0) ** 2
        shared = (common * np.minimum(1.0, weights / weights[:, None])).sum(axis=1)
        mean = (weights / shared) @ vectors
        unit: NDArray[np.float32] = (mean / np.linalg.norm(mean)).astype(np.float32)
        return unit

    def issues(self) -> tuple[QualityIssue, ...]:
        """What is to be said against the best look."""
        return max(self._looks, key=lambda look: look.weight).issues if self._looks else ()

    def settle(self, decision: Decision) -> Decision:
        """Say what to show, given what the looks say now.

        Args:
            decision: on the direction of all looks, by the rules of ``facerec.match.decide``.

        Returns:
            The same Decision, one that keeps the name given before although it would not be given
            now, or UNSURE while there are too few looks.
        """
        kept = self._kept(decision)
        if kept is not None:
            self.name = kept.person
            return kept
        self.name = None
        if decision.verdict is Verdict.KNOWN and not self._is_enough(decision):
            return withheld(decision, Reason.TOO_FEW_LOOKS)
        if not self.is_settled and decision.verdict is Verdict.UNKNOWN and decision.candidates:
            return withheld(decision, Reason.TOO_FEW_LOOKS)
        self.name = decision.person
        return decision

    def release(self) -> None:
        """Give the name up: somebody else in the image has the better claim."""
        self.name = None

    def _is_enough(self, decision: Decision) -> bool:
        # Each look is another chance for a stranger near the Threshold, so a first name must lead
        # over nobody as clearly as over anybody else.
        lead = decision.required_margin if self.is_settled else self.options.sure_by
        return decision.candidates[0].score >= decision.threshold + lead

    def _kept(self, decision: Decision) -> Decision | None:
        """The Decision with the present name, if that may stay."""
        if self.name is None:
            return None
        held = _of_person(decision.candidates, self.name.person_id)
        if held is None or held.score < decision.threshold - self.options.slack:
            return None
        if decision.reason is Reason.IGNORED:
            return None  # somebody who is never named is nearer
        if decision.verdict is Verdict.KNOWN and decision.person is not held:
            return None  # somebody else is clearly nearer
        return replace(decision, verdict=Verdict.KNOWN, reason=Reason.ABOVE_THRESHOLD, person=held)


def withheld(decision: Decision, reason: Reason) -> Decision:
    """Return a Decision without a name, UNSURE for the reason given."""
    return replace(decision, verdict=Verdict.UNSURE, reason=reason, person=None)


def _of_person(candidates: Sequence[Candidate], person_id: int) -> Candidate | None:
    return next((c for c in candidates if c.person_id == person_id), None)
