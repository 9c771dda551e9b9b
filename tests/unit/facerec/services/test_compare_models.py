"""Two models side by side, against an independent count over all pairs."""

from __future__ import annotations

import numpy as np
import pytest

from facerec.config import MatchSettings
from facerec.gallery.made_up import add_made_up
from facerec.gallery.model_change import begin_change
from facerec.gallery.spare_vectors import store_failures, store_spare_vectors
from facerec.services.calibrate import calibrate_gallery, calibration_of
from facerec.services.change_model import accept, require_change
from facerec.services.compare_models import Advice, compare_models, derived_calibration
from facerec.services.gallery import open_gallery
from facerec.types import Embedding
from tests.helpers.fakes import FakeEmbedder

OLD, NEW = "a" * 16, "b" * 16
N_PEOPLE, EACH = 60, 3
THRESHOLD = 0.5


def vectors(noise, seed, *, only=None, dimension=32):
    """(N, D) unit vectors: a centre for each Person, and noise around it."""
    rng = np.random.default_rng(seed)
    centres = np.repeat(rng.standard_normal((N_PEOPLE, dimension)), EACH, axis=0)
    spread = np.full(N_PEOPLE * EACH, noise)
    if only is not None:
        spread[np.isin(np.arange(N_PEOPLE * EACH) // EACH, only, invert=True)] = 0.1
    made = centres + spread[:, None] * rng.standard_normal(centres.shape)
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def gallery(tmp_path):
    with open_gallery(tmp_path / "gallery") as gallery:
        yield gallery


def fill(gallery, old, new):
    with gallery.store.write() as session:
        add_made_up(session, old, contract_id=OLD, per_person=EACH, at=gallery.now())
        begin_change(session, old=("old", OLD), new=("new", NEW), at=gallery.now())
        spare = {row + 1: Embedding(vector, NEW) for row, vector in enumerate(new)}
        store_spare_vectors(session, spare)


def compare(gallery):
    return compare_models(
        gallery, require_change(gallery).change, MatchSettings(threshold=THRESHOLD)
    )


def counted_by_hand(made):
    """Misses, alarms and found people, one search and one comparison at a time."""
    misses = alarms = 0
    found = set()
    for row, probe in enumerate(made):
        person = row // EACH
        own = [float(probe @ made[r]) for r in range(len(made)) if r // EACH == person and r != row]
        others = [float(probe @ made[r]) for r in range(len(made)) if r // EACH != person]
        alarms += max(others) >= THRESHOLD
        if max(own) >= THRESHOLD and max(own) > max(others):
            found.add(person)
        else:
            misses += 1
    return misses, alarms, {f"Person {person}" for person in found}


def test_rates_and_names_are_those_counted_by_hand(gallery):
    old, new = vectors(0.9, 1), vectors(1.0, 2)
    fill(gallery, old, new)
    by_hand = [counted_by_hand(made) for made in (old, new)]

    found = compare(gallery)

    for side, (misses, alarms, _) in zip((found.old, found.new), by_hand, strict=True):
        assert (side.fnir.errors, side.fnir.trials) == (misses, N_PEOPLE * EACH)
        assert side.fpir.errors == alarms
        assert (side.threshold, side.origin, side.reference_fpir) == (THRESHOLD, "own", None)
    assert set(found.lost) == by_hand[0][2] - by_hand[1][2]
    assert set(found.gained) == by_hand[1][2] - by_hand[0][2]
    n = N_PEOPLE * EACH
    assert found.fnir_change.value == pytest.approx((by_hand[1][0] - by_hand[0][0]) / n)
    assert found.fpir_change.value == pytest.approx((by_hand[1][1] - by_hand[0][1]) / n)
    assert (found.n_people, found.n_templates, found.n_mated_people) == (N_PEOPLE, n, N_PEOPLE)


@pytest.mark.parametrize(
    ("before", "after", "advice"),
    [
        pytest.param(0.1, 1.2, Advice.KEEP, id="worse"),
        pytest.param(1.2, 0.1, Advice.ACCEPT, id="better"),
        pytest.param(0.1, 0.1, Advice.ACCEPT, id="equal"),
    ],
)
def test_advice(gallery, before, after, advice):
    fill(gallery, vectors(before, 1), vectors(after, 1))

    found = compare(gallery)

    assert found.advice is advice
    assert (found.fnir_change.low > 0) == (advice is Advice.KEEP)
    assert found.reason


def test_those_who_fall_are_named_worst_first(gallery):
    fill(gallery, vectors(0.1, 1), vectors(2.5, 1, only=[7, 31]))

    found = compare(gallery)

    assert {drop.name for drop in found.drops[:2]} == {"Person 7", "Person 31"}
    falls = [drop.before - drop.after for drop in found.drops]
    assert falls == sorted(falls, reverse=True)
    assert set(found.lost) <= {"Person 7", "Person 31"}


def test_people_without_a_new_vector_speak_against_it(gallery):
    made = vectors(0.1, 1)
    fill(gallery, made, made[: -2 * EACH])
    last = N_PEOPLE * EACH
    with gallery.store.write() as session:
        store_failures(session, {last - two: "A stored crop is damaged." for two in range(EACH)})

    found = compare(gallery)

    # (the last but one only waits for its vectors)
    assert found.without == (f"Person {N_PEOPLE - 1}",)
    assert (found.advice, found.n_failed) == (Advice.KEEP, EACH)
    assert found.n_people == N_PEOPLE - 2


def test_few_people_decide_nothing(gallery):
    made = vectors(0.1, 1)[: 5 * EACH]
    fill(gallery, made, made)

    found = compare(gallery)

    assert found.advice is Advice.DECIDE
    assert "fewer than 20 people" in found.reason


def test_calibration_is_derived_for_the_new_model_and_kept_for_the_old(tmp_path):
    rng = np.random.default_rng(3)
    old, new = (rng.standard_normal((220, size)).astype(np.float32) for size in (32, 48))
    for made in (old, new):
        made /= np.linalg.norm(made, axis=1, keepdims=True)
    with open_gallery(tmp_path / "gallery") as gallery:
        with gallery.store.write() as session:
            add_made_up(session, old, contract_id=OLD, per_person=1, at=gallery.now())
        first = calibrate_gallery(gallery, 0.05)
        with gallery.store.write() as session:
            begin_change(session, old=("old", OLD), new=("new", NEW), at=gallery.now())
            spare = {row + 1: Embedding(vector, NEW) for row, vector in enumerate(new)}
            store_spare_vectors(session, spare)
        derived = derived_calibration(gallery, NEW)

        accept(gallery, FakeEmbedder(contract_id=NEW), {"embed.model": "new"})

        serving = calibration_of(gallery)
        assert (serving.contract_id, serving.requested_fpir) == (NEW, 0.05)
        assert serving.threshold == derived.threshold != first.threshold
        again = calibrate_gallery(gallery, 0.05, store=False)
        assert again.threshold == serving.threshold
        accept(gallery, FakeEmbedder(contract_id=OLD), {"embed.model": "old"})
        assert calibration_of(gallery) == first
