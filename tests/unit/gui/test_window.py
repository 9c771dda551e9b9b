"""The window: pages made when they are opened, keys, settings, bugs, and closing while busy."""

from __future__ import annotations

import threading

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QToolButton

from facerec.config import load_settings
from facerec.errors import NoFaceError, WeightsMissingError
from gui import theme
from gui.app import make_window
from gui.context import Context, LoadState
from gui.main_window import window_state
from gui.navigation import Rail
from gui.pages import PAGES, PageEntry
from gui.pages.page import Page
from gui.widgets.bug_dialog import BugDialog
from gui.widgets.toast import Toast


class FirstPage(Page):
    """A page that notes what happens to it."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.heard: list[object] = []
        self.add_header(self.tr("First"))

    def shown(self) -> None:
        self.heard.append("shown")

    def left(self) -> None:
        self.heard.append("left")

    def show_item(self, what: object) -> None:
        self.heard.append(what)


class SecondPage(FirstPage):
    """Another one."""


FIRST = PageEntry("gallery", "First", f"{__name__}:FirstPage")
SECOND = PageEntry("verify", "Second", f"{__name__}:SecondPage")


@pytest.fixture(autouse=True)
def _classes_of_this_file(monkeypatch: pytest.MonkeyPatch) -> None:
    # Test files are imported under names that cannot be imported again.
    here = {"FirstPage": FirstPage, "SecondPage": SecondPage}
    real = PageEntry.load
    monkeypatch.setattr(
        PageEntry, "load", lambda self: here.get(self.place.partition(":")[2]) or real(self)
    )


def test_pages_are_made_when_they_are_first_opened(make_window) -> None:
    window = make_window(FIRST, SECOND)

    assert window.current_id == "gallery"
    assert set(window._pages) == {"gallery"}
    window.open_page("verify")
    assert set(window._pages) == {"gallery", "verify"}


def test_pages_are_told_when_they_come_and_go(make_window) -> None:
    window = make_window(FIRST, SECOND)
    first = window.page("gallery")

    window.context.open_page("verify", "something")
    window.open_page("gallery")

    assert first.heard == ["shown", "left", "shown"]
    assert window.page("verify").heard == ["shown", "something", "left"]


def test_unknown_page_changes_nothing(make_window) -> None:
    window = make_window(FIRST, SECOND)

    window.context.open_page("nowhere")

    assert window.current_id == "gallery"


def test_ctrl_and_a_number_open_the_pages_in_the_order_of_the_rail(make_window, qtbot) -> None:
    window = make_window(FIRST, SECOND)
    with qtbot.waitActive(window, timeout=60_000):
        window.show()
        window.activateWindow()

    qtbot.keyClick(window, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    assert window.current_id == "verify"
    assert window.findChild(QToolButton, "rail-verify").isChecked()
    qtbot.keyClick(window, Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    assert window.current_id == "gallery"


@pytest.mark.parametrize("entry", PAGES, ids=lambda entry: entry.id)
def test_every_registered_page_opens_and_has_an_icon(entry: PageEntry, make_window) -> None:
    window = make_window()

    window.open_page(entry.id)

    assert window.current_id == entry.id
    assert window.findChild(Rail)


def test_first_start_opens_the_welcome_and_the_second_does_not(make_window) -> None:
    assert make_window().current_id == "welcome"
    assert make_window().current_id == "live"


def test_window_is_there_before_anything_is_loaded(make_window, context: Context) -> None:
    window = make_window(FIRST)
    window.show()

    assert context.gallery_slot.state is LoadState.LOADING
    assert context.gallery_slot.value is None


def test_loading_ends_in_ready(ready: Context) -> None:
    assert ready.gallery_slot.state is LoadState.READY
    assert ready.pipeline_slot.state is LoadState.READY
    assert ready.pipeline() is ready.pipeline_slot.value


def test_failed_loading_is_said_above_the_page(qapp, qtbot, make_window, context: Context) -> None:
    def fail() -> None:
        raise WeightsMissingError("The file is gone.", remedy="Fetch it.")

    context._open_pipeline = fail
    window = make_window(FIRST)
    window.show()
    with qtbot.waitSignal(context.models_state_changed, check_params_cb=None):
        context.pipeline_slot = context._new_pipeline_slot()
        context.start_loading()
    qtbot.waitUntil(lambda: context.pipeline_slot.state is LoadState.FAILED)

    assert window._banner.text == "The file is gone. Fetch it."


def test_language_changes_at_once_and_the_page_stays(make_window, qtbot, qapp) -> None:
    window = make_window()
    window.open_page("settings")

    window.context.change_settings({"window.language": "zh_CN"})
    qtbot.waitUntil(lambda: window.findChild(QToolButton, "rail-settings").text().strip() == "设置")

    assert window.current_id == "settings"
    assert load_settings().settings.window.language == "zh_CN"
    window.context.change_settings({"window.language": "en"})
    qtbot.waitUntil(
        lambda: window.findChild(QToolButton, "rail-settings").text().strip() == "Settings"
    )


def test_theme_changes_at_once(make_window) -> None:
    window = make_window(FIRST)

    window.context.change_settings({"window.theme": "dark"})
    assert theme.is_dark()
    window.context.change_settings({"window.theme": "light"})
    assert not theme.is_dark()


def test_choice_in_the_window_wins_over_the_command_line(qapp) -> None:
    flags = {"window.theme": "dark"}
    context = Context(load_settings(flags), flags=flags)

    context.change_settings({"window.theme": "light"})

    assert context.settings.window.theme == "light"
    context.shut_down()
    assert context.runners.wait(5)


def test_known_error_of_a_job_is_in_the_banner(make_window, qtbot) -> None:
    window = make_window(FIRST)
    page = window.page("gallery")

    def fail(task: object) -> None:
        raise NoFaceError("No face was found.", remedy="Come closer.")

    with qtbot.waitSignal(page.run(page.context.runners.disk, fail).finished):
        pass

    assert page.banner.text == "No face was found. Come closer."


def test_bug_of_a_job_opens_the_dialog_and_the_program_goes_on(make_window, qtbot) -> None:
    window = make_window(FIRST)
    page = window.page("gallery")
    with qtbot.waitSignal(page.context.broke):
        page.run(page.context.runners.disk, lambda task: {}["missing"])

    dialog = window.findChild(BugDialog)
    dialog.copy_button.click()

    assert "KeyError: 'missing'" in QApplication.clipboard().text()
    assert "facerec" in QApplication.clipboard().text()
    dialog.go_on_button.click()
    assert not window.findChildren(BugDialog) or not dialog.isVisible()


def test_answer_for_a_page_that_is_gone_is_dropped(make_window, qtbot) -> None:
    window = make_window(FIRST)
    gate = threading.Event()
    answers: list[object] = []
    page = window.page("gallery")
    job = page.run(page.context.runners.disk, lambda task: gate.wait(5), answers.append)

    window.rebuild()
    with qtbot.waitSignal(job.finished):
        gate.set()

    assert answers == []
    assert window.page("gallery") is not page


def test_message_offers_what_can_be_undone(make_window, qtbot) -> None:
    window = make_window(FIRST)
    window.show()
    undone: list[bool] = []

    window.context.say("Deleted.", "Undo", lambda: undone.append(True))
    toast = window.findChild(Toast)
    assert toast.isVisible()
    toast._button.click()

    assert undone == [True]
    assert not toast.isVisible()


def test_closing_while_busy_cancels_and_then_closes(make_window, qtbot, gallery_folder) -> None:
    window = make_window(FIRST)
    window.show()
    context = window.context
    with qtbot.waitSignal(context.gallery_state_changed):
        context.start_loading()
    begun = threading.Event()

    def work(task) -> None:
        while True:
            begun.set()
            task.step("spin", 0, 1)

    window.page("gallery").run(context.runners.compute, work)
    assert begun.wait(5)
    window.close()
    assert window.isVisible()

    qtbot.waitUntil(lambda: not window.isVisible())
    assert context.runners.wait(0)
    assert window_state().value("geometry") is not None


def test_broken_settings_file_does_not_keep_the_window_away(qapp, qtbot, home) -> None:
    (home / "config.toml").write_text("[match]\nfmr = 7\n")

    window = make_window(qapp, {})
    qtbot.addWidget(window, before_close_func=lambda w: setattr(w, "_is_over", True))

    assert "match.fmr" in window._banner.text
    window.context.shut_down()
    assert window.context.runners.wait(5)
