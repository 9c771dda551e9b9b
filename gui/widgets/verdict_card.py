"""The answer of a verification with its evidence: Crops, Score on the scale, and plain words."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from facerec.pipeline import AnalyzedFace
from facerec.services.verify import Verification
from gui.i18n.errors import translated_issue
from gui.i18n.rates import rate_sentence
from gui.theme import SIZES
from gui.widgets.score_scale import ScoreScale
from gui.widgets.text import IconLabel, label, set_role
from gui.widgets.thumbnail import FaceThumbnail

_CROP_PX = 104


class VerdictCard(QFrame):
    """Shows a ``Verification``, or what is missing for one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.crops = (FaceThumbnail(_CROP_PX), FaceThumbnail(_CROP_PX))
        self._icon = IconLabel("verify", "muted", 26)
        self.verdict = label("", "heading")
        self.sentence = label("", "muted", wrap=True)
        self.scale = ScoreScale()
        self._issues = label("", "warn", wrap=True)
        heading = QHBoxLayout()
        heading.setSpacing(SIZES.space_s)
        heading.addWidget(self._icon)
        heading.addWidget(self.verdict)
        heading.addStretch(1)
        words = QVBoxLayout()
        words.setSpacing(SIZES.space_xs)
        words.addLayout(heading)
        words.addWidget(self.scale)
        words.addWidget(self.sentence)
        words.addWidget(self._issues)
        grid = QGridLayout(self)
        grid.setContentsMargins(*[SIZES.space_l] * 4)
        grid.setHorizontalSpacing(SIZES.space_xl)
        grid.addWidget(self.crops[0], 0, 0, Qt.AlignmentFlag.AlignVCenter)
        grid.addLayout(words, 0, 1)
        grid.addWidget(self.crops[1], 0, 2, Qt.AlignmentFlag.AlignVCenter)
        grid.setColumnStretch(1, 1)

    def show_waiting(
        self, text: str, first: AnalyzedFace | None = None, second: AnalyzedFace | None = None
    ) -> None:
        """Say what is missing; Faces that are there are shown already."""
        self._show_crops(first, second)
        self._icon.show_icon("verify", "muted")
        set_role(self.verdict, "heading")
        self.verdict.setText(self.tr("No answer yet"))
        self.sentence.setText(text)
        self.scale.hide()
        self._issues.hide()

    def show_result(self, result: Verification) -> None:
        """Show the answer."""
        self._show_crops(result.face_a, result.face_b)
        role = "good" if result.same else "bad"
        self._icon.show_icon(role, role)
        set_role(self.verdict, f"verdict-{role}")
        self.verdict.setText(
            self.tr("The same person") if result.same else self.tr("Different people")
        )
        self.scale.show_score(result.score, result.rule)
        self.scale.show()
        self.sentence.setText(rate_sentence(result.rule))
        issues = dict.fromkeys(
            translated_issue(issue)
            for face in (result.face_a, result.face_b)
            for issue in face.quality_issues
        )
        self._issues.setText(" ".join(issues))
        self._issues.setVisible(bool(issues))

    def _show_crops(self, first: AnalyzedFace | None, second: AnalyzedFace | None) -> None:
        for view, face in zip(self.crops, (first, second), strict=True):
            view.show_crop(None if face is None else face.crop)
