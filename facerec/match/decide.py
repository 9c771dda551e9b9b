"""Candidates -> Decision: nearest is not identified.

A name needs a Score at or above the Threshold, a clear margin to the second Person, and a Face good
enough; in one Image a Person appears at most once. Everything else is UNKNOWN or UNSURE, and the
Decision says which rule decided. Knows nothing of vectors, indexes or databases.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from facerec.errors import RangeError
from facerec.types import Candidate, Decision, QualityIssue, Reason, Verdict

# How many people a Decision shows as evidence.
N_EVIDENCE = 3


@dataclass(frozen=True, slots=True)
class FaceCandidates:
    """What is known of one Face of an Image when it is decided on.

    Attributes:
        candidates: one per Person, best first.
        quality_issues: why the Face is hard to recognise; empty when it is not.
    """

    candidates: tuple[Candidate, ...]
    quality_issues: tuple[QualityIssue, ...] = ()


def decide(
    candidates: Sequence[Candidate],
    *,
    threshold: float,
    required_margin: float,
    quality_issues: Sequence[QualityIssue] = (),
) -> Decision:
    """Decide on one Face by itself.

    The rules in their order: nobody enrolled -> UNKNOWN; best Score below the Threshold -> UNKNOWN;
    the best Person is ignored -> UNKNOWN; the Face has quality issues -> UNSURE; margin to the
    second Person too small -> UNSURE; else KNOWN. Quality comes before the margin because a poor
    Face lies near everybody, so its margin says little. The second Person counts whether or not
    they reach the Threshold themselves, and whether or not they are ignored.

    Args:
        candidates: one per Person, best first.
        threshold: the smallest Score that counts (inclusive).
        required_margin: the smallest lead over the second Person that counts (inclusive).
        quality_issues: of the Face.

    Raises:
        RangeError: the candidates are not best first, or a Person is among them twice.
    """
    _require_ranked(candidates)
    margin = candidates[0].score - candidates[1].score if len(candidates) > 1 else None
    if not candidates:
        verdict, reason = Verdict.UNKNOWN, Reason.EMPTY_GALLERY
    elif candidates[0].score < threshold:
        verdict, reason = Verdict.UNKNOWN, Reason.BELOW_THRESHOLD
    elif candidates[0].ignored:
        verdict, reason = Verdict.UNKNOWN, Reason.IGNORED
    elif quality_issues:
        verdict, reason = Verdict.UNSURE, Reason.LOW_QUALITY
    elif margin is not None and margin < required_margin:
        verdict, reason = Verdict.UNSURE, Reason.SMALL_MARGIN
    else:
        verdict, reason = Verdict.KNOWN, Reason.ABOVE_THRESHOLD
    return Decision(
        verdict=verdict,
        reason=reason,
        person=candidates[0] if verdict is Verdict.KNOWN else None,
        candidates=tuple(candidates[:N_EVIDENCE]),
        threshold=threshold,
        margin=margin,
        required_margin=required_margin,
        quality_issues=tuple(quality_issues),
    )


def decide_image(
    per_face: Sequence[FaceCandidates], *, threshold: float, required_margin: float
) -> list[Decision]:
    """Decide on all Faces of one Image; nobody is in it twice.

    Each Face is decided on by itself first. Where several Faces would get the same name, the one
    with the highest Score keeps it (equal Scores: the earlier Face). The others lose it with
    ``TAKEN_IN_IMAGE``, and are

    * UNKNOWN, when none of their remaining candidates reaches the Threshold: they looked like
      somebody who stands elsewhere in the Image;
    * UNSURE, when another enrolled Person does. That Person is *not* named: somebody else lies
      nearer to the Face, so the margin rule is not met, and naming by exclusion would call a
      mirror image or a poster of one Person by the name of another.

    Only Faces that were given a name take it: a Face that was itself UNSURE takes nobody away.
    Since losers get no other name, the result does not depend on the order of the Faces, equal
    Scores apart.

    Args:
        per_face: one entry per Face.
        threshold: see ``decide``.
        required_margin: see ``decide``.

    Returns:
        One Decision per Face, in the same order.
    """
    decisions = [
        decide(
            face.candidates,
            threshold=threshold,
            required_margin=required_margin,
            quality_issues=face.quality_issues,
        )
        for face in per_face
    ]
    return name_once(decisions, [face.candidates for face in per_face])


def name_once(
    decisions: Sequence[Decision],
    candidates: Sequence[Sequence[Candidate]],
    *,
    advantages: Sequence[float] | None = None,
) -> list[Decision]:
    """Take a name away from all Faces of one Image that share it but the most alike one.

    Args:
        decisions: one per Face.
        candidates: of each Face, best first.
        advantages: what is added to each Face's Score where a name is contested, for example for
            having had it before; nothing when not given.

    Returns:
        One Decision per Face, in the same order; see ``decide_image`` for the losers.
    """
    advantages = advantages or [0.0] * len(decisions)
    keeper: dict[int, int] = {}
    best: dict[int, float] = {}
    for index, decision in enumerate(decisions):
        if decision.person is None:
            continue
        person_id = decision.person.person_id
        score = decision.person.score + advantages[index]
        if person_id not in best or score > best[person_id]:
            keeper[person_id], best[person_id] = index, score
    return [
        decision
        if decision.person is None or keeper[decision.person.person_id] == index
        else _lost(decision, candidates[index], taken=keeper.keys())
        for index, decision in enumerate(decisions)
    ]


def _lost(
    decision: Decision, candidates: Sequence[Candidate], *, taken: Collection[int]
) -> Decision:
    free = (c.score for c in candidates if c.person_id not in taken and not c.ignored)
    another = any(score >= decision.threshold for score in free)
    return replace(
        decision,
        verdict=Verdict.UNSURE if another else Verdict.UNKNOWN,
        reason=Reason.TAKEN_IN_IMAGE,
        person=None,
    )


def _require_ranked(candidates: Sequence[Candidate]) -> None:
    scores = [candidate.score for candidate in candidates]
    if any(earlier < later for earlier, later in pairwise(scores)):
        raise RangeError("Candidates come best first.")
    if len({candidate.person_id for candidate in candidates}) != len(candidates):
        raise RangeError("A person is among the candidates once.")
