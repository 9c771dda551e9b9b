"""Item models: Qt's own checks, search, and pictures that are loaded when they are looked at."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QImage

from facerec.gallery.people import Person
from facerec.gallery.templates import ImageSourceInfo, Template
from gui.item_models.people import PeopleModel, Role, search_key
from gui.item_models.pictures import _MAX_KEPT, PictureStore
from gui.item_models.templates import TemplatesModel

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
NAMES = ("Ada Lovelace", "José García", "Žofie Nováková", "王小明")


def _people(*names: str) -> list[Person]:
    return [Person(10 + i, name, i, AT, AT) for i, name in enumerate(names)]


@pytest.fixture
def model(qapp) -> PeopleModel:
    made = PeopleModel()
    made.set_people(_people(*NAMES))
    return made


def _shown(model: PeopleModel) -> list[str]:
    return [model.data(model.index(row)) for row in range(model.rowCount())]


def test_models_pass_qt_s_own_checks(model: PeopleModel, qtmodeltester) -> None:
    qtmodeltester.check(model)
    model.search("a")
    qtmodeltester.check(model)
    qtmodeltester.check(TemplatesModel())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", list(NAMES)),
        ("ADA", ["Ada Lovelace"]),
        ("love ada", ["Ada Lovelace"]),
        ("jose garcia", ["José García"]),
        ("nováková", ["Žofie Nováková"]),
        ("小明", ["王小明"]),
        ("nobody", []),
    ],
)
def test_search_finds_names_by_all_words(model: PeopleModel, text: str, found: list[str]) -> None:
    model.search(text)

    assert _shown(model) == found


def test_search_keys_have_neither_case_nor_accents() -> None:
    assert search_key("ÉLODIE Straße") == "elodie strasse"


def test_people_keep_their_search_when_they_are_read_again(model: PeopleModel) -> None:
    model.search("ada")
    model.set_people(_people("Ada Byron", "Bob"))

    assert _shown(model) == ["Ada Byron"]
    assert model.n_people == 2
    assert not model.index_of(11).isValid()
    assert model.person(model.index_of(10)).name == "Ada Byron"


def test_row_says_how_many_pictures(model: PeopleModel) -> None:
    assert model.data(model.index(2), Role.SUBTITLE) in ("2 picture(s)", "2 pictures")
    assert model.data(QModelIndex(), Role.SUBTITLE) is None


def test_pictures_are_asked_for_once_and_repainted(model: PeopleModel, qtbot) -> None:
    index = model.index(1)
    with qtbot.waitSignal(model.pictures.wanted) as asked:
        assert model.data(index, Qt.ItemDataRole.DecorationRole) is None
        assert model.data(index, Qt.ItemDataRole.DecorationRole) is None
    assert asked.args == [[11]]

    with qtbot.waitSignal(model.dataChanged) as changed:
        model.pictures.add({11: QImage(4, 4, QImage.Format.Format_RGB888)})

    assert changed.args[0].row() == 1
    assert model.data(index, Qt.ItemDataRole.DecorationRole).width() == 4


def test_person_without_a_picture_is_not_asked_for_again(qtbot) -> None:
    store = PictureStore()
    with qtbot.waitSignal(store.wanted):
        store.get(1)
    store.add({})

    with qtbot.assertNotEmitted(store.wanted, wait=30):
        assert store.get(1) is None


def test_those_drawn_last_are_loaded_first_and_old_ones_forgotten(qtbot) -> None:
    store = PictureStore()
    with qtbot.waitSignal(store.wanted) as asked:
        for item in range(100):
            store.get(item)
    assert asked.args[0][0] == 99
    assert len(asked.args[0]) == 60

    image = QImage(1, 1, QImage.Format.Format_RGB888)
    store._loading = frozenset(range(1000, 1000 + _MAX_KEPT + 5))
    store.add(dict.fromkeys(store._loading, image))
    assert len(store._kept) == _MAX_KEPT


def test_template_row_says_name_quality_and_day(qapp) -> None:
    model = TemplatesModel()
    source = ImageSourceInfo("0" * 64, "", 120, 160)
    model.set_templates([Template(5, 1, "c", 4, 0.873, source, (0, 0, 1, 1), AT)])
    index = model.index(0)

    assert model.data(index) == "Picture without a file"
    assert model.data(index, Role.SUBTITLE) == "Quality 87%"
    assert model.data(index, Role.QUALITY) == 0.873
    assert "160 x 120" in model.data(index, Qt.ItemDataRole.ToolTipRole)
