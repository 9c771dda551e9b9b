"""Two models side by side on one gallery's own people, before the new one serves.

Each Template searches among all the others under either model. People with several Templates say
who would be found; everybody, searching among the rest, says which strangers would be taken for
somebody; and each model's own reference of strangers says it for people who are not enrolled.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from facerec.config import MatchSettings
from facerec.errors import FacerecError, NotFoundError
from facerec.evaluate.error_rates import Estimate
from facerec.gallery.calibrations import Calibration, find_calibration
from facerec.gallery.model_change import StoredChange
from facerec.gallery.people import list_people
from facerec.gallery.spare_vectors import (
    VectorsBeside,
    list_failures,
    vectors_beside,
    waiting_templates,
)
from facerec.gallery.templates import owners_of
from facerec.match.reference import expected_fpir
from facerec.match.rule import MatchRule, rule_from_card
from facerec.services.calibrate import (
    LeaveOneOut,
    find_reference,
    leave_one_out,
    measure_calibration,
)
from facerec.services.gallery import OpenGallery
from facerec.services.model_shift import (
    PersonDrop,
    RateChange,
    Shift,
    own_fpir,
    shift_between,
)
from facerec.zoo import ModelCard, list_models

# With fewer people who have two Templates, one more or less found says nothing.
MIN_PEOPLE = 20


class Advice(StrEnum):
    """What the comparison comes to."""

    ACCEPT = "accept"
    DECIDE = "decide"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Side:
    """One model on the gallery's people.

    Attributes:
        threshold: smallest Score that counts.
        origin: where that comes from: ``own``, ``calibrated`` or ``card``.
        fnir: share of searches for enrolled people that miss; None when nobody has two Templates.
        fpir: share of people who, were they not enrolled, would be taken for somebody; None with
            fewer than two.
        reference_fpir: that share of other strangers, expected from the model's reference; None
            without one.
        calibration: what the Threshold is from; None when it was not calibrated.
    """

    model: str
    contract_id: str
    threshold: float
    origin: str
    fnir: Estimate | None
    fpir: Estimate | None
    reference_fpir: float | None
    calibration: Calibration | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the new model would change.

    Attributes:
        n_people: with Templates of both models.
        n_templates: of those people.
        n_mated_people: who have two of them or more, and can search for themselves.
        fnir_change: None when nobody has two Templates.
        fpir_change: None with fewer than two people.
        lost: names of people some search found and none finds now.
        gained: the reverse.
        drops: the largest falls, worst first.
        without: names of people whom the new model cannot embed.
        n_failed: Templates it cannot embed.
        advice: what to do.
        reason: why, in a sentence.
    """

    old: Side
    new: Side
    n_people: int
    n_templates: int
    n_mated_people: int
    fnir_change: RateChange | None
    fpir_change: RateChange | None
    lost: tuple[str, ...]
    gained: tuple[str, ...]
    drops: tuple[PersonDrop, ...]
    without: tuple[str, ...]
    n_failed: int
    advice: Advice
    reason: str


def compare_models(gallery: OpenGallery, change: StoredChange, match: MatchSettings) -> Comparison:
    """Compare the two models of a change on the gallery's own people.

    Args:
        gallery: in that change.
        change: prepared or accepted.
        match: what the user asks of a Decision.

    Raises:
        NotFoundError: a model is not here any more, or its card has no such Threshold.
        RangeError: its card has none, and the settings neither.
        StoreError: the gallery cannot be read.
    """
    with gallery.store.read() as session:
        beside = [
            vectors_beside(session, contract_id)
            for contract_id in (change.old_contract_id, change.new_contract_id)
        ]
        calibration = find_calibration(session, change.old_contract_id)
        names = {person.id: person.name for person in list_people(session)}
        n_failed = len(list_failures(session))
        waiting = owners_of(session, waiting_templates(session, change.new_contract_id))
    lacking = set(beside[0].person_ids.tolist()) - set(beside[1].person_ids.tolist())
    lacking -= {owner.person_id for owner in waiting.values()}
    without = tuple(sorted(names[one] for one in lacking))
    old_vectors, new_vectors, person_ids = _common(*beside)
    known, person = np.unique(person_ids, return_inverse=True)
    several = len(known) > 1
    searches = [
        leave_one_out(vectors, person) if several else None
        for vectors in (old_vectors, new_vectors)
    ]
    old = _side(
        change.old_model, change.old_contract_id, match, calibration, searches[0], len(person)
    )
    derived = derived_calibration(gallery, change.new_contract_id) if calibration else None
    new = _side(change.new_model, change.new_contract_id, match, derived, searches[1], len(person))
    shift = shift_between(
        searches, (old.threshold, new.threshold), [names[int(one)] for one in known]
    )
    advice, reason = _advice(shift, len(without), n_failed)
    return Comparison(
        old=old,
        new=new,
        n_people=len(known),
        n_templates=len(person),
        n_mated_people=shift.n_mated_people,
        fnir_change=shift.fnir,
        fpir_change=shift.fpir,
        lost=shift.lost,
        gained=shift.gained,
        drops=shift.drops,
        without=without,
        n_failed=n_failed,
        advice=advice,
        reason=reason,
    )


