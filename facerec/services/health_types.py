"""What the health check says: findings, what to do about them, and what that would change."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from enum import StrEnum

from facerec.types import QualityIssue


class FindingKind(StrEnum):
    """What is the matter; in this order findings are listed."""

    MISFILED = "misfiled"
    DUPLICATE = "duplicate"
    LOOK_ALIKE = "look_alike"
    OUTLIER = "outlier"
    WEAK = "weak"
    NEAR_THRESHOLD = "near_threshold"


class ActionKind(StrEnum):
    """What to do about it."""

    MOVE = "move"
    MERGE = "merge"
    SET_ASIDE = "set_aside"
    ENROL = "enrol"


@dataclass(frozen=True, slots=True)
class Action:
    """What is suggested.

    Attributes:
        kind: what.
        template_ids: of what is moved or set aside.
        name: who is merged, or of whom another image is to be enrolled.
        into: who gets the Templates.
    """

    kind: ActionKind
    template_ids: tuple[int, ...] = ()
    name: str = ""
    into: str = ""

    @property
    def command(self) -> str:
        """The command that does it."""
        numbers = " ".join(map(str, self.template_ids))
        name, into = shlex.quote(self.name), shlex.quote(self.into)
        return {
            ActionKind.MOVE: f"facerec gallery move {numbers} --to {into}",
            ActionKind.MERGE: f"facerec gallery merge {name} {into}",
            ActionKind.SET_ASIDE: f"facerec gallery set-aside {numbers}",
            ActionKind.ENROL: f"facerec enroll {name} IMAGE",
        }[self.kind]


@dataclass(frozen=True, slots=True)
class Effect:
    """What an action would change, each Template left out once and searched for.

    Attributes:
        n_searches: with Templates whose answer the action can change.
        found_before: searches that name the right Person now.
        found_after: the same after the action.
        wrong_before: searches that name somebody else now.
        wrong_after: the same after the action.
    """

    n_searches: int
    found_before: int
    found_after: int
    wrong_before: int
    wrong_after: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is expected of new looks, now and with another image enrolled.

    Attributes:
        before: share of looks that are missed, or named as the other Person.
        after: the same with another image.
    """

    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is said about the gallery.

    Attributes:
        number: in the report, from 1.
        kind: what is the matter.
        names: of the people concerned, the one it is about first.
        template_ids: the pictures to look at, the one it is about first.
        score: of the likeness that speaks; of a weak Template, its quality.
        beside: what the Score is compared with: the own one, or what would be enough.
        action: what to do.
        effect: what that would change; None where another image is needed.
        outlook: what is expected of new looks; None where an action is measured.
        issues: why a weak Template is weak.
    """

    number: int
    kind: FindingKind
    names: tuple[str, ...]
    template_ids: tuple[int, ...]
    score: float
    beside: float
    action: Action
    effect: Effect | None = None
    outlook: Outlook | None = None
    issues: tuple[QualityIssue, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonScores:
    """The highest stranger beside the lowest own Score of one Person.

    Attributes:
        name: of the Person.
        n_templates: compared.
        lowest_own: of the Person's Templates with the best of the others; None with one only.
        highest_other: highest Score of anybody else's Template with one of them; None without.
        other: whose that is; empty without.
    """

    name: str
    n_templates: int
    lowest_own: float | None
    highest_other: float | None
    other: str


@dataclass(frozen=True, slots=True)
class HealthReport:
    """The health of a gallery at one moment.

    Attributes:
        n_people: with Templates that are compared.
        n_templates: compared.
        threshold: smallest Score that counts.
        n_searches: Templates of people with two or more, each left out once and searched for.
        n_found: how many of these searches name the right Person.
        n_wrong: how many name somebody else.
        findings: numbered from 1.
        people: those first whose lowest own Score lies least above the highest of others.
    """

    n_people: int
    n_templates: int
    threshold: float
    n_searches: int
    n_found: int
    n_wrong: int
    findings: tuple[Finding, ...]
    people: tuple[PersonScores, ...]
