"""What to tell the person before the camera, and how long they still hold still."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QWidget

from facerec.services.guided import Guidance
from gui.i18n.errors import translated_issue
from gui.theme import SIZES
from gui.widgets.text import IconLabel, card, label

_STEPS = 100


class GuideBar(QWidget):
    """One large sentence and a bar."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = IconLabel("live", "muted", 24)
        self._words = label("", "heading", wrap=True)
        self._bar = QProgressBar()
        self._bar.setRange(0, _STEPS)
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(160)
        frame = card()
        row = QHBoxLayout(frame)
        row.setContentsMargins(*[SIZES.space_l] * 4)
        row.setSpacing(SIZES.space_m)
        row.addWidget(self._icon)
        row.addWidget(self._words, 1)
        row.addWidget(self._bar)
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(frame)
        self.show_waiting()

    @property
    def text(self) -> str:
        """What it says now."""
        return self._words.text()

    def show_waiting(self) -> None:
        """Say how it begins."""
        self._say("live", "muted", self.tr("Start the camera; the picture is taken by itself."))
        self._bar.setValue(0)

    def show_taken(self) -> None:
        """Say that the picture is taken."""
        self._say("good", "good", self.tr("Taken. Now the name."))
        self._bar.setValue(_STEPS)

    def show_guidance(self, guidance: Guidance) -> None:
        """Say what to do now."""
        self._bar.setValue(round(guidance.progress * _STEPS))
        if guidance.n_faces == 0:
            self._say("live", "muted", self.tr("Look into the camera."))
        elif guidance.n_faces > 1:
            self._say("warn", "warn", self.tr("Only one face, please."))
        elif guidance.issue is not None:
            self._say("warn", "warn", translated_issue(guidance.issue))
        else:
            self._say("good", "good", self.tr("Good. Hold still…"))

    def _say(self, icon_name: str, tone: str, text: str) -> None:
        self._icon.show_icon(icon_name, tone)
        self._words.setText(text)
        self.setAccessibleName(text)
