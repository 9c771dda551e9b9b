"""What an evaluation found: the figures, the plots, and the worst errors as pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from facerec.evaluate.report import Sheet
from gui.pages.evaluation_plots import EvaluationPlots
from gui.pages.evaluation_words import figures_of, sheet_title
from gui.theme import SIZES
from gui.widgets.figure_card import FigureCard
from gui.widgets.pair_card import SIDE_PX, PairCard
from gui.widgets.text import label

if TYPE_CHECKING:
    from facerec.services.evaluate import Evaluation

# Of each kind; the report has more.
N_WORST = 12


class EvaluationView(QWidget):
    """Figures on top, plots below them, errors at the foot; empty but for the plots at first.

    Attributes:
        plots: the three plots.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plots = EvaluationPlots()
        self._note = label("", "muted", wrap=True)
        self._figures = QHBoxLayout()
        self._figures.setSpacing(SIZES.space_l)
        self._sheets = QVBoxLayout()
        self._sheets.setSpacing(SIZES.space_m)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SIZES.space_l)
        column.addWidget(self._note)
        column.addLayout(self._figures)
        column.addWidget(self.plots)
        column.addLayout(self._sheets)
        column.addStretch(1)

    @property
    def figures(self) -> list[FigureCard]:
        """The cards shown."""
        return self.findChildren(FigureCard)

    @property
    def pairs(self) -> list[PairCard]:
        """The pairs shown."""
        return self.findChildren(PairCard)

    def clear(self) -> None:
        """Show what stands there while images are embedded."""
        self._say(self.tr("The curves grow with the images; the figures come at the end."))
        _empty(self._figures)
        _empty(self._sheets)
        for plot in self.plots.plots():
            plot.show_series([])

    def stopped(self) -> None:
        """Say that what is drawn is not all."""
        self._say(self.tr("Stopped: the curves are of the images seen so far."))

    def show_result(self, evaluation: Evaluation) -> None:
        """Show what was found."""
        payload: Mapping[str, Any] = evaluation.payload
        self._say("")
        _empty(self._figures)
        for figure in figures_of(payload):
            self._figures.addWidget(FigureCard(figure), 1)
        self.plots.show_payload(dict(payload))
        _empty(self._sheets)
        for sheet in evaluation.page.sheets:
            if sheet.cards:
                self._sheets.addWidget(_sheet(sheet))

    def _say(self, text: str) -> None:
        self._note.setText(text)
        self._note.setVisible(bool(text))


def _sheet(sheet: Sheet) -> QWidget:
    """A row of pairs to scroll through sideways, below its title."""
    row = QWidget()
    cards = QHBoxLayout(row)
    cards.setContentsMargins(0, 0, 0, 0)
    cards.setSpacing(SIZES.space_m)
    for card in sheet.cards[:N_WORST]:
        cards.addWidget(PairCard(card))
    cards.addStretch(1)
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(row)
    area.setFixedHeight(SIDE_PX + 56)
    whole = QWidget()
    column = QVBoxLayout(whole)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(SIZES.space_s)
    column.addWidget(label(sheet_title(sheet.title), "heading"))
    column.addWidget(area)
    return whole


def _empty(layout: QHBoxLayout | QVBoxLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.setParent(None)
            widget.deleteLater()
