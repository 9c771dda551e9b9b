"""The pages on a real gallery with stand-ins for the networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QItemSelectionModel

from facerec.config import load_settings
from facerec.match.rule import MatchRule
from facerec.pipeline import Pipeline
from facerec.services import people
from facerec.services.enroll import enroll
from facerec.services.portraits import portraits, template_crops
from facerec.services.verify import verify
from gui.context import Context
from gui.main_window import MainWindow
from gui.pages import PAGES
from gui.pages.gallery import GalleryPage
from gui.pages.settings import SettingsPage
from gui.pages.verify import VerifyPage
from gui.widgets import person_dialogs
from tests.helpers.fakes import FakeDetector, FakeEmbedder, fake_face, fake_photo

NAMES = ("Ada", "Bob", "Cleo")


def _save(path: Path, *photos: np.ndarray) -> str:
    Image.fromarray(np.concatenate(photos, axis=1)).save(path)
    return str(path)


@pytest.fixture
def pipeline() -> Pipeline:
    """One face in each square of 160 pixels, side by side."""

    def faces(image: np.ndarray) -> list:
        if (image == image[0, 0]).all():
            return []
        return [fake_face(160.0 * i, 0, 160) for i in range(image.shape[1] // 160)]

    return Pipeline(FakeDetector(faces), FakeEmbedder())


@pytest.fixture
def window(make_window, ready: Context) -> MainWindow:
    window = make_window(*PAGES)
    window.resize(1280, 800)
    window.show()
    return window


@pytest.fixture
def verify_page(window: MainWindow) -> VerifyPage:
    window.open_page("verify")
    return window.page("verify")


def _idle(window: MainWindow, qtbot) -> None:
    qtbot.waitUntil(lambda: not window.context.runners.is_busy)


def test_verify_says_what_the_service_says(window, verify_page, qtbot, tmp_path: Path) -> None:
    first = _save(tmp_path / "a.png", fake_photo(1))
    for name, other, words in (
        ("b.png", fake_photo(1, 1), "The same person"),
        ("c.png", fake_photo(2), "Different people"),
    ):
        second = _save(tmp_path / name, other)
        verify_page.show_item((first, second))
        _idle(window, qtbot)

        rule = window.context.rule()
        wanted = verify(window.context.pipeline(), first, second, rule=rule)
        assert verify_page.verdict.verdict.text() == words
        assert f"{wanted.score:.2f}" in verify_page.verdict.scale.accessibleName()
        assert "1 in 1,000" in verify_page.verdict.sentence.text()


def test_verify_compares_the_face_that_was_clicked(
    window, verify_page, qtbot, tmp_path: Path
) -> None:
    verify_page.open_image(0, _save(tmp_path / "a.png", fake_photo(1)))
    verify_page.open_image(1, _save(tmp_path / "b.png", fake_photo(2), fake_photo(1, 1)))
    _idle(window, qtbot)
    assert verify_page.verdict.verdict.text() == "Different people"

    verify_page.wells[1].view._pick(1)

    assert verify_page.verdict.verdict.text() == "The same person"


def test_verify_says_which_picture_has_no_face(window, verify_page, qtbot, tmp_path: Path) -> None:
    verify_page.open_image(0, _save(tmp_path / "grey.png", np.full((160, 160, 3), 99, np.uint8)))
    _idle(window, qtbot)

    assert verify_page.verdict.verdict.text() == "No answer yet"
    assert "grey.png" in verify_page.verdict.sentence.text()


def test_verify_shows_a_file_that_is_no_image_in_the_banner(
    window, verify_page, qtbot, tmp_path: Path
) -> None:
    (tmp_path / "x.jpg").write_text("no image")
    verify_page.open_image(0, str(tmp_path / "x.jpg"))
    _idle(window, qtbot)

    assert "x.jpg" in verify_page.banner.text
    assert verify_page.wells[0].is_empty


def test_verify_swaps_and_clears(window, verify_page, qtbot, tmp_path: Path) -> None:
    verify_page.open_image(0, _save(tmp_path / "a.png", fake_photo(1)))
    _idle(window, qtbot)

    verify_page._swap()
    assert verify_page.wells[0].is_empty
    assert not verify_page.wells[1].is_empty
    verify_page._clear()
    assert verify_page.wells[1].is_empty


@pytest.fixture
def gallery_page(window: MainWindow, qtbot) -> GalleryPage:
    context = window.context
    for number, name in enumerate(NAMES, start=1):
        photos = [fake_photo(number, shot) for shot in range(number)]
        enroll(context.gallery(), context.pipeline(), name, photos, rule=MatchRule(0.9))
    window.open_page("gallery")
    context.gallery_was_changed()
    _idle(window, qtbot)
    return window.page("gallery")


def _names(page: GalleryPage) -> list[str]:
    return [page.model.data(page.model.index(row)) for row in range(page.model.rowCount())]


def _choose(page: GalleryPage, window: MainWindow, qtbot, *names: str) -> None:
    page.view.clearSelection()
    for person in page.model.everybody():
        if person.name in names:
            page.view.selectionModel().select(
                page.model.index_of(person.id), QItemSelectionModel.SelectionFlag.Select
            )
    _idle(window, qtbot)


def _answer(monkeypatch: pytest.MonkeyPatch, dialog: str, fill=lambda dialog: None) -> None:
    def exec_(self) -> int:
        fill(self)
        return 1

    monkeypatch.setattr(getattr(person_dialogs, dialog), "exec", exec_)


def test_gallery_lists_searches_and_shows_one(window, gallery_page, qtbot) -> None:
    assert _names(gallery_page) == list(NAMES)

    gallery_page.search.setText("cl")
    assert _names(gallery_page) == ["Cleo"]
    gallery_page.search.clear()
    _choose(gallery_page, window, qtbot, "Cleo")

    assert gallery_page.panel.isVisible()
    assert gallery_page.panel.details.person.name == "Cleo"
    assert gallery_page.panel.model.rowCount() == 3


def test_gallery_loads_the_portraits_it_shows(window, gallery_page, qtbot) -> None:
    ids = [person.id for person in gallery_page.model.everybody()]

    qtbot.waitUntil(lambda: all(gallery_page.model.pictures.get(i) is not None for i in ids))


def test_gallery_actions_fit_what_is_chosen(window, gallery_page, qtbot) -> None:
    def enabled() -> set[str]:
        return {name for name, act in gallery_page.gallery_actions.by_id.items() if act.isEnabled()}

    _choose(gallery_page, window, qtbot)
    assert enabled() == set()
    _choose(gallery_page, window, qtbot, "Ada")
    assert enabled() == {"rename", "merge", "consent", "remove"}
    _choose(gallery_page, window, qtbot, "Ada", "Bob")
    assert enabled() == {"merge", "remove"}
    assert not gallery_page.panel.isVisible()
    _choose(gallery_page, window, qtbot, "Cleo")
    gallery_page.panel.view.setCurrentIndex(gallery_page.panel.model.index(0))
    assert enabled() >= {"move", "split", "set-aside", "remove-pictures"}


def test_gallery_renames(window, gallery_page, qtbot, monkeypatch) -> None:
    _answer(monkeypatch, "NameDialog", lambda dialog: dialog.field.setText("Ada Lovelace"))
    _choose(gallery_page, window, qtbot, "Ada")

    gallery_page.gallery_actions.by_id["rename"].trigger()
    _idle(window, qtbot)

    assert _names(gallery_page) == ["Ada Lovelace", "Bob", "Cleo"]
    assert gallery_page.panel.details.person.name == "Ada Lovelace"


def test_gallery_refuses_a_name_that_is_taken(window, gallery_page, qtbot, monkeypatch) -> None:
    _answer(monkeypatch, "NameDialog", lambda dialog: dialog.field.setText("bob"))
    _choose(gallery_page, window, qtbot, "Ada")

    gallery_page.gallery_actions.by_id["rename"].trigger()
    _idle(window, qtbot)

    assert "Bob is enrolled already." in gallery_page.banner.text


def test_gallery_merges(window, gallery_page, qtbot, monkeypatch) -> None:
    _answer(monkeypatch, "PersonDialog", lambda dialog: dialog.field.setText("cle"))
    _choose(gallery_page, window, qtbot, "Ada", "Bob")

    gallery_page.gallery_actions.by_id["merge"].trigger()
    _idle(window, qtbot)

    assert _names(gallery_page) == ["Cleo"]
    assert gallery_page.panel.model.rowCount() == 6


def test_gallery_removes_people_and_pictures(window, gallery_page, qtbot, monkeypatch) -> None:
    _answer(monkeypatch, "RemoveDialog")
    _choose(gallery_page, window, qtbot, "Ada", "Bob")
    gallery_page.gallery_actions.by_id["remove"].trigger()
    _idle(window, qtbot)
    _choose(gallery_page, window, qtbot, "Cleo")
    gallery_page.panel.view.setCurrentIndex(gallery_page.panel.model.index(0))
    gallery_page.gallery_actions.by_id["remove-pictures"].trigger()
    _idle(window, qtbot)

    gallery = window.context.gallery()
    assert [(p.name, p.n_templates) for p in people.list_people(gallery)] == [("Cleo", 2)]


def test_gallery_keeps_what_was_not_confirmed(window, gallery_page, qtbot, monkeypatch) -> None:
    monkeypatch.setattr(person_dialogs.RemoveDialog, "exec", lambda self: 0)
    _choose(gallery_page, window, qtbot, "Ada")
    gallery_page.gallery_actions.by_id["remove"].trigger()
    _idle(window, qtbot)

    assert _names(gallery_page) == list(NAMES)


def test_portraits_are_the_best_crops(window, gallery_page) -> None:
    gallery = window.context.gallery()
    details = people.show_person(gallery, "Cleo")
    best = max(details.templates, key=lambda template: template.quality)
    crops = template_crops(gallery, [template.id for template in details.templates])

    shown = portraits(gallery, [details.person.id, 999])

    assert set(shown) == {details.person.id}
    np.testing.assert_array_equal(shown[details.person.id], crops[best.id])


@pytest.fixture
def settings_page(window: MainWindow, qtbot) -> SettingsPage:
    window.open_page("settings")
    _idle(window, qtbot)
    return window.page("settings")


def test_settings_choose_the_threshold_by_false_alarms(window, settings_page) -> None:
    settings_page.alarms.buttons[2].click()

    assert load_settings().settings.match.fmr == 0.0001
    assert window.context.rule().fmr == 0.0001
    assert settings_page.alarms.buttons[2].isChecked()


def test_settings_show_licence_and_storage(settings_page, gallery_folder: Path) -> None:
    assert "research" in settings_page._licence.text()
    assert settings_page._folder.text() == str(gallery_folder)
    assert "0 people" in settings_page._size.text()
