"""The settings show a change of model, compare, accept and go back."""

from __future__ import annotations

import sys

import pytest

from facerec.services import change_model
from facerec.services.gallery import open_gallery
from facerec.zoo import find_model
from gui.main_window import MainWindow
from gui.pages.settings import SettingsPage
from tests.helpers import fake_training
from tests.helpers.fakes import write_toy_model
from tests.helpers.tiny_faces import TinyEmbedder, fill_with_tiny

N_PEOPLE = 24


@pytest.fixture
def models(home):
    write_toy_model(home / "models", name="first")
    write_toy_model(home / "models", name="second", scale=2.0)
    return find_model("first").contract().id, find_model("second").contract().id


@pytest.fixture
def peopled(models, gallery_folder):
    """People enrolled with ``first``."""
    first, _ = models
    with open_gallery(gallery_folder) as gallery:
        fill_with_tiny(gallery, TinyEmbedder(first, 32), N_PEOPLE, 2)
    return gallery_folder


@pytest.fixture
def window(peopled, make_window, ready) -> MainWindow:
    ready.change_settings({"embed.model": "first", "match.threshold": 0.5})
    return make_window()


@pytest.fixture
def page(window, monkeypatch) -> SettingsPage:
    """The settings, with a program of no effect in the place of ``facerec``."""
    program = [sys.executable, fake_training.__file__]
    monkeypatch.setattr("gui.workers.command.command_line", lambda: program)
    window.open_page("settings")
    return window.page("settings")


def change(folder, contract_id, *, whole=True):
    with open_gallery(folder) as gallery:
        change_model.begin(gallery, "first", "second", contract_id)
        if whole:
            change_model.prepare(gallery, TinyEmbedder(contract_id, 24))


def looked(page, qtbot):
    page.change.look()
    qtbot.waitUntil(lambda: not page.change.isHidden())
    return page.change


def offered(card):
    buttons = {
        "continue": card.continue_button,
        "stop": card.stop_button,
        "compare": card.compare_button,
        "accept": card.accept_button,
        "back": card.back_button,
    }
    return {name for name, one in buttons.items() if not one.isHidden()}


def test_card_is_hidden_while_there_is_no_change(page, qtbot) -> None:
    with qtbot.waitSignal(page.run(page.context.runners.disk, lambda task: None).finished):
        page.change.look()

    assert page.change.isHidden()


def test_a_change_that_was_broken_off_is_shown_and_goes_on(page, models, qtbot) -> None:
    change(page.context.gallery().folder, models[1], whole=False)

    card = looked(page, qtbot)

    assert f"0 of {2 * N_PEOPLE} pictures" in card.state.text()
    assert offered(card) == {"continue"}
    with qtbot.waitSignal(card.command.ended):
        card.continue_button.click()
        assert offered(card) == {"stop"}
    assert card.command.lines == ["did models use"]


def test_compare_accept_and_go_back(page, models, qtbot) -> None:
    folder = page.context.gallery().folder
    change(folder, models[1])
    card = looked(page, qtbot)
    assert "second is prepared. first serves" in card.state.text()
    assert offered(card) == {"compare", "accept"}

    card.compare_button.click()
    qtbot.waitUntil(lambda: not card.figures.isHidden())
    assert "Accept it" in card.figures.text()
    assert "second: threshold 0.500, searches that miss 0.0%" in card.figures.text()

    with qtbot.waitSignal(card.used) as used:
        card.accept_button.click()
    assert used.args == ["second"]
    assert page.context.settings.embed.model == "second"
    assert page.model.value == "second"

    with open_gallery(folder) as gallery:
        embedder = TinyEmbedder(models[1], 24)
        change_model.accept(gallery, embedder, {"embed.model": "second"})
    card.look()
    qtbot.waitUntil(lambda: "second serves" in card.state.text())
    assert offered(card) == {"compare", "back"}
    with qtbot.waitSignal(card.used) as used:
        card.back_button.click()
    assert used.args == ["first"]


def test_choosing_a_model_prepares_it_where_people_are_enrolled(page, qtbot) -> None:
    page.model.choose("second")
    with qtbot.waitSignal(page.change.command.ended):
        page.model.activated.emit(page.model.currentIndex())

    assert page.change.command.lines == ["did models use"]
    assert page.model.value == "first"
    assert page.context.settings.embed.model == "first"


def test_a_failure_is_shown(page, models, qtbot, monkeypatch) -> None:
    change(page.context.gallery().folder, models[1])
    card = looked(page, qtbot)
    monkeypatch.setattr(
        "gui.workers.command.command_line",
        lambda: [sys.executable, "-c", "import sys; print('facerec: No.'); sys.exit(1)"],
    )

    with qtbot.waitSignal(card.failed):
        card.accept_button.click()

    assert page.banner.text.startswith("No.")
    assert page.context.settings.embed.model == "first"
