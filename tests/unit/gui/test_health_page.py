"""The health page on a small gallery with one fault of which much is known."""

from __future__ import annotations

import numpy as np
import pytest

from facerec.gallery.crops import png_from_crop
from facerec.gallery.people import add_person
from facerec.gallery.session import set_contract
from facerec.gallery.templates import NewTemplate, add_template
from facerec.match.rule import MatchRule
from facerec.services import people
from facerec.services.health_types import Action, ActionKind, Finding, FindingKind, Outlook
from facerec.types import Embedding
from gui.context import Context
from gui.i18n.findings import consequence_words, sentence_words, title_words
from gui.main_window import MainWindow
from gui.pages import PAGES
from gui.pages.health import HealthPage
from tests.helpers.fakes import fake_photo
from tests.helpers.gallery import AT, source

CONTRACT = "fa4e000000000000"
N_PEOPLE, N_EACH = 25, 3


@pytest.fixture
def window(make_window, ready: Context, monkeypatch) -> MainWindow:
    """Twenty-five people of three pictures each; one of Person 3's is filed under Person 0."""
    rng = np.random.default_rng(1)
    centres = rng.standard_normal((N_PEOPLE, 1, 64))
    centres /= np.linalg.norm(centres, axis=2, keepdims=True)
    away = rng.standard_normal((N_PEOPLE, N_EACH, 64))
    vectors = centres + 0.7 * away / np.linalg.norm(away, axis=2, keepdims=True)
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    vectors[0, 0] = vectors[3, 0]
    vectors[3, 0] = vectors[3, 1]  # (hers are two alike and a third)
    vectors = vectors.astype(np.float32)
    with ready.gallery().store.write() as session:
        for number in range(N_PEOPLE):
            person = add_person(session, f"Person {number}", at=AT)
            for each in range(N_EACH):
                new = NewTemplate(
                    Embedding(vectors[number, each], CONTRACT), 1.0, np.arange(4.0),
                    png_from_crop(fake_photo(number, each, 112)),
                )  # fmt: skip
                add_template(session, person.id, source(10 * number + each), new, at=AT)
        set_contract(session, CONTRACT)
    monkeypatch.setattr(ready, "gallery_rule", lambda: MatchRule(0.5))
    window = make_window(*PAGES)
    window.resize(1280, 800)
    window.show()
    return window


@pytest.fixture
def page(window: MainWindow, qtbot) -> HealthPage:
    window.open_page("health")
    found = window.page("health")
    qtbot.waitUntil(lambda: bool(found.cards))
    return found


def owners(page: HealthPage) -> int:
    return len(people.show_person(page.context.gallery(), "Person 3").templates)


def test_a_finding_is_shown_acted_on_and_undone(page: HealthPage, qtbot) -> None:
    (card,) = page.cards
    said = []
    page.context.said.connect(said.append)
    assert title_words(card.finding) == "Picture of somebody else"
    assert "Person 3" in sentence_words(card.finding)
    assert card.act.text() == "Move to Person 3"
    assert "75 pictures" in page.summary.text()

    card.act.click()
    qtbot.waitUntil(lambda: not page.cards)

    assert owners(page) == N_EACH + 1
    assert (said[0].text, said[0].action_label) == ("Moved to Person 3.", "Undo")
    said[0].action()
    qtbot.waitUntil(lambda: len(page.cards) == 1)
    assert owners(page) == N_EACH


def test_a_finding_that_is_refused_does_not_come_back(page: HealthPage, qtbot) -> None:
    (card,) = page.cards
    card.refuse.click()
    qtbot.waitUntil(lambda: bool(page.cards) and page.cards[0] is not card)

    (other,) = page.cards
    assert other.finding.kind is FindingKind.OUTLIER
    assert other.refuse is None


@pytest.mark.parametrize("kind", list(FindingKind))
def test_every_kind_has_words(qapp, kind: FindingKind) -> None:
    action = Action(ActionKind.ENROL, name="Ada")
    finding = Finding(1, kind, ("Ada", "Bob %1"), (1, 2), 0.61, 0.5, action, None,
                      Outlook(0.0123, 0.004))  # fmt: skip

    assert title_words(finding)
    assert "Ada" in sentence_words(finding)
    assert "0.61" in sentence_words(finding)
    assert "about 12 " in consequence_words(finding)
