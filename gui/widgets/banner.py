"""What went wrong and what to do about it, on top of a page."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from facerec.errors import FacerecError
from gui.i18n.errors import translated_error
from gui.theme import SIZES
from gui.widgets.text import IconButton, IconLabel, label, restyle


class Banner(QFrame):
    """A coloured strip with a sentence and, below it, a second one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._icon = IconLabel("error", "bad")
        self._message = label("", "strong", wrap=True)
        self._remedy = label("", wrap=True)
        for part in (self._message, self._remedy):
            part.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._close = IconButton("close", self.tr("Dismiss"), self.hide)
        words = QVBoxLayout()
        words.setSpacing(SIZES.space_xs)
        words.addWidget(self._message)
        words.addWidget(self._remedy)
        row = QHBoxLayout(self)
        row.setContentsMargins(SIZES.space_m, SIZES.space_m, SIZES.space_s, SIZES.space_m)
        row.setSpacing(SIZES.space_m)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        row.addWidget(self._close, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    def show_text(self, message: str, remedy: str = "", *, kind: str = "info") -> None:
        """Show a sentence.

        Args:
            message: what is the matter.
            remedy: what to do about it.
            kind: ``bad``, ``warn``, ``good`` or ``info``.
        """
        icon_name, colour = {
            "bad": ("error", "bad"),
            "warn": ("warn", "warn"),
            "good": ("good", "good"),
        }.get(kind, ("error", "accent"))
        self._icon.show_icon(icon_name, colour)
        self._message.setText(message)
        self._remedy.setText(remedy)
        self._remedy.setVisible(bool(remedy))
        self.setProperty("banner", kind)
        restyle(self)
        self.setAccessibleName(f"{message} {remedy}".strip())
        self.show()

    @property
    def text(self) -> str:
        """What it says now."""
        return "" if self.isHidden() else self.accessibleName()


class ErrorBanner(Banner):
    """A banner for known errors: the sentence and the remedy."""

    def show_error(self, error: FacerecError) -> None:
        """Show an error in the language of the window."""
        message, remedy = translated_error(error)
        self.show_text(message, remedy, kind="bad")
