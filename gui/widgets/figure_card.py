"""One large figure on a card: the number, what it is, how sure it is."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from gui.theme import SIZES
from gui.widgets.text import label

_VALUE_PX = 28


@dataclass(frozen=True, slots=True)
class Figure:
    """What a card says.

    Attributes:
        value: the number with its unit.
        sentence: what it is, in plain words.
        detail: interval and conditions.
    """

    value: str
    sentence: str
    detail: str = ""


class FigureCard(QFrame):
    """A figure on a card."""

    def __init__(self, figure: Figure, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.figure = figure
        value = label(figure.value)
        font = QFont(value.font())
        font.setPixelSize(_VALUE_PX)
        font.setWeight(QFont.Weight.DemiBold)
        value.setFont(font)
        value.setStyleSheet(f"font-size: {_VALUE_PX}px; font-weight: 600;")
        column = QVBoxLayout(self)
        column.setContentsMargins(SIZES.space_l, SIZES.space_m, SIZES.space_l, SIZES.space_m)
        column.setSpacing(SIZES.space_xs)
        column.addWidget(value)
        column.addWidget(label(figure.sentence, wrap=True))
        column.addWidget(label(figure.detail, "small", wrap=True))
        column.addStretch(1)
        column.setAlignment(Qt.AlignmentFlag.AlignTop)
