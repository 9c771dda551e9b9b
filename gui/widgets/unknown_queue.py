"""Unknown faces that wait until somebody names or dismisses them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from facerec.services.sightings import UnknownGroup
from gui.i18n.dates import clock
from gui.i18n.fill import fill
from gui.item_models.face_rows import FaceRow
from gui.theme import SIZES
from gui.widgets.face_list import FaceList, small_pixmap
from gui.widgets.text import button, label


class UnknownQueue(QWidget):
    """The queue; what it says while it is off or empty; and buttons for the group chosen.

    Attributes:
        faces: the list.

    Signals:
        naming_wanted: an ``UnknownGroup`` shall be named.
        dismissed: an ``UnknownGroup`` shall be deleted.
        settings_wanted: somebody wants to switch the queue on or off.
        counted: how many groups wait.
    """

    naming_wanted = Signal(object)
    dismissed = Signal(object)
    settings_wanted = Signal()
    counted = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.faces = FaceList(self.tr("Unknown faces"), selectable=True)
        self._note = label("", "muted", wrap=True)
        self._settings = button(
            self.tr("Open settings"), self.settings_wanted.emit, icon_name="settings"
        )
        self._name = button(self.tr("Name…"), self._ask_name, kind="primary")
        self._dismiss = button(self.tr("Dismiss"), self._dismiss_chosen)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._note_page())
        self._stack.addWidget(self._list_page())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, SIZES.space_s, 0, 0)
        column.addWidget(self._stack)
        self.faces.selectionModel().selectionChanged.connect(self._enable)
        self.faces.rows.modelReset.connect(self._enable)
        self.faces.activated.connect(self._ask_name)
        self.show_off()

    def show_off(self) -> None:
        """Say that nothing is kept, and where that is changed."""
        self._note.setText(
            self.tr(
                "Faces of people who are not enrolled are not kept. Switch this on in the settings "
                "to have them wait here for a name, for a few hours."
            )
        )
        self._settings.show()
        self._stack.setCurrentIndex(0)
        self.counted.emit(0)

    def show_groups(self, groups: Sequence[UnknownGroup]) -> None:
        """Show what waits."""
        self.faces.rows.set_rows([self._row(group) for group in groups])
        self._note.setText(self.tr("No unknown faces wait for a name."))
        self._settings.hide()
        self._stack.setCurrentIndex(1 if groups else 0)
        self.counted.emit(len(groups))

    def _row(self, group: UnknownGroup) -> FaceRow:
        return FaceRow(
            key=tuple(face.id for face in group.faces),
            text=fill(self.tr("Seen at %1"), clock(group.last_seen_at)),
            subtitle=self.tr("%n look(s)", "", len(group.faces))
            + " · "
            + self.tr("%n hour(s) left", "", _hours_until(group.expires_at)),
            pixmap=small_pixmap(group.best_crop),
            item=group,
        )

    def _note_page(self) -> QWidget:
        widget = QWidget()
        column = QVBoxLayout(widget)
        column.setContentsMargins(SIZES.space_s, 0, SIZES.space_s, 0)
        column.setSpacing(SIZES.space_m)
        column.addWidget(self._note)
        row = QHBoxLayout()
        row.addWidget(self._settings)
        row.addStretch(1)
        column.addLayout(row)
        column.addStretch(1)
        return widget

    def _list_page(self) -> QWidget:
        widget = QWidget()
        column = QVBoxLayout(widget)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.faces, 1)
        row = QHBoxLayout()
        row.setSpacing(SIZES.space_s)
        row.addWidget(self._name, 1)
        row.addWidget(self._dismiss, 1)
        column.addLayout(row)
        return widget

    def _enable(self) -> None:
        is_chosen = self.faces.chosen() is not None
        self._name.setEnabled(is_chosen)
        self._dismiss.setEnabled(is_chosen)

    def _ask_name(self) -> None:
        if isinstance(group := self.faces.chosen(), UnknownGroup):
            self.naming_wanted.emit(group)

    def _dismiss_chosen(self) -> None:
        if isinstance(group := self.faces.chosen(), UnknownGroup):
            self.dismissed.emit(group)


def _hours_until(moment: datetime) -> int:
    return max(0, math.ceil((moment - datetime.now(UTC)).total_seconds() / 3600))