def derived_calibration(gallery: OpenGallery, contract_id: str) -> Calibration | None:
    """Calibrate a model on its vectors, served or not, for what the serving one was calibrated for.

    Returns:
        The calibration it has already, a new one, or None when the serving model was not
        calibrated or this one cannot be.
    """
    with gallery.store.read() as session:
        own = find_calibration(session, contract_id)
        serving = find_calibration(session)
        beside = vectors_beside(session, contract_id)
    if own is not None or serving is None or not len(beside.vectors):
        return own
    person = np.unique(beside.person_ids, return_inverse=True)[1].astype(np.int64)
    try:
        return measure_calibration(
            beside.vectors, person, contract_id, serving.requested_fpir, at=gallery.now()
        )
    except FacerecError:  # (too few people and no reference: its card's Threshold holds)
        return None


def _common(
    old: VectorsBeside, new: VectorsBeside
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """Vectors of both models and their owners, of the Templates that have both."""
    _, of_old, of_new = np.intersect1d(
        old.template_ids, new.template_ids, assume_unique=True, return_indices=True
    )
    return old.vectors[of_old], new.vectors[of_new], old.person_ids[of_old]


def _side(
    model: str,
    contract_id: str,
    match: MatchSettings,
    calibration: Calibration | None,
    searches: LeaveOneOut | None,
    n_templates: int,
) -> Side:
    rule, origin = _rule(contract_id, match, calibration)
    try:
        expected = expected_fpir(find_reference(contract_id), rule.threshold, n_templates)
    except FacerecError:  # (the model has no reference)
        expected = None
    return Side(
        model=model,
        contract_id=contract_id,
        threshold=rule.threshold,
        origin=origin,
        fnir=None if searches is None else searches.fnir(rule.threshold),
        fpir=None if searches is None else own_fpir(searches, rule.threshold),
        reference_fpir=expected,
        calibration=calibration if origin == "calibrated" else None,
    )


def _rule(
    contract_id: str, match: MatchSettings, calibration: Calibration | None
) -> tuple[MatchRule, str]:
    """Return when a Score is enough under a model, as ``match_rule`` would, and why."""
    if match.threshold is not None:
        return MatchRule(match.threshold, match.required_margin), "own"
    if calibration is not None and match.fmr is None:
        return MatchRule(calibration.threshold, match.required_margin), "calibrated"
    card = card_of_contract(contract_id)
    if card is None:
        raise NotFoundError(
            "The model that serves is not here any more, so the two cannot be compared.",
            remedy="Accept the new one without: facerec models accept.",
        )
    return rule_from_card(card, fmr=match.fmr, required_margin=match.required_margin), "card"


def card_of_contract(contract_id: str) -> ModelCard | None:
    """Return the card of the model a contract is of; None when it is not here."""
    for card in list_models():
        if card.task == "embed" and contract_id in (
            card.contract(mirror=False).id,
            card.contract(mirror=True).id,
        ):
            return card
    return None


def _advice(shift: Shift, n_without: int, n_failed: int) -> tuple[Advice, str]:
    if n_without:
        return Advice.KEEP, "people would be lost whom the new model has no vector of"
    if shift.fnir is None or shift.fpir is None or shift.n_mated_people < MIN_PEOPLE:
        return Advice.DECIDE, (
            f"fewer than {MIN_PEOPLE} people have two templates, which says too little; "
            "the models' cards compare them on more people"
        )
    worse = [change.low > 0.0 for change in (shift.fnir, shift.fpir)]
    better = [change.high < 0.0 for change in (shift.fnir, shift.fpir)]
    if any(worse):
        if any(better):
            return Advice.DECIDE, "one kind of error becomes rarer and the other more frequent"
        what = "fewer people would be found" if worse[0] else "more strangers would be named"
        return Advice.KEEP, what
    if n_failed:
        return Advice.DECIDE, "some pictures cannot be embedded with the new model"
    if any(better):
        return Advice.ACCEPT, (
            "more people would be found" if better[0] else "fewer strangers would be named"
        )
    return Advice.ACCEPT, "no difference shows that chance would not explain"
