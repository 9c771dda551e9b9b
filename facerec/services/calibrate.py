"""Calibrate a gallery: the Threshold at which at most one stranger in N is taken for somebody.

Each Person of the gallery searches among all the others, as a stranger would; where they are too
few to measure the rate, the model's reference comes in. The result is kept in the gallery with the
contract id and the size it holds for, and is the Threshold of its Decisions from then on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from facerec.errors import InputError, NotFoundError
from facerec.evaluate.error_rates import Estimate, bootstrap_ratio
from facerec.gallery.calibrations import Calibration, find_calibration, store_calibration
from facerec.gallery.people import list_people
from facerec.gallery.session import gallery_state
from facerec.gallery.templates import TemplateVectors, owners_of
from facerec.match.calibrate import (
    Calibrated,
    StrangerSearches,
    calibrate,
    can_follow,
    can_measure,
    grown_fpir,
    require_rate,
)
from facerec.match.reference import (
    ENDING,
    Reference,
    calibrate_from_reference,
    reference_from_text,
)
from facerec.match.rule import MatchRule
from facerec.services.gallery import OpenGallery
from facerec.zoo import list_models

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

OWN = "own"
REFERENCE = "reference"
# More searches would tell little more, and their time grows with the square of the gallery.
MAX_SEARCHES = 10_000
BLOCK_ROWS = 512
# A gallery so many times as large has outgrown its calibration.
OUTGROWN = 1.5


@dataclass(frozen=True, slots=True, eq=False)
class LeaveOneOut:
    """What each Template finds among all the others.

    Attributes:
        person: (n,) int64, whose Template searches.
        best: (n,) float32, highest Score of anybody else.
        rival: (n,) int64, who that is.
        mate: (n,) float32, highest Score of the same Person's other Templates; minus infinity
            without any.
        n_comparisons: with Templates of other people.
        n_people: people with Templates.
    """

    person: NDArray[np.int64]
    best: NDArray[np.float32]
    rival: NDArray[np.int64]
    mate: NDArray[np.float32]
    n_comparisons: int
    n_people: int

    @property
    def n_mated_people(self) -> int:
        """How many people have two Templates or more."""
        return len(np.unique(self.person[np.isfinite(self.mate)]))

    def as_strangers(self) -> StrangerSearches:
        """What each Person would find, were they not enrolled."""
        return StrangerSearches(self.best, self.person, self.rival, self.n_people)

    def fnir(self, threshold: float) -> Estimate | None:
        """Share of searches by people with other Templates that do not find them.

        None when nobody has two Templates.
        """
        mated = np.isfinite(self.mate)
        if not mated.any():
            return None
        missed = (self.mate < threshold) | (self.mate <= self.best)
        _, group = np.unique(self.person[mated], return_inverse=True)
        errors = np.bincount(group[missed[mated]], minlength=int(group.max()) + 1)
        return bootstrap_ratio(errors, np.bincount(group))


def leave_one_out(
    vectors: NDArray[np.float32], person: NDArray[np.int64], *, seed: int = 0
) -> LeaveOneOut:
    """Search with each Template among all the others.

    Args:
        vectors: (N, D) float32 of unit length.
        person: (N,) int64, whose each is, numbered from 0; two people or more.
        seed: decides which Templates search when there are very many.
    """
    rows = np.arange(len(vectors))
    if len(rows) > MAX_SEARCHES:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MAX_SEARCHES, replace=False))
    best = np.empty(len(rows), np.float32)
    mate = np.empty(len(rows), np.float32)
    nearest = np.empty(len(rows), np.int64)
    for at in range(0, len(rows), BLOCK_ROWS):
        block = rows[at : at + BLOCK_ROWS]
        scores = vectors[block] @ vectors.T
        own = person[block][:, None] == person[None, :]
        others = np.where(own, -np.inf, scores)
        nearest[at : at + len(block)] = others.argmax(axis=1)
        best[at : at + len(block)] = others.max(axis=1)
        own[np.arange(len(block)), block] = False
        mate[at : at + len(block)] = np.where(own, scores, -np.inf).max(axis=1)
    counts = np.bincount(person)
    n_others = len(vectors) - counts[person[rows]]
    return LeaveOneOut(
        person[rows], best, person[nearest], mate, int(n_others.sum()), int((counts > 0).sum())
    )


def calibrate_gallery(gallery: OpenGallery, fpir: float, *, store: bool = True) -> Calibration:
    """Find the Threshold for this gallery, and keep it.

    Args:
        gallery: who is enrolled.
        fpir: the highest share of strangers that may be taken for somebody.
        store: keep it in the gallery.

    Raises:
        RangeError: the rate is none, or lower than the data can tell.
        InputError: fewer than two people are enrolled, or too few and the model has no reference.
        StoreError: the gallery cannot be read or written.
    """
    require_rate(fpir)
    with gallery.store.read() as session:
        contract_id = gallery_state(session).contract_id
        vectors, person = _enrolled(session)
    if contract_id is None or not len(vectors):
        raise InputError(
            "Nobody is enrolled, so there is nothing to calibrate.",
            remedy="Enrol somebody first: facerec enroll NAME IMAGE.",
        )
    calibration = measure_calibration(vectors, person, contract_id, fpir, at=gallery.now())
    if store:
        with gallery.store.write() as session:
            store_calibration(session, calibration)
    return calibration


def measure_calibration(
    vectors: NDArray[np.float32],
    person: NDArray[np.int64],
    contract_id: str,
    fpir: float,
    *,
    at: datetime,
) -> Calibration:
    """Find the Threshold for vectors, stored or not.

    Args:
        vectors: (N, D) float32 of unit length, one at least.
        person: (N,) int64, whose each is, numbered from 0.
        contract_id: of the vectors.
        fpir: the highest share of strangers that may be taken for somebody.
        at: when, UTC.

    Raises:
        RangeError: the rate is none, or lower than the data can tell.
        NotFoundError: too few people are enrolled and the model has no reference.
    """
    n_people = len(np.unique(person))
    searches = leave_one_out(vectors, person) if n_people > 1 else None
    strangers = None if searches is None else searches.as_strangers()
    found, origin = find_threshold(strangers, contract_id, fpir, len(vectors))
    data = _data(origin, searches, contract_id)
    fnir = None if searches is None else searches.fnir(found.threshold)
    return Calibration(
        contract_id=contract_id,
        requested_fpir=fpir,
        threshold=found.threshold,
        fpir=found.fpir,
        fpir_low=found.fpir_low,
        expected_threshold=found.expected_threshold,
        threshold_low=found.threshold_low,
        n_people=n_people,
        n_templates=len(vectors),
        origin=origin,
        data=data.words,
        data_people=data.n_people,
        data_comparisons=data.n_comparisons,
        fnir=None if fnir is None else fnir.value,
        fnir_low=None if fnir is None else fnir.low,
        fnir_high=None if fnir is None else fnir.high,
        fnir_people=0 if searches is None else searches.n_mated_people,
        fnir_searches=0 if fnir is None else fnir.trials,
        created_at=at,
    )


def find_threshold(
    searches: StrangerSearches | None, contract_id: str, fpir: float, n_templates: int
) -> tuple[Calibrated, str]:
    """Find the Threshold from the gallery's own people, the model's reference, or both.

    Own people decide alone where they can measure the rate. Where they cannot, but the tail of
    their Scores can be followed to it, the stricter of both decides: the tail of few people is
    often heavier than it looks.

    Args:
        searches: by the gallery's own people; None with fewer than two of them.
        contract_id: of their Templates.
        fpir: the highest share of strangers that may be taken for somebody.
        n_templates: of the gallery.

    Returns:
        What was found, and whether ``own`` people or the ``reference`` decided.

    Raises:
        RangeError: the rate is none, or lower than the data can tell.
        NotFoundError: the reference is needed and the model has none.
    """
    n_searchers = 0 if searches is None else len(np.unique(searches.person))
    if searches is not None and can_measure(n_searchers, fpir):
        return calibrate(searches, fpir), OWN
    reference = calibrate_from_reference(find_reference(contract_id), fpir, n_templates)
    if searches is not None and can_follow(n_searchers, fpir):
        own = calibrate(searches, fpir)
        if own.threshold >= reference.threshold:
            return own, OWN
    return reference, REFERENCE


def find_reference(contract_id: str) -> Reference:
    """Return the reference of the model that makes Embeddings of a contract.

    Raises:
        NotFoundError: no model here has one for that contract.
        ConfigError: the file is damaged.
    """
    for card in list_models():
        path = card.path.with_suffix(ENDING)
        if card.task == "embed" and path.is_file():
            reference = reference_from_text(path.read_text(encoding="utf-8"))
            if reference.contract_id == contract_id:
                return reference
    raise NotFoundError(
        "The gallery has too few people to measure that rate, and its model has no reference of "
        "strangers.",
        remedy="Enrol 100 people and three for each false alarm, allow more of those, or set "
        "--threshold yourself.",
    )


def calibration_of(gallery: OpenGallery) -> Calibration | None:
    """Return the gallery's calibration; None when it has none."""
    with gallery.store.read() as session:
        return find_calibration(session)


