"""Lists, the video and the words of the live page, each by itself."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPixmap
from PySide6.QtTest import QTest

from facerec.errors import NoFaceError
from facerec.gallery.people import Person
from facerec.services.enroll import EnrollStatus, ImageOutcome, PersonOutcome
from facerec.services.live import EventKind, LiveEvent, LiveFrame, LiveStats, LiveTrack
from facerec.types import Candidate, Decision, Reason, Verdict
from gui.i18n.decisions import reason_words, short_reason, verdict_words
from gui.i18n.fill import fill
from gui.item_models.face_rows import FaceRow, FaceRowsModel
from gui.item_models.import_rows import ImportModel
from gui.widgets.live_panel import MAX_EVENTS, LivePanel
from gui.widgets.live_view import LiveView
from gui.widgets.source_box import SourceBox
from gui.workers.live_feed import LiveFeed
from gui.workers.sources import SourceChoice, SourceKind
from tests.helpers.fakes import fake_face

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
ADA, BOB = Candidate(1, "Ada", 0.38, 1), Candidate(2, "Bob", 0.35, 2)


def _decision(
    verdict: Verdict, reason: Reason, *candidates: Candidate, person: Candidate | None = None
) -> Decision:
    return Decision(verdict, reason, person, candidates, 0.43, None, 0.05)


KNOWN = _decision(Verdict.KNOWN, Reason.ABOVE_THRESHOLD, ADA, person=ADA)
STRANGER = _decision(Verdict.UNKNOWN, Reason.BELOW_THRESHOLD, ADA)


def _track(track_id: int, left: float, decision: Decision = STRANGER) -> LiveTrack:
    name = None if decision.person is None else decision.person.name
    crop = np.full((112, 112, 3), 90, np.uint8)
    face = fake_face(left, 20, 100)
    return LiveTrack(track_id, face, decision, name, True, 1.0, 0.8, (), crop, None, 0.8, ())


def _frame(*tracks: LiveTrack, shade: int = 60) -> LiveFrame:
    image = np.full((200, 400, 3), shade, np.uint8)
    image.flags.writeable = False
    return LiveFrame(image, 0.0, tracks, LiveStats())


@pytest.fixture
def view(qtbot) -> LiveView:
    made = LiveView()
    qtbot.addWidget(made)
    made.resize(800, 400)
    made.show()
    made.show_frame(_frame(_track(7, 250), _track(8, 20, KNOWN)))
    return made


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        (STRANGER, "Looks most like Ada, score 0.38, threshold 0.43."),
        (KNOWN, "Recognised as Ada: score 0.38, threshold 0.43."),
        (
            _decision(Verdict.UNSURE, Reason.SMALL_MARGIN, ADA, BOB),
            "Ada (score 0.38) or Bob (score 0.35): too close to tell.",
        ),
        (_decision(Verdict.UNKNOWN, Reason.EMPTY_GALLERY), "Nobody is enrolled yet."),
    ],
)
def test_reasons_are_said_in_words(qapp, decision: Decision, words: str) -> None:
    assert reason_words(decision) == words


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_words(qapp, reason: Reason) -> None:
    assert reason_words(_decision(Verdict.UNSURE, reason, ADA))
    assert reason_words(_decision(Verdict.UNSURE, reason)) or reason is Reason.LOW_QUALITY


def test_answers_have_a_name_only_when_known(qapp) -> None:
    assert [verdict_words(d) for d in (KNOWN, STRANGER)] == ["Ada", "Unknown"]
    assert [short_reason(d) for d in (KNOWN, STRANGER)] == ["Score 0.38", "Nearest: Ada, 0.38"]


def test_a_name_may_look_like_a_placeholder() -> None:
    assert fill("%1 or %2", "%2", "b") == "%2 or b"


def test_frame_is_drawn_where_the_faces_are_clicked(view: LiveView) -> None:
    middle = view.box_of(view.tracks[0]).center()

    assert view.track_at(middle).track_id == 7
    assert view.track_at(QPointF(790, 390)) is None
    # 400x200 pixels on 800x400: everything is twice as large, half a pixel off.
    assert view.box_of(view.tracks[0]).x() == pytest.approx(2 * (250 + 10) + 1)
    assert view.grab().toImage().pixelColor(20, 380).red() == 60


def test_face_is_chosen_by_click_and_arrow_keys(view: LiveView, qtbot) -> None:
    point = view.box_of(view.tracks[1]).center().toPoint()
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=point)
    clicked = view.chosen_id
    QTest.keyClick(view, Qt.Key.Key_Right)
    moved = view.chosen_id
    with qtbot.waitSignal(view.enrol_wanted):
        QTest.keyClick(view, Qt.Key.Key_E)
    QTest.keyClick(view, Qt.Key.Key_Escape)

    assert [clicked, moved, view.chosen_id] == [8, 7, None]


def test_chosen_face_that_leaves_is_not_enrolled(view: LiveView, qtbot) -> None:
    view.choose(7)
    view.show_frame(_frame(_track(8, 20)))
    with qtbot.assertNotEmitted(view.enrol_wanted):
        QTest.keyClick(view, Qt.Key.Key_E)

    assert view.chosen_track is None


def test_feed_hands_over_the_newest_frame_and_every_event(qapp, qtbot) -> None:
    feed = LiveFeed()
    frames, events = [], []
    feed.shown.connect(lambda frame: frames.append((frame, threading.get_ident())))
    feed.happened.connect(events.append)
    made = [_frame(shade=shade) for shade in range(5)]

    def engine() -> None:
        for number, frame in enumerate(made):
            feed.take_frame(frame)
            feed.take_event(_event(EventKind.APPEARED, number))

    thread = threading.Thread(target=engine)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: len(events) == 5)

    assert frames == [(made[-1], threading.get_ident())]
    assert feed.n_skipped == 4


def _event(kind: EventKind, number: int, decision: Decision = KNOWN) -> LiveEvent:
    name = None if decision.person is None else decision.person.name
    return LiveEvent(
        kind, number, 1.0, AT, 0.5, AT, decision, None, name, np.zeros((112, 112, 3), np.uint8),
        None, 0.8,
    )  # fmt: skip


def test_events_are_listed_newest_first_and_not_for_ever(qtbot) -> None:
    panel = LivePanel()
    qtbot.addWidget(panel)
    for number in range(MAX_EVENTS + 3):
        panel.add_event(_event(EventKind.LEFT, number))
    panel.add_event(_event(EventKind.APPEARED, 999, STRANGER))

    rows = panel.events.rows.rows
    assert len(rows) == MAX_EVENTS
    assert (rows[0].text, rows[0].subtitle) == ("Unknown face", "appeared")
    assert (rows[1].text, rows[1].subtitle) == ("Ada", "left")
    assert not rows[0].pixmap.isNull()


def test_rows_pass_qt_s_own_checks_and_keep_what_is_chosen(qapp, qtmodeltester) -> None:
    model = FaceRowsModel()
    resets, changes = [], []
    model.modelReset.connect(lambda: resets.append(1))
    model.dataChanged.connect(lambda first, last: changes.append(first.row()))
    model.set_rows([FaceRow(1, "Ada"), FaceRow(2, "Bob", pixmap=QPixmap(4, 4))])
    qtmodeltester.check(model)
    model.set_rows([FaceRow(1, "Ada"), FaceRow(2, "Unknown")])
    model.prepend(FaceRow(3, "Cleo"), 2)
    qtmodeltester.check(model)

    assert [row.text for row in model.rows] == ["Cleo", "Ada"]
    assert (len(resets), changes) == (1, [1])


def _outcome(name: str, *images: ImageOutcome) -> PersonOutcome:
    return PersonOutcome(name, Person(1, name, 1, AT, AT), True, images)


def test_import_lists_each_picture_with_its_reason(qapp, qtmodeltester) -> None:
    model = ImportModel()
    qtmodeltester.check(model)
    model.add(
        _outcome(
            "Ada",
            ImageOutcome("/x/a.jpg", EnrollStatus.ADDED),
            ImageOutcome("/x/b.jpg", EnrollStatus.REFUSED, conflict=BOB),
        )
    )
    model.add(PersonOutcome("..", None, False, (), NoFaceError("No face was found.")))
    qtmodeltester.check(model)
    model.show_only_refused(only=True)
    qtmodeltester.check(model)

    cells = [[model.data(model.index(r, c)) for c in range(3)] for r in range(model.rowCount())]
    assert cells == [
        ["Ada", "b.jpg", "Looks like Bob, who is enrolled already (score 0.35)."],
        ["..", "", "No face was found."],
    ]
    assert [model.count(status) for status in EnrollStatus] == [1, 0, 2]


def test_first_camera_is_chosen_unless_somebody_chose(qtbot) -> None:
    box = SourceBox()
    qtbot.addWidget(box)
    camera = SourceChoice(SourceKind.CAMERA, "2", "Desk")
    assert box.choice.kind is SourceKind.SAMPLE
    box.set_cameras([camera])
    assert (box.choice, box.currentText()) == (camera, "Desk")
    file = SourceChoice(SourceKind.FILE, "/x/party.mp4", "party.mp4")
    with qtbot.waitSignal(box.source_changed):
        box.choose(file)
    box.set_cameras([camera])

    assert (box.choice, box.currentText()) == (file, "party.mp4")
