"""A first day with the window: enrol at the camera, be recognised, name a stranger, come back."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import Qt  # (after the platform is chosen)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from facerec.services.gallery import open_gallery
from facerec.services.live import EventKind, LiveEvent
from facerec.services.people import list_people
from facerec.services.sample_video import FIRST, SECOND
from gui.main_window import MainWindow
from gui.workers.sources import SourceChoice, SourceKind
from tests.helpers import photos
from tests.helpers.window_driver import Condition, drive

SAMPLE = SourceChoice(SourceKind.SAMPLE)
Steps = Generator[Condition, None, None]


@pytest.fixture
def sample_photos(home: Path) -> None:
    folder = home / "cache" / "photos"
    folder.mkdir(parents=True)
    for path in (photos.obama(1), photos.obama(2), photos.biden()):
        shutil.copy(path, folder / path.name)


def _is_ready(window: MainWindow) -> Callable[[], bool]:
    context = window.context
    return lambda: bool(context.gallery_slot.value and context.pipeline_slot.value)


def _people(home: Path) -> list[str]:
    with open_gallery(home / "gallery") as gallery:
        return [person.name for person in list_people(gallery)]


def _heard(live) -> list[LiveEvent]:
    return [row.item for row in live.panel.events.rows.rows]


def _recognised(live, name: str) -> LiveEvent | None:
    events = [e for e in _heard(live) if e.kind is EventKind.RECOGNISED and e.name == name]
    return events[-1] if events else None


def _undo_button(window: MainWindow) -> QPushButton:
    return next(
        made
        for made in window.findChildren(QPushButton)
        if made.isVisible() and made.text() == "Undo"
    )


def test_first_day(qapp, home: Path, sample_photos: None) -> None:
    def first_start(window: MainWindow) -> Steps:
        assert window.current_id == "welcome"
        window.context.change_settings({"window.language": "en", "live.keep_strangers": True})
        yield _is_ready(window)
        yield from enrol_at_camera(window)
        yield from watch_and_name(window)

    def enrol_at_camera(window: MainWindow) -> Steps:
        window.open_page("enrol")
        page = window.page("enrol")
        page.tabs.setCurrentWidget(page.camera)
        page.camera.source.choose(SAMPLE)
        QTest.mouseClick(page.camera.start_button, Qt.MouseButton.LeftButton)
        yield lambda: page.camera.form.is_ready_for_name
        assert page.camera.guide_bar.text == "Taken. Now the name."
        QTest.keyClicks(page.camera.form.field, FIRST)
        QTest.keyClick(page.camera.form.field, Qt.Key.Key_Return)
        yield lambda: _people(home) == [FIRST]

    def watch_and_name(window: MainWindow) -> Steps:
        window.open_page("live")
        live = window.page("live")
        live.source.choose(SAMPLE)
        QTest.mouseClick(live.start_button, Qt.MouseButton.LeftButton)
        yield lambda: _recognised(live, FIRST)
        event = _recognised(live, FIRST)
        assert event.time_s - event.began_s <= 1.0
        queue = live.panel.queue
        yield lambda: queue.faces.rows.rowCount() == 1
        live.panel.show_queue()
        queue.faces.setCurrentIndex(queue.faces.rows.index(0))
        QTest.keyClick(queue.faces, Qt.Key.Key_Return)
        QTest.keyClicks(live.strip.field, SECOND)
        QTest.keyClick(live.strip.field, Qt.Key.Key_Return)
        yield lambda: _people(home) == [FIRST, SECOND]
        yield lambda: any(t.name == SECOND for t in live.view.tracks)
        QTest.mouseClick(_undo_button(window), Qt.MouseButton.LeftButton)
        yield lambda: _people(home) == [FIRST]

    def next_start(window: MainWindow) -> Steps:
        assert window.current_id == "live"
        yield _is_ready(window)
        live = window.page("live")
        live.source.choose(SAMPLE)
        live.start()
        yield lambda: _recognised(live, FIRST)

    drive(first_start)
    assert _people(home) == [FIRST]
    drive(next_start)