@dataclass(frozen=True, slots=True)
class Drift:
    """Why a gallery's calibration holds no longer.

    Attributes:
        calibration: what was found.
        n_people: with Templates, now.
        n_templates: now.
        fpir: share of strangers that may be taken for somebody now; None when the gallery was
            embedded with another model since.
    """

    calibration: Calibration
    n_people: int
    n_templates: int
    fpir: float | None


def calibration_drift(gallery: OpenGallery) -> Drift | None:
    """Tell how far a gallery has left its calibration; None when it holds, or there is none."""
    with gallery.store.read() as session:
        found = find_calibration(session)
        if found is None:
            return None
        contract_id = gallery_state(session).contract_id
        people = [person for person in list_people(session) if person.n_templates]
    n_templates = sum(person.n_templates for person in people)
    if contract_id not in (None, found.contract_id):
        return Drift(found, len(people), n_templates, None)
    growth = max(len(people) / found.n_people, n_templates / found.n_templates)
    if growth < OUTGROWN:
        return None
    rate = grown_fpir(found.requested_fpir, growth)
    return Drift(found, len(people), n_templates, rate)


def calibration_warning(gallery: OpenGallery) -> str:
    """Say why the gallery's calibration holds no longer; empty when it does, or there is none."""
    drift = calibration_drift(gallery)
    if drift is None:
        return ""
    if drift.fpir is None:
        return (
            "The calibration was made with another model and is not used; make it anew: "
            "facerec calibrate."
        )
    found = drift.calibration
    return (
        f"The gallery has outgrown its calibration: it was made for {found.n_people:,} people with "
        f"{found.n_templates:,} templates, now there are {drift.n_people:,} with "
        f"{drift.n_templates:,}, and up to {drift.fpir:.2%} of strangers may be taken for "
        "somebody; make it anew: facerec calibrate."
    )


