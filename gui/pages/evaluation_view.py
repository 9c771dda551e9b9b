"""What an evaluation found: the figures, the plots, and the worst errors as pictures."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from facerec.evaluate.report import Card, Sheet
from gui.pages.evaluation_plots import EvaluationPlots
from gui.pages.evaluation_words import figures_of, sheet_title
from gui.theme import SIZES
from gui.widgets.figure_card import Figure, FigureCard
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
        # Pairs are made one at a time: dozens at a stretch would hold up the window.
        self._waiting: deque[Callable[[], None]] = deque()
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._make_next)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SIZES.space_l)
        column.addWidget(self._note)
        column.addLayout(self._figures)
        column.addWidget(self.plots)
        column.addLayout(self._sheets)
        column.addStretch(1)

    @property
    def is_complete(self) -> bool:
        """Whether all that was found is shown."""
        return not self._waiting

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
        self._waiting.clear()
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
        self._waiting.clear()
        _empty(self._figures)
        _empty(self._sheets)
        self._waiting.append(lambda: self.plots.show_payload(dict(payload)))
        self._waiting.extend(partial(self._add_figure, one) for one in figures_of(payload))
        sheets = [sheet for sheet in evaluation.page.sheets if sheet.cards]
        self._waiting.extend(partial(self._add_sheet, sheet) for sheet in sheets)
        self._timer.start()

    def _make_next(self) -> None:
        if self._waiting:
            self._waiting.popleft()()
        else:
            self._timer.stop()

    def _add_figure(self, figure: Figure) -> None:
        self._figures.addWidget(FigureCard(figure), 1)

    def _add_sheet(self, sheet: Sheet) -> None:
        """Add an empty row, and let its pairs come next."""
        whole, cards = _sheet(sheet)
        self._sheets.addWidget(whole)
        made = [partial(_add_pair, cards, card) for card in sheet.cards[:N_WORST]]
        self._waiting.extendleft(reversed(made))

    def _say(self, text: str) -> None:
        self._note.setText(text)
        self._note.setVisible(bool(text))


def _sheet(sheet: Sheet) -> tuple[QWidget, QHBoxLayout]:
    """A row to scroll through sideways below its title, and where its pairs go."""
    row = QWidget()
    cards = QHBoxLayout(row)
    cards.setContentsMargins(0, 0, 0, 0)
    cards.setSpacing(SIZES.space_m)
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
    return whole, cards


def _add_pair(cards: QHBoxLayout, card: Card) -> None:
    cards.insertWidget(cards.count() - 1, PairCard(card))


def _empty(layout: QHBoxLayout | QVBoxLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.setParent(None)
            widget.deleteLater()
