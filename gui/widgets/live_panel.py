"""The column beside the video: who is there, what happened, and unknown faces that wait."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from facerec.services.live import EventKind, LiveEvent, LiveTrack
from facerec.types import Verdict
from gui.i18n.dates import clock
from gui.i18n.decisions import short_reason, verdict_tone, verdict_words
from gui.item_models.face_rows import FaceRow
from gui.theme import SIZES
from gui.widgets.face_list import FaceList, small_pixmap
from gui.widgets.text import card, label
from gui.widgets.unknown_queue import UnknownQueue

MAX_EVENTS = 200
_MOST_PRESENT = 3


class LivePanel(QWidget):
    """Three lists.

    Attributes:
        present: people before the camera now.
        events: what happened, newest first.
        queue: unknown faces that wait for a name.

    Signals:
        track_chosen: ``track_id`` of a row that was clicked.
    """

    track_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.present = FaceList(self.tr("Here now"), selectable=True)
        self.events = FaceList(self.tr("Events"))
        self.queue = UnknownQueue()
        self._nobody = label(self.tr("Nobody is in sight."), "muted", wrap=True)
        self._quiet = label(self.tr("What happens is listed here."), "muted", wrap=True)
        self._pictures: dict[int, tuple[float, QPixmap | None]] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SIZES.space_l)
        column.addWidget(self._present_card())
        column.addWidget(self._tabs_card(), 1)
        self.present.clicked.connect(self._choose_clicked)
        self.queue.counted.connect(self._show_count)
        self.clear()

    def clear(self) -> None:
        """Nobody is in sight any more; what happened stays."""
        self.show_tracks(())

    def show_tracks(self, tracks: Sequence[LiveTrack]) -> None:
        """Show who is in sight."""
        self._pictures = {t.track_id: self._picture(t) for t in tracks}
        self.present.rows.set_rows([self._present_row(track) for track in tracks])
        self._nobody.setVisible(not tracks)
        self.present.setVisible(bool(tracks))
        self.present.fit_height(_MOST_PRESENT)

    def add_event(self, event: LiveEvent) -> None:
        """Put an event on top of the list."""
        row = FaceRow(
            key=(event.track_id, event.kind, event.time_s),
            text=who(event),
            subtitle=event_words(event),
            side=clock(event.at),
            tone=verdict_tone(event.decision),
            pixmap=small_pixmap(event.best_crop),
            item=event,
        )
        self.events.rows.prepend(row, MAX_EVENTS)
        self._quiet.hide()

    def _present_row(self, track: LiveTrack) -> FaceRow:
        return FaceRow(
            key=track.track_id,
            text=verdict_words(track.decision),
            subtitle=short_reason(track.decision),
            tone=verdict_tone(track.decision),
            pixmap=self._pictures[track.track_id][1],
            item=track.track_id,
        )

    def _picture(self, track: LiveTrack) -> tuple[float, QPixmap | None]:
        """Return the picture of a track, made anew only when there is a better look."""
        before = self._pictures.get(track.track_id)
        if before is not None and before[0] == track.best_quality:
            return before
        return track.best_quality, small_pixmap(track.best_crop)

    def _choose_clicked(self) -> None:
        track_id = self.present.chosen()
        if isinstance(track_id, int):
            self.track_chosen.emit(track_id)

    def _present_card(self) -> QWidget:
        frame = card()
        column = QVBoxLayout(frame)
        column.setContentsMargins(*[SIZES.space_m] * 4)
        column.setSpacing(SIZES.space_xs)
        column.addWidget(label(self.tr("Here now"), "heading"))
        column.addWidget(self._nobody)
        column.addWidget(self.present)
        return frame

    def _tabs_card(self) -> QWidget:
        events = QWidget()
        column = QVBoxLayout(events)
        column.setContentsMargins(0, SIZES.space_s, 0, 0)
        column.addWidget(self._quiet)
        column.addWidget(self.events, 1)
        self._tabs = QTabWidget()
        self._tabs.setDocumentMode(True)
        self._tabs.tabBar().setDrawBase(False)
        self._tabs.addTab(events, self.tr("Events"))
        self._tabs.addTab(self.queue, self.tr("Unknown faces"))
        frame = card()
        outer = QVBoxLayout(frame)
        outer.setContentsMargins(SIZES.space_s, SIZES.space_xs, SIZES.space_s, SIZES.space_s)
        outer.addWidget(self._tabs)
        return frame

    def show_queue(self) -> None:
        """Bring the queue of unknown faces to the front."""
        self._tabs.setCurrentIndex(1)

    def _show_count(self, n: int) -> None:
        words = self.tr("Unknown faces")
        self._tabs.setTabText(1, f"{words} ({n})" if n else words)


def who(event: LiveEvent) -> str:
    """Return whom an event is about."""
    if event.name is not None:
        return event.name
    if event.decision.verdict is Verdict.UNKNOWN:
        return QCoreApplication.translate("events", "Unknown face")
    return QCoreApplication.translate("events", "A face")


def event_words(event: LiveEvent) -> str:
    """Return what happened."""
    words = {
        EventKind.APPEARED: QCoreApplication.translate("events", "appeared"),
        EventKind.RECOGNISED: QCoreApplication.translate("events", "was recognised"),
        EventKind.LEFT: QCoreApplication.translate("events", "left"),
    }
    return words[event.kind]
