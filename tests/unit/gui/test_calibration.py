"""The calibration in the settings: made in the background, shown with its promise, warned of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facerec.config import load_settings
from facerec.gallery.calibrations import store_calibration
from facerec.gallery.made_up import add_made_up
from facerec.match.rule import MatchRule
from facerec.services.calibrate import calibrate_gallery, calibration_drift, calibration_of
from facerec.zoo import find_model
from gui.context import Context
from gui.i18n.rates import rate_sentence, remember, threshold_words
from gui.main_window import MainWindow
from gui.pages import PAGES
from gui.pages.settings import SettingsPage
from tests.unit.gui.test_models import AT

LEAN = find_model("lean").contract().id


def _add(context: Context, n_people: int, each: int = 2) -> None:
    rng = np.random.default_rng(0)
    centres = np.repeat(rng.standard_normal((n_people, 64)), each, axis=0)
    vectors = centres + 0.4 * rng.standard_normal(centres.shape)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with context.gallery().store.write() as session:
        add_made_up(session, vectors.astype(np.float32), contract_id=LEAN, per_person=each, at=AT)


@pytest.fixture
def window(make_window, ready: Context) -> MainWindow:
    window = make_window(*PAGES)
    window.show()
    return window


@pytest.fixture
def page(window: MainWindow, qtbot) -> SettingsPage:
    window.open_page("settings")
    _idle(window.page("settings"), qtbot)
    return window.page("settings")


def _idle(page: SettingsPage, qtbot) -> None:
    qtbot.waitUntil(lambda: not page.context.runners.is_busy)


def test_calibrate_button_does_what_the_service_does(page, qtbot) -> None:
    context, card = page.context, page.calibration.card
    _add(context, 120)
    page._set({"match.fmr": 0.01})
    wanted = calibrate_gallery(context.gallery(), 0.01, store=False)
    card.strangers.setCurrentIndex(card.strangers.findData("100"))
    assert "Not calibrated" in card.threshold.text()

    card.calibrate_button.click()
    assert not card.calibrate_button.isEnabled()
    _idle(page, qtbot)

    found = calibration_of(context.gallery())
    assert found.threshold == wanted.threshold
    assert found.requested_fpir == 0.01
    assert card.threshold.text() == f"Threshold {wanted.threshold:.2f}, in use"
    assert "1 in 100 strangers" in card.promise.text()
    assert "240 searches of 120 people" in card.cost.text()
    assert "120 people" in card.data.text()
    assert card.calibrate_button.isEnabled()
    # Decisions use it, though another threshold was chosen before.
    assert load_settings().settings.match.fmr is None
    assert context.gallery_rule().threshold == wanted.threshold
    assert page.alarms.buttons[0].isChecked()
    assert "strangers" in page.alarms.buttons[0].text()


def test_choice_by_comparisons_puts_the_calibration_aside(page, qtbot) -> None:
    context, card = page.context, page.calibration.card
    _add(context, 120)
    card.wanted.emit(0.01)
    _idle(page, qtbot)

    page.alarms.buttons[1].click()
    _idle(page, qtbot)
    assert card.threshold.text().endswith("not in use")
    assert context.gallery_rule().fmr is not None

    page.alarms.buttons[0].click()
    _idle(page, qtbot)
    assert card.threshold.text().endswith(", in use")


def test_outgrown_calibration_is_warned_of(page, qtbot) -> None:
    context, card = page.context, page.calibration.card
    _add(context, 120)
    found = calibrate_gallery(context.gallery(), 0.01)
    with context.gallery().store.write() as session:
        store_calibration(session, replace(found, n_people=60, n_templates=120))
    page.shown()
    _idle(page, qtbot)

    drift = calibration_drift(context.gallery())
    assert 0.01 < drift.fpir <= 0.02  # (twice as many people, twice the false alarms at most)
    assert "made for 60 people, now there are 120" in card.banner.text
    assert f"1 in {round(1 / drift.fpir):,} strangers" in card.banner.text


def test_empty_gallery_is_refused_in_words(page, qtbot) -> None:
    page.calibration.card.calibrate_button.click()
    _idle(page, qtbot)

    assert "Nobody is enrolled" in page.banner.text
    assert page.calibration.card.calibrate_button.isEnabled()


def test_thresholds_are_told_with_their_rate(qapp) -> None:
    assert threshold_words(0.987_654) == "0.99"
    remember(MatchRule(0.4321, fpir=0.001))
    remember(MatchRule(0.5432, fmr=0.0001))
    remember(MatchRule(0.6543))
    assert threshold_words(0.4321) == "0.43 (1 in 1,000 strangers)"
    assert threshold_words(0.5432) == "0.54 (1 in 10,000 comparisons)"
    assert threshold_words(0.6543) == "0.65"
    assert "1 in 1,000 strangers" in rate_sentence(MatchRule(0.4, fpir=0.001))
