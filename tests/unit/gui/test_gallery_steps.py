"""Undo, redo and the history on the gallery page, for each kind of change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from PySide6.QtCore import QItemSelectionModel, Qt

from facerec.gallery.consents import Consent, Terms
from facerec.gallery.steps import Step, StepKind
from facerec.match.rule import MatchRule
from facerec.services import people, steps
from facerec.services.consent import record_consent
from facerec.services.enroll import enroll
from gui.context import Context
from gui.i18n.catalogue import Languages
from gui.i18n.steps import step_facts, step_words
from gui.main_window import MainWindow
from gui.pages import PAGES
from gui.pages.gallery import GalleryPage
from gui.widgets import person_dialogs
from gui.widgets.terms_fields import TermsFields
from tests.helpers.fakes import fake_photo
from tests.unit.gui.test_models import AT


@pytest.fixture
def window(make_window, ready: Context) -> MainWindow:
    """Ada has two pictures, Bob three."""
    gallery, pipeline = ready.gallery(), ready.pipeline()
    for number, name in enumerate(("Ada", "Bob"), start=2):
        photos = [fake_photo(number, shot) for shot in range(number)]
        enroll(gallery, pipeline, name, photos, rule=MatchRule(0.9))
    window = make_window(*PAGES)
    window.resize(1280, 800)
    window.show()
    return window


@pytest.fixture
def page(window: MainWindow, qtbot) -> GalleryPage:
    window.open_page("gallery")
    _idle(window.page("gallery"), qtbot)
    return window.page("gallery")


def _idle(page: GalleryPage, qtbot) -> None:
    qtbot.waitUntil(lambda: not page.context.runners.is_busy)


def _choose(page: GalleryPage, qtbot, *names: str) -> None:
    page.view.clearSelection()
    for person in page.model.everybody():
        if person.name in names:
            page.view.selectionModel().select(
                page.model.index_of(person.id), QItemSelectionModel.SelectionFlag.Select
            )
    _idle(page, qtbot)


def _answer(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Type an answer into whatever is asked."""

    def exec_(self) -> int:
        if hasattr(self, "field"):
            self.field.setText(text)
        return 1

    monkeypatch.setattr(person_dialogs.Question, "exec", exec_)


def _people(page: GalleryPage) -> dict[str, tuple[int, int]]:
    """Name -> pictures, and how many of them are set aside."""
    gallery = page.context.gallery()
    details = [people.show_person(gallery, one.name) for one in people.list_people(gallery)]
    return {one.person.name: (len(one.templates), one.n_set_aside) for one in details}


BEFORE = {"Ada": (2, 0), "Bob": (3, 0)}
# Action -> answer, people after it, and the line that offers to undo it.
CHANGES = {
    "rename": ("Cy", {"Bob": (3, 0), "Cy": (2, 0)}, "renamed Ada to Cy"),
    "merge": ("Bob", {"Bob": (5, 0)}, "merged Ada into Bob"),
    "remove": ("", {"Bob": (3, 0)}, "removed Ada"),
    "move": ("Bob", {"Ada": (1, 0), "Bob": (4, 0)}, "moved pictures of Ada to Bob"),
    "split": ("Cy", {"Ada": (1, 0), "Bob": (3, 0), "Cy": (1, 0)}, "split Cy from Ada"),
    "set-aside": ("", {"Ada": (2, 1), "Bob": (3, 0)}, "set pictures of Ada aside"),
    "remove-pictures": ("", {"Ada": (1, 0), "Bob": (3, 0)}, "removed pictures of Ada"),
}


