"""One finding of the health check: its pictures, what it says, and buttons."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from facerec.services.health_types import Action, ActionKind, Finding, FindingKind
from facerec.types import Crop
from gui.i18n.findings import action_words, consequence_words, sentence_words, title_words
from gui.theme import SIZES
from gui.widgets.text import button, label
from gui.widgets.thumbnail import FaceThumbnail

PICTURE_PX = 76
# More would leave the words no room in the smallest window.
MOST_PICTURES = 4
# The button of a long name shows its beginning; the whole name is in the sentence.
_MOST_LETTERS = 22
_ICONS = {
    ActionKind.MOVE: "swap",
    ActionKind.MERGE: "merge",
    ActionKind.SET_ASIDE: "close",
    ActionKind.ENROL: "enrol",
}


class FindingCard(QFrame):
    """Pictures at the left, words and buttons at the right.

    Attributes:
        finding: what is shown.
        act: the button of the suggested action.
        refuse: the button that says the likeness is none; None where there is no such thing.

    Signals:
        wanted: the suggested action is wanted.
        refused: it is somebody else.
    """

    wanted = Signal()
    refused = Signal()

    def __init__(
        self, finding: Finding, crops: Mapping[int, Crop], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.finding = finding
        row = QHBoxLayout(self)
        row.setContentsMargins(*[SIZES.space_m] * 4)
        row.setSpacing(SIZES.space_l)
        row.addLayout(self._pictures(crops))
        row.addLayout(self._words(), 1)

    def _pictures(self, crops: Mapping[int, Crop]) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(SIZES.space_xs)
        for number, template_id in enumerate(self.finding.template_ids[:MOST_PICTURES]):
            thumbnail = FaceThumbnail(PICTURE_PX)
            thumbnail.show_crop(crops.get(template_id))
            thumbnail.setAccessibleName(self.finding.names[0])
            row.addWidget(thumbnail, 0, Qt.AlignmentFlag.AlignTop)
            if not number:
                row.addSpacing(SIZES.space_s)
        shown = min(len(self.finding.template_ids), MOST_PICTURES)
        row.addSpacing((MOST_PICTURES - shown) * (PICTURE_PX + SIZES.space_xs))
        return row

    def _words(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(SIZES.space_xs)
        column.addWidget(label(title_words(self.finding), "strong"))
        column.addWidget(label(sentence_words(self.finding), wrap=True))
        consequence = consequence_words(self.finding)
        if consequence:
            column.addWidget(label(consequence, "muted", wrap=True))
        column.addSpacing(SIZES.space_xs)
        column.addLayout(self._buttons())
        column.addStretch(1)
        return column

    def _buttons(self) -> QHBoxLayout:
        action = self.finding.action
        row = QHBoxLayout()
        row.setSpacing(SIZES.space_s)
        self.act = button(
            action_words(_shortened(action)), self.wanted.emit, icon_name=_ICONS[action.kind]
        )
        row.addWidget(self.act)
        self.refuse = None
        if self.finding.kind in (FindingKind.MISFILED, FindingKind.DUPLICATE):
            self.refuse = button(self.tr("Not the same person"), self.refused.emit, kind="quiet")
            row.addWidget(self.refuse)
        row.addStretch(1)
        return row


def _shortened(action: Action) -> Action:
    into = action.into
    if len(into) > _MOST_LETTERS:
        into = into[: _MOST_LETTERS - 1] + "…"
    return Action(action.kind, action.template_ids, action.name, into)
