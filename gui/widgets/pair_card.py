"""Two faces with their Score: an error to look at."""

from __future__ import annotations

import base64

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from facerec.evaluate.report import Card
from gui.theme import SIZES
from gui.widgets.text import label
from gui.widgets.thumbnail import FaceThumbnail

SIDE_PX = 84


class PairCard(QFrame):
    """Two pictures side by side, the Score below and whether it was judged rightly."""

    def __init__(self, card: Card, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        pictures = QHBoxLayout()
        pictures.setSpacing(SIZES.space_xs)
        for uri, name in zip(card.images, card.names, strict=True):
            thumbnail = FaceThumbnail(SIDE_PX)
            thumbnail.show_image(_image(uri))
            thumbnail.setToolTip(name)
            thumbnail.setAccessibleName(name)
            pictures.addWidget(thumbnail)
        words = QHBoxLayout()
        words.addWidget(label(card.score, "strong"))
        words.addStretch(1)
        words.addWidget(self._verdict(card.is_error))
        column = QVBoxLayout(self)
        column.setContentsMargins(*[SIZES.space_s] * 4)
        column.setSpacing(SIZES.space_xs)
        column.addLayout(pictures)
        column.addLayout(words)
        column.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setToolTip("\n".join(card.names))

    def _verdict(self, is_error: bool | None) -> QWidget:
        if is_error is None:
            return label("")
        return label(self.tr("wrong"), "bad") if is_error else label(self.tr("right"), "good")


def _image(uri: str) -> QImage | None:
    """Read a picture from a data URI; None when it is empty."""
    _, _, content = uri.partition(",")
    return QImage.fromData(base64.b64decode(content)) if content else None
