"""The Threshold, chosen by how many false alarms it lets through."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QRadioButton, QVBoxLayout, QWidget

from facerec.config import MatchSettings
from facerec.gallery.calibrations import Calibration
from facerec.zoo import ModelCard, OperatingPoint
from gui.i18n.fill import fill
from gui.i18n.rates import odds
from gui.theme import SIZES
from gui.widgets.text import label


class AlarmChoice(QWidget):
    """One button per operating point of a model's card, from lenient to strict.

    Signals:
        chosen: the false match rate wanted.
        own_chosen: the gallery's own Threshold is wanted.
    """

    chosen = Signal(float)
    own_chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(SIZES.space_s)
        self._rows: list[QWidget] = []
        self._group = QButtonGroup(self)

    def show_card(
        self, card: ModelCard, match: MatchSettings, found: Calibration | None = None
    ) -> None:
        """Show a model's operating points and which one is in force.

        Args:
            card: of the model.
            match: what is set.
            found: the gallery's own calibration, which counts where nothing is set.
        """
        for row in self._rows:
            row.deleteLater()
        self._rows = []
        points = sorted(card.thresholds, key=lambda point: -point.fmr)
        is_own = found is not None and match.fmr is None and match.threshold is None
        if found is not None:
            self._add_own(found, is_current=is_own)
        current = None if is_own else _current(card, match)
        for point in points:
            self._add(point, is_current=point == current, is_default=point == card.thresholds[0])
        if current is None and not is_own:
            own = self.tr("Own threshold: %1").replace("%1", f"{match.threshold or 0:.2f}")
            self._add_row(own, self.tr("Set by hand; its error rate is not known."), checked=True)

    @property
    def buttons(self) -> list[QRadioButton]:
        """The buttons, from lenient to strict."""
        return [button for row in self._rows for button in row.findChildren(QRadioButton)]

    def _add_own(self, found: Calibration, *, is_current: bool) -> None:
        words = fill(self.tr("1 in %1 strangers"), odds(found.requested_fpir))
        effect = self.tr("Calibrated for this gallery; see below.")
        made = self._add_row(words, effect, checked=is_current)
        made.clicked.connect(self.own_chosen.emit)

    def _add(self, point: OperatingPoint, *, is_current: bool, is_default: bool) -> None:
        words = self.tr("1 in %1 comparisons").replace("%1", odds(point.fmr))
        if is_default:
            words += "  · " + self.tr("recommended")
        if point.fmr >= 1e-2:
            effect = self.tr("Recognises most people, and mistakes some.")
        elif point.fmr >= 1e-3:
            effect = self.tr("A good balance for everyday use.")
        else:
            effect = self.tr("Rarely mistaken; asks for better pictures.")
        button = self._add_row(words, effect, checked=is_current)
        button.clicked.connect(lambda: self.chosen.emit(point.fmr))

    def _add_row(self, words: str, effect: str, *, checked: bool) -> QRadioButton:
        row = QWidget()
        button = QRadioButton(words)
        button.setChecked(checked)
        button.setAccessibleDescription(effect)
        self._group.addButton(button)
        column = QVBoxLayout(row)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(button)
        below = QHBoxLayout()
        below.setContentsMargins(30, 0, 0, 0)
        below.addWidget(label(effect, "small", wrap=True))
        column.addLayout(below)
        self._column.addWidget(row)
        self._rows.append(row)
        return button


def _current(card: ModelCard, match: MatchSettings) -> OperatingPoint | None:
    """Return the operating point in force; None when the user set a Threshold by hand."""
    if match.threshold is not None and match.fmr is None:
        return None
    if match.fmr is None:
        return card.thresholds[0] if card.thresholds else None
    fitting = [point for point in card.thresholds if point.fmr <= match.fmr]
    return max(fitting, key=lambda point: point.fmr, default=None)