@pytest.mark.parametrize("action", CHANGES)
def test_each_change_is_undone_and_redone_by_key(page, qtbot, monkeypatch, action: str) -> None:
    answer, after, words = CHANGES[action]
    _answer(monkeypatch, answer)
    _choose(page, qtbot, "Ada")
    page.panel.view.setCurrentIndex(page.panel.model.index(0))

    page.gallery_actions.by_id[action].trigger()
    _idle(page, qtbot)
    assert _people(page) == after
    assert page.gallery_steps.bar.undo_button.accessibleName() == f"Undo: {words}"

    page.window().activateWindow()
    page.view.setFocus()
    qtbot.waitUntil(page.view.hasFocus)
    qtbot.keyClick(page.view, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    _idle(page, qtbot)
    assert _people(page) == BEFORE
    assert sorted(person.name for person in page.model.everybody()) == ["Ada", "Bob"]
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(page.view, Qt.Key.Key_Z, both)
    _idle(page, qtbot)
    assert _people(page) == after


def test_consent_is_recorded_shown_and_undone(page, qtbot, monkeypatch) -> None:
    def agree(dialog) -> int:
        fields = dialog.fields
        if fields.time.findData("no-end") >= 0:
            fields.time.setCurrentIndex(fields.time.findData("no-end"))
            return 1
        fields.consent.setText("form 12")
        fields.purpose.setText("door")
        fields.time.setCurrentIndex(fields.time.findData("365"))
        return 1

    monkeypatch.setattr(person_dialogs.ConsentDialog, "exec", agree)
    gallery, panel = page.context.gallery(), page.panel
    _choose(page, qtbot, "Ada")
    assert panel._consent.text() == "No consent is recorded."
    ends = []
    for _ in range(2):
        page.gallery_actions.by_id["consent"].trigger()
        _idle(page, qtbot)
        ends.append(people.show_person(gallery, "Ada").consent.keep_until)

    assert 364 <= (ends[0] - datetime.now(UTC)).days <= 365
    assert ends[1] is None
    assert panel._consent.text() == "Consent: form 12\nPurpose: door\nKept without an end"
    undo = page.gallery_steps.bar.undo_button.accessibleName()
    assert undo == "Undo: recorded the consent of Ada"
    page.gallery_steps.undo()
    _idle(page, qtbot)
    assert "Kept until" in panel._consent.text()


def test_person_whose_time_is_over_is_said_to_be_unnamed(page, qtbot) -> None:
    terms = Terms(keep_until=datetime.now(UTC) - timedelta(days=1))
    record_consent(page.context.gallery(), "Ada", terms)
    _choose(page, qtbot, "Ada")

    assert "not named any more" in page.panel._banner.text


def test_terms_are_only_what_was_entered(qapp) -> None:
    fields, now = TermsFields(), datetime(2026, 11, 22, tzinfo=UTC)
    assert fields.terms() is None
    fields.purpose.setText("  door ")
    assert fields.terms() == Terms(purpose="door")
    fields.time.setCurrentIndex(1)
    assert fields.terms(now) == Terms(purpose="door", keep_until=now + timedelta(days=30))
    fields.show_consent(Consent("form 1", "door", now, now))
    assert fields.terms() is None
    fields.purpose.clear()
    assert fields.terms() == Terms(purpose="")


def test_set_aside_is_taken_back_by_the_same_button(page, qtbot) -> None:
    action = page.gallery_actions.by_id["set-aside"]
    _choose(page, qtbot, "Ada")
    page.panel.view.setCurrentIndex(page.panel.model.index(1))
    for n_aside, word in ((1, "Take back"), (0, "Set aside")):
        action.trigger()
        _idle(page, qtbot)
        assert _people(page)["Ada"] == (2, n_aside)
        assert action.text() == word  # (the picture is still chosen)


def test_message_at_the_foot_offers_undo(page, qtbot, monkeypatch) -> None:
    said = []
    page.context.said.connect(said.append)
    _answer(monkeypatch, "Bob")
    _choose(page, qtbot, "Ada")
    page.gallery_actions.by_id["merge"].trigger()
    _idle(page, qtbot)

    assert (said[-1].text, said[-1].action_label) == ("Merged into Bob.", "Undo")
    said[-1].action()
    _idle(page, qtbot)
    assert _people(page) == BEFORE


def test_history_lists_the_steps_and_undoes_an_older_one(page, qtbot) -> None:
    gallery = page.context.gallery()
    people.rename_person(gallery, "Ada", "Cy")
    people.rename_person(gallery, "Bob", "Dee")
    page.context.gallery_was_changed()
    _choose(page, qtbot, "Cy")
    page.gallery_steps.history_action.trigger()
    _idle(page, qtbot)
    panel = page.gallery_steps.panel
    texts = [row.text for row in panel.steps.rows.rows]
    assert texts == ["Renamed Bob to Dee", "Renamed Ada to Cy", "Enrolled Bob", "Enrolled Ada"]
    assert panel.isVisible()
    assert not page.panel.isVisible()
    assert not panel.undo_button.isEnabled()

    panel.steps.setCurrentIndex(panel.steps.rows.index(1))
    panel.undo_button.click()
    _idle(page, qtbot)

    assert set(_people(page)) == {"Ada", "Dee"}
    assert [row.side for row in panel.steps.rows.rows] == ["", "undone", "", ""]
    page.gallery_steps.history_action.trigger()
    assert not panel.isVisible()


def test_step_that_others_build_on_is_refused_in_the_banner(page, qtbot) -> None:
    gallery = page.context.gallery()
    first = people.rename_person(gallery, "Ada", "Cy")
    people.rename_person(gallery, first.name, "Dee")
    page.gallery_steps.undo(steps.history(gallery)[1].id)
    _idle(page, qtbot)

    assert "builds on it" in page.banner.text
    assert set(_people(page)) == {"Bob", "Dee"}


def test_nothing_to_undo_is_not_offered(page, qtbot) -> None:
    for _ in range(2):
        page.gallery_steps.undo()
        _idle(page, qtbot)

    assert page.model.n_people == 0
    assert not page.gallery_steps.undo_action.isEnabled()
    assert page.gallery_steps.bar.undo_button.text() == "Undo"
    assert page.gallery_steps.redo_action.isEnabled()


SENTENCES = {
    "Enrolled 'Cy' (2 templates)": "Enrolled Cy",
    "Merged 'Ada' and 'Bob' into 'Eve' (5 templates)": "Merged Ada and Bob into Eve",
    "Moved 2 templates from 5 people to 'Bob'": "Moved pictures of 5 people to Bob",
    "Took 1 template of 'O'Neil' back": "Took back pictures of O'Neil",
    "Imported 2 people, 2 templates": "Imported 2 people",
    "Embedded again with another model (5 templates)": "Embedded again with another model",
    "Something of tomorrow": "Something of tomorrow",
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_steps_are_told_in_the_words_of_the_window(qapp, sentence: str) -> None:
    languages = Languages(qapp)
    step = Step(1, StepKind.ENROL, AT, sentence, is_undone=False)
    languages.use("en")
    assert step_words(step) == SENTENCES[sentence]
    if "templates" in sentence:
        assert "pictures · 21 Nov 2026" in step_facts(step)
    languages.use("zh_CN")
    try:
        names = {"Cy", "Ada", "Bob", "Eve", "O'Neil"}
        words = step_words(step).split()
        if sentence != "Something of tomorrow":
            assert not {word for word in words if word.isascii() and word.isalpha()} - names
    finally:
        languages.use("en")