def calibrated_rule(gallery: OpenGallery, rule: MatchRule) -> MatchRule:
    """Return the rule with the gallery's own Threshold, if it has one for its model.

    Args:
        gallery: in which is searched.
        rule: from the model's card; one whose Threshold the user chose stays as it is.
    """
    if rule.fmr is None:
        return rule
    with gallery.store.read() as session:
        found = find_calibration(session)
        contract_id = gallery_state(session).contract_id
    if found is None or found.contract_id != contract_id:
        return rule
    return MatchRule(
        found.threshold,
        rule.required_margin,
        fpir=found.requested_fpir,
        fpir_source=f"calibrated on {found.data}",
    )


@dataclass(frozen=True, slots=True)
class _Data:
    """What a Threshold rests on, see ``CalibrationRow``."""

    words: str
    n_people: int
    n_comparisons: int


def _data(origin: str, searches: LeaveOneOut | None, contract_id: str) -> _Data:
    if origin == OWN and searches is not None:
        words = "this gallery's own people, each searching among the others"
        return _Data(words, searches.n_people, searches.n_comparisons)
    reference = find_reference(contract_id)
    return _Data(reference.data, reference.n_people, reference.n_comparisons)


def _enrolled(session: Session) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    ids, vectors = TemplateVectors(session).vectors()
    owners = owners_of(session, ids.tolist())
    names = np.array([owners[int(one)].person_id for one in ids], np.int64)
    return vectors, np.unique(names, return_inverse=True)[1].astype(np.int64)
