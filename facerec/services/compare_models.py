"""Two models side by side on one gallery's own people, before the new one serves.

Each Template searches among all the others under either model. People with several Templates say
who would be found; everybody, searching among the rest, says which strangers would be taken for
somebody; and each model's own reference of strangers says it for people who are not enrolled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facerec.config import MatchSettings
from facerec.errors import FacerecError
from facerec.evaluate.error_rates import Estimate, bootstrap_ratio, interval
from facerec.gallery import model_change as rows
from facerec.gallery.calibrations import Calibration, find_calibration
from facerec.gallery.model_change import StoredChange, VectorsBeside
from facerec.gallery.people import list_people
from facerec.match.reference import expected_fpir
from facerec.match.rule import MatchRule, rule_from_card
from facerec.services.calibrate import (
    LeaveOneOut,
    find_reference,
    leave_one_out,
    measure_calibration,
)
from facerec.services.gallery import OpenGallery
from facerec.zoo import ModelCard, list_models

# With fewer people who have two Templates, one more or less found says nothing.
MIN_PEOPLE = 20
# How many names of each kind are worth reading.
N_DROPS = 5
_N_RESAMPLES = 2000


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
class RateChange:
    """A rate under the new model less that under the old one, with its 95 % interval by Person."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PersonDrop:
    """How far a Person's Scores are above what they must exceed, under either model.

    Attributes:
        before: mean of the best Score with an own Template, less the higher of the Threshold and
            the best Score with anybody else.
        after: likewise under the new model.
    """

    name: str
    before: float
    after: float


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
        without: names of people the new model has no vector of.
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
        FacerecError: a card has no Threshold that fits the settings.
        StoreError: the gallery cannot be read.
    """
    with gallery.store.read() as session:
        beside = [
            rows.vectors_beside(session, contract_id)
            for contract_id in (change.old_contract_id, change.new_contract_id)
        ]
        calibration = find_calibration(session, change.old_contract_id)
        names = {person.id: person.name for person in list_people(session)}
        n_failed = len(rows.list_failures(session))
    everybody = set(beside[0].person_ids.tolist())
    without = tuple(sorted(names[one] for one in everybody - set(beside[1].person_ids.tolist())))
    old_vectors, new_vectors, person_ids = _common(*beside)
    known, person = np.unique(person_ids, return_inverse=True)
    searches = [leave_one_out(part, person) if len(known) > 1 else None for part in
                (old_vectors, new_vectors)]  # fmt: skip
    old = _side(
        change.old_model, change.old_contract_id, match, calibration, searches[0], len(person)
    )
    derived = derived_calibration(gallery, change.new_contract_id) if calibration else None
    new = _side(change.new_model, change.new_contract_id, match, derived, searches[1], len(person))
    shift = _shift(old, new, searches, [names[int(one)] for one in known])
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
        beside = rows.vectors_beside(session, contract_id)
    if own is not None or serving is None or not len(beside.vectors):
        return own
    person = np.unique(beside.person_ids, return_inverse=True)[1].astype(np.int64)
    try:
        return measure_calibration(
            beside.vectors, person, contract_id, serving.requested_fpir, at=gallery.now()
        )
    except FacerecError:  # (too few people and no reference: its card's Threshold holds)
        return None


@dataclass(frozen=True, slots=True)
class _Shift:
    n_mated_people: int
    fnir: RateChange | None
    fpir: RateChange | None
    lost: tuple[str, ...]
    gained: tuple[str, ...]
    drops: tuple[PersonDrop, ...]


_NO_SHIFT = _Shift(0, None, None, (), (), ())


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
        fpir=None if searches is None else _own_fpir(searches, rule.threshold),
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
        raise FacerecError(
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


def _own_fpir(searches: LeaveOneOut, threshold: float) -> Estimate:
    errors, trials = _by_person(searches, searches.best >= threshold, np.ones_like(searches.person))
    return bootstrap_ratio(errors, trials)


def _by_person(
    searches: LeaveOneOut, wrong: NDArray[np.bool_], counted: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Wrong and counted searches (P,) of each Person, from those of each search (n,)."""
    size = int(searches.person.max()) + 1
    inside = counted.astype(bool)
    errors = np.bincount(searches.person[inside & wrong], minlength=size)
    return errors, np.bincount(searches.person[inside], minlength=size)


def _shift(
    old: Side, new: Side, searches: Sequence[LeaveOneOut | None], names: Sequence[str]
) -> _Shift:
    before, after = searches
    if before is None or after is None:
        return _NO_SHIFT
    strangers = np.ones_like(before.person)
    fpir = _change(
        *_by_person(before, before.best >= old.threshold, strangers),
        _by_person(after, after.best >= new.threshold, strangers)[0],
    )
    mated = np.isfinite(before.mate).astype(np.int64)
    if not mated.any():
        return _Shift(0, None, fpir, (), (), ())
    needed = [np.maximum(before.best, old.threshold), np.maximum(after.best, new.threshold)]
    missed = [_missed(before, old.threshold), _missed(after, new.threshold)]
    errors, trials = _by_person(before, missed[0], mated)
    new_errors = _by_person(after, missed[1], mated)[0]
    found, found_now = trials > errors, trials > new_errors
    return _Shift(
        n_mated_people=int((trials > 0).sum()),
        fnir=_change(errors, trials, new_errors),
        fpir=fpir,
        lost=tuple(names[one] for one in np.flatnonzero(found & ~found_now)),
        gained=tuple(names[one] for one in np.flatnonzero(~found & found_now)),
        drops=_drops(before, after, needed, names),
    )


def _missed(searches: LeaveOneOut, threshold: float) -> NDArray[np.bool_]:
    missed: NDArray[np.bool_] = (searches.mate < threshold) | (searches.mate <= searches.best)
    return missed


def _drops(
    before: LeaveOneOut,
    after: LeaveOneOut,
    needed: Sequence[NDArray[np.floating[Any]]],
    names: Sequence[str],
) -> tuple[PersonDrop, ...]:
    mated = np.isfinite(before.mate)
    person = before.person[mated]
    trials = np.bincount(person, minlength=len(names))
    leads = [
        np.bincount(person, (side.mate - least)[mated], minlength=len(names))
        / np.maximum(trials, 1)
        for side, least in zip((before, after), needed, strict=True)
    ]
    fall = leads[0] - leads[1]
    worst = [int(one) for one in np.argsort(-fall)[:N_DROPS] if fall[one] > 0.0 and trials[one]]
    return tuple(
        PersonDrop(names[one], float(leads[0][one]), float(leads[1][one])) for one in worst
    )


def _change(
    errors: NDArray[np.int64], trials: NDArray[np.int64], new_errors: NDArray[np.int64]
) -> RateChange:
    """New less old rate; people are drawn, each with all of both models' errors."""
    present = trials > 0
    gained, trials = (new_errors - errors)[present], trials[present]
    rng = np.random.default_rng(0)
    n = len(trials)
    weights = rng.multinomial(n, np.full(n, 1.0 / n), _N_RESAMPLES)
    low, high = interval((weights @ gained) / (weights @ trials))
    return RateChange(float(gained.sum() / trials.sum()), low, high)


def _advice(shift: _Shift, n_without: int, n_failed: int) -> tuple[Advice, str]:
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
