"""The strip below the video: what is known of the chosen face, and a name for it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from facerec.services.live import LiveTrack
from facerec.services.sightings import UnknownGroup
from gui.i18n.decisions import reason_words, verdict_words
from gui.theme import SIZES
from gui.widgets.name_field import NameField
from gui.widgets.text import button, card, label, set_role
from gui.widgets.thumbnail import FaceThumbnail

Subject = LiveTrack | UnknownGroup
_SIDE_PX = 56


class FaceStrip(QWidget):
    """Tells of one face, and asks for its name.

    Attributes:
        field: where the name is typed.
        subject: whose name is asked for; None while none is.

    Signals:
        enrol_wanted: somebody pressed the button that asks for a name.
        named: ``subject``, the name, and whether rules that spoke against it are set aside.
        closed: no name is asked for any more.
    """

    enrol_wanted = Signal()
    named = Signal(object, str, bool)
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.subject: Subject | None = None
        self._thumbnail = FaceThumbnail(_SIDE_PX)
        self._stack = QStackedWidget()
        self._heading = label("", "strong")
        self._reason = label("", "muted", wrap=True)
        self._ask = button(self.tr("Enrol…  (E)"), self.enrol_wanted.emit, icon_name="enrol")
        self.field = NameField()
        self._question = label("", "muted", wrap=True)
        self._yes = button(self.tr("Enrol"), self._submit, kind="primary")
        self._anyway = button(self.tr("Enrol all the same"), self._insist, kind="danger")
        self._stack.addWidget(self._facts())
        self._stack.addWidget(self._form())
        frame = card()
        row = QHBoxLayout(frame)
        row.setContentsMargins(*[SIZES.space_m] * 4)
        row.setSpacing(SIZES.space_m)
        row.addWidget(self._thumbnail)
        row.addWidget(self._stack, 1)
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(frame)
        self.field.returnPressed.connect(self._submit)
        self.field.textChanged.connect(self._look_at_name)
        self.show_nobody()

    @property
    def is_asking(self) -> bool:
        """Whether a name is being asked for."""
        return self.subject is not None

    def show_nobody(self) -> None:
        """Say how a face is chosen."""
        self._thumbnail.show_image(None)
        self._heading.setText(self.tr("No face chosen"))
        self._reason.setText(self.tr("Click a face in the video, or press an arrow key."))
        self._ask.setVisible(False)

    def show_track(self, track: LiveTrack) -> None:
        """Tell of a face in sight."""
        self._heading.setText(verdict_words(track.decision))
        self._reason.setText(reason_words(track.decision))
        self._thumbnail.show_crop(track.best_crop)
        self._ask.setVisible(True)
        self._ask.setEnabled(track.best_crop is not None)

    def ask(self, subject: Subject) -> None:
        """Ask for the name of a face."""
        self.subject = subject
        self._thumbnail.show_crop(subject.best_crop)
        suggested = ""
        if isinstance(subject, LiveTrack):
            set_role(self._question, "muted")
            self._question.setText(reason_words(subject.decision))
            suggested = subject.name or ""
        else:
            self._question.setText(
                self.tr(
                    "%n picture(s) of this face will be enrolled.", "", min(len(subject.faces), 5)
                )
            )
        self.field.setText(suggested)
        self._anyway.hide()
        self._stack.setCurrentIndex(1)
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()

    def refuse(self, why: str) -> None:
        """Say why the face was not enrolled, and offer to do it all the same."""
        set_role(self._question, "bad")
        self._question.setText(why)
        self._anyway.show()
        self._anyway.setFocus()

    def close_form(self) -> None:
        """Ask no more."""
        self.subject = None
        set_role(self._question, "muted")
        self._stack.setCurrentIndex(0)
        self.closed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (Qt's name)
        """*Esc* asks no more."""
        if event.key() == Qt.Key.Key_Escape and self.is_asking:
            self.close_form()
        else:
            super().keyPressEvent(event)

    def _facts(self) -> QWidget:
        widget = QWidget()
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addStretch(1)
        words.addWidget(self._heading)
        words.addWidget(self._reason)
        words.addStretch(1)
        row = QHBoxLayout(widget)
        row.setContentsMargins(0, 0, 0, 0)
        row.addLayout(words, 1)
        row.addWidget(self._ask)
        return widget

    def _form(self) -> QFrame:
        widget = QFrame()
        row = QHBoxLayout()
        row.setSpacing(SIZES.space_s)
        row.addWidget(self.field, 1)
        row.addWidget(self._yes)
        row.addWidget(button(self.tr("Cancel"), self.close_form))
        below = QHBoxLayout()
        below.setSpacing(SIZES.space_s)
        below.addWidget(self._question, 1)
        below.addWidget(self._anyway)
        column = QVBoxLayout(widget)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SIZES.space_xs)
        column.addLayout(row)
        column.addLayout(below)
        return widget

    def _look_at_name(self) -> None:
        self._yes.setEnabled(bool(self.field.name))
        self._anyway.hide()

    def _submit(self) -> None:
        if self.subject is not None and self.field.name:
            self.named.emit(self.subject, self.field.name, False)

    def _insist(self) -> None:
        if self.subject is not None and self.field.name:
            self.named.emit(self.subject, self.field.name, True)
