"""The rail at the left: one button a page, and at its foot what the networks are doing."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.context import Context, LoadState
from gui.icons import icon
from gui.pages import PageEntry
from gui.theme import SIZES
from gui.widgets.text import label, rail_icon

WIDTH_PX = 204


class Rail(QFrame):
    """The navigation rail.

    Signals:
        chosen: id of the page wanted.
    """

    chosen = Signal(str)

    def __init__(
        self, context: Context, entries: Sequence[PageEntry], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("rail")
        self.setFixedWidth(WIDTH_PX)
        self._context = context
        self._buttons: dict[str, QToolButton] = {}
        self._group = QButtonGroup(self)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(*[SIZES.space_m] * 4)
        self._column.setSpacing(SIZES.space_xs)
        self._add_brand()
        self._state = label("", "small", wrap=True)
        self._state.setContentsMargins(SIZES.space_m, SIZES.space_s, SIZES.space_s, 0)
        for number, entry in enumerate(entries, start=1):
            if entry.at_end:
                self._column.addStretch(1)
            self._add_button(entry, number)
        self._column.addStretch(0 if entries[-1].at_end else 1)
        self._column.addWidget(self._state)
        self._tint()
        context.models_state_changed.connect(self._show_state)
        self._show_state()

    def mark(self, page_id: str) -> None:
        """Show which page is open."""
        self._group.setExclusive(page_id in self._buttons)
        for name, button in self._buttons.items():
            button.setChecked(name == page_id)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  (Qt's name)
        """Tint the icons anew after a change of theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._tint()

    def _tint(self) -> None:
        self._brand.setIcon(icon("brand", theme.current().accent, 22))
        for page_id, button in self._buttons.items():
            button.setIcon(rail_icon(page_id))

    def _add_brand(self) -> None:
        brand = QToolButton()
        brand.setObjectName("brand")
        brand.setText("  facerec")
        brand.setToolTip(self.tr("What this program does"))
        brand.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        brand.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        brand.setIconSize(QSize(22, 22))
        brand.clicked.connect(lambda: self.chosen.emit("welcome"))
        self._brand = brand
        self._column.addWidget(brand)
        self._column.addSpacing(SIZES.space_s)

    def _add_button(self, entry: PageEntry, number: int) -> None:
        title = entry.translated_title()
        shortcut = QKeySequence(f"Ctrl+{number}")
        button = QToolButton()
        button.setObjectName(f"rail-{entry.id}")
        button.setText(f"  {title}")
        button.setAccessibleName(title)
        button.setToolTip(f"{title}  ({shortcut.toString(QKeySequence.SequenceFormat.NativeText)})")
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        button.setIconSize(QSize(20, 20))
        button.setCheckable(True)
        button.clicked.connect(lambda: self.chosen.emit(entry.id))
        # A shortcut of the button itself would first show it pressed for a tenth of a second.
        QShortcut(shortcut, self, lambda: self.chosen.emit(entry.id))
        self._group.addButton(button)
        self._buttons[entry.id] = button
        self._column.addWidget(button)

    def _show_state(self) -> None:
        slot = self._context.pipeline_slot
        if slot.state is LoadState.LOADING:
            text = self.tr("Loading the networks…")
        elif slot.state is LoadState.FAILED or slot.value is None:
            text = self.tr("The networks could not be loaded.")
        else:
            device = slot.value.embedder.device.upper()
            text = self.tr("Ready, computing on %1").replace("%1", device)
        self._state.setText(text)
