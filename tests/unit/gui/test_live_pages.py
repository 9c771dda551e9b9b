"""Live and Enrol on a toy camera: patterns instead of people, and no networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from facerec.config import load_settings
from facerec.imaging.frames import FrameSource, images_in_memory
from facerec.pipeline import Pipeline
from facerec.services.people import list_people
from gui.context import Context
from gui.main_window import MainWindow
from gui.pages import PAGES
from gui.pages.enrol import EnrolPage
from gui.pages.live import LivePage
from gui.workers import sources
from gui.workers.sources import SourceChoice, SourceKind
from tests.helpers.live import FRAMES_PER_S, RULE, frame_of, toy_pipeline

ADA, BOB = 1, 2


@pytest.fixture
def pipeline() -> Pipeline:
    return toy_pipeline()


@pytest.fixture
def window(make_window, ready: Context, monkeypatch: pytest.MonkeyPatch) -> MainWindow:
    monkeypatch.setattr(Context, "rule", lambda self: RULE)
    window = make_window(*PAGES)
    window.resize(1280, 800)
    window.show()
    return window


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """The frames that any source shows over and over."""
    frames: list[np.ndarray] = []

    def opened(text: str, *, is_live: bool) -> FrameSource:
        return images_in_memory(
            frames, frames_per_s=FRAMES_PER_S, label=text, is_live=is_live, repeats=True
        )

    monkeypatch.setattr(sources, "open_source", opened)
    return frames


@pytest.fixture
def live(window: MainWindow, scene: list[np.ndarray], qtbot):
    scene += [frame_of((ADA, 60.0), (BOB, 400.0), shot=shot) for shot in range(10)]
    window.open_page("live")
    page: LivePage = window.page("live")
    page.source.choose(SourceChoice(SourceKind.STREAM, "toy", "toy"))
    yield page
    page.stop()
    qtbot.waitUntil(lambda: not window.context.runners.is_busy)


@pytest.fixture
def enrol(window: MainWindow, scene: list[np.ndarray]) -> EnrolPage:
    window.open_page("enrol")
    page: EnrolPage = window.page("enrol")
    page.camera.source.choose(SourceChoice(SourceKind.STREAM, "toy", "toy"))
    return page


def _names(window: MainWindow) -> list[str]:
    return [person.name for person in list_people(window.context.gallery())]


def _undo(window: MainWindow) -> None:
    QTest.mouseClick(window._toast._button, Qt.MouseButton.LeftButton)


def test_clicked_face_is_enrolled_in_two_keystrokes_and_undone(window, live, qtbot) -> None:
    QTest.mouseClick(live.start_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(
        lambda: len(live.view.tracks) == 2 and live.view.tracks[0].best_crop is not None
    )
    left = min(live.view.tracks, key=lambda track: track.face.centre_xy[0])
    point = live.view.box_of(left).center().toPoint()
    QTest.mouseClick(live.view, Qt.MouseButton.LeftButton, pos=point)
    QTest.keyClick(live.view, Qt.Key.Key_E)
    QTest.keyClicks(live.strip.field, "Ada")
    QTest.keyClick(live.strip.field, Qt.Key.Key_Return)
    qtbot.waitUntil(
        lambda: [t.name for t in live.view.tracks if t.track_id == left.track_id] == ["Ada"]
    )

    assert [row.text for row in live.panel.present.rows.rows] == ["Ada", "Unknown"]
    qtbot.waitUntil(lambda: window._toast.isVisible())
    _undo(window)
    qtbot.waitUntil(lambda: _names(window) == [])


def test_leaving_the_page_lets_go_of_the_camera_and_coming_back_goes_on(
    window, live, qtbot
) -> None:
    live.start()
    qtbot.waitUntil(lambda: bool(live.view.tracks))
    window.open_page("gallery")
    assert not live.is_running
    qtbot.waitUntil(lambda: not window.context.runners.camera.is_busy)
    window.open_page("live")

    assert live.is_running
    qtbot.waitUntil(lambda: bool(live.view.tracks))


def test_source_that_is_not_there_is_told(window, live, qtbot, monkeypatch) -> None:
    monkeypatch.undo()
    live.source.choose(SourceChoice(SourceKind.FILE, "/nowhere/party.mp4", "party.mp4"))
    live.start()
    qtbot.waitUntil(lambda: bool(live.banner.text))

    assert "party.mp4" in live.banner.text
    assert not live.is_running


def test_sample_video_without_photographs_says_how_to_fetch_them(window, live, qtbot) -> None:
    live.source.choose(SourceChoice(SourceKind.SAMPLE))
    live.start()
    qtbot.waitUntil(lambda: bool(live.banner.text))

    assert "facerec demo --only-fetch" in live.banner.text


def test_queue_says_that_it_is_off_until_switched_on(window, live, qtbot) -> None:
    assert "not kept" in live.panel.queue._note.text()
    window.context.change_settings({"live.keep_strangers": True})
    qtbot.waitUntil(lambda: "No unknown faces" in live.panel.queue._note.text())

    assert load_settings().settings.live.keep_strangers


def _finished(enrol: EnrolPage, qtbot) -> None:
    qtbot.waitUntil(lambda: not enrol.context.runners.compute.is_busy)


def test_picture_is_enrolled_and_a_double_is_refused(window, enrol, qtbot, tmp_path: Path) -> None:
    form = enrol.picture.form
    for name, shot in (("Ada", 0), ("Eve", 1)):
        path = tmp_path / f"{name}.png"
        Image.fromarray(frame_of((ADA, 200.0), shot=shot)).save(path)
        enrol.picture.open_image(str(path))
        qtbot.waitUntil(lambda: form.is_ready_for_name)
        form.field.setText(name)
        QTest.keyClick(form.field, Qt.Key.Key_Return)
        _finished(enrol, qtbot)
        qtbot.waitUntil(lambda: window._toast.isVisible() or not form._refusal.isHidden())

    assert [row.text for row in form.alike.rows.rows] == ["Ada"]
    assert form.alike.rows.rows[0].subtitle == "counts as the same person"
    assert _names(window) == ["Ada"]


def test_camera_takes_the_picture_by_itself_when_one_good_face_is_there(
    window, enrol, scene, qtbot
) -> None:
    scene += [frame_of((ADA, 60.0), (BOB, 400.0), shot=shot) for shot in range(20)]
    scene += [frame_of((ADA, 60.0), shot=shot) for shot in range(5)] * 100
    enrol.tabs.setCurrentWidget(enrol.camera)
    said: list[str] = []
    enrol.camera.start()

    def is_taken() -> bool:
        said.append(enrol.camera.guide_bar.text)
        return enrol.camera.form.is_ready_for_name

    qtbot.waitUntil(is_taken)
    enrol.camera.form.field.setText("Ada")
    QTest.keyClick(enrol.camera.form.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: _names(window) == ["Ada"])

    assert {"Only one face, please.", "Good. Hold still…"} <= set(said)
    assert not enrol.camera.is_running


def test_folder_is_imported_with_reasons_and_undone_as_a_whole(
    window, enrol, qtbot, tmp_path: Path
) -> None:
    for name, person in (("Ada", ADA), ("Bob", BOB)):
        (tmp_path / name).mkdir()
        Image.fromarray(frame_of((person, 200.0))).save(tmp_path / name / "1.png")
    Image.fromarray(np.full((240, 640, 3), 128, np.uint8)).save(tmp_path / "Bob" / "2.png")
    enrol.show_item(tmp_path)
    qtbot.waitUntil(lambda: window._toast.isVisible())
    rows = [
        [enrol.folder.model.data(enrol.folder.model.index(r, c)) for c in range(2)]
        for r in range(enrol.folder.model.rowCount())
    ]

    assert rows == [["Ada", "1.png"], ["Bob", "1.png"], ["Bob", "2.png"]]
    # (plurals are those of the catalogue, where an earlier test has installed it)
    summary = enrol.folder._summary.text().replace("picture(s)", "pictures")
    assert summary == "2 pictures enrolled · 1 not enrolled"
    assert _names(window) == ["Ada", "Bob"]
    _undo(window)
    qtbot.waitUntil(lambda: _names(window) == [])
