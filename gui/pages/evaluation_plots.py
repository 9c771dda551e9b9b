"""The three plots of an evaluation: how Scores are spread, ROC and DET."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from facerec.evaluate.error_rates import thin
from facerec.evaluate.so_far import ScoresSoFar
from gui.i18n.fill import fill
from gui.i18n.rates import threshold_words
from gui.theme import SIZES
from gui.widgets.plot import Plot, Series
from gui.widgets.plot_scale import Axis, percent_number
from gui.widgets.text import card

# Scores a bar of the histogram stands for.
BIN = 0.02
LOWEST = -0.4
# What no list of pairs can tell from zero is not drawn.
SMALLEST_RATE = 1e-5


class EvaluationPlots(QWidget):
    """Three plots side by side, which grow while images are embedded."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        rate = {"is_log": True, "high": 1.0, "write": percent_number}
        self.scores = Plot(
            self.tr("Scores"),
            Axis(self.tr("score"), LOWEST, 1.0),
            Axis(low=0.0, write=percent_number),
        )
        self.roc = Plot(
            self.tr("Found (ROC)"),
            Axis(self.tr("false match rate"), **rate),  # type: ignore[arg-type]
            Axis(self.tr("true match rate"), high=1.0, write=percent_number),
        )
        self.det = Plot(
            self.tr("The two errors (DET)"),
            Axis(self.tr("false match rate"), **rate),  # type: ignore[arg-type]
            Axis(self.tr("false non-match rate"), **rate),  # type: ignore[arg-type]
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SIZES.space_l)
        for plot in (self.scores, self.roc, self.det):
            row.addWidget(_on_card(plot), 1)

    def show_so_far(self, so_far: ScoresSoFar, threshold: float | None) -> None:
        """Draw what can be told before all images are embedded."""
        curve = so_far.curve()
        if curve is None:
            return
        self.show_scores(so_far.mated(), so_far.nonmated(), threshold)
        points = thin(curve)
        self.show_curve(points.fmr, points.fnmr)

    def show_scores(
        self, mated: NDArray[np.float64], nonmated: NDArray[np.int64], threshold: float | None
    ) -> None:
        """Draw how Scores are spread.

        Args:
            mated: (n,) Scores of the same person.
            nonmated: (n_bins,) how many of different people lie in each bin of [-1, 1].
            threshold: marked in the plot.
        """
        edges = np.arange(LOWEST, 1.0 + BIN / 2, BIN)
        fine = (np.arange(len(nonmated)) + 0.5) * (2.0 / len(nonmated)) - 1.0
        kinds = (
            (self.tr("different people"), np.histogram(fine, edges, weights=nonmated)[0], "bad"),
            (self.tr("same person"), np.histogram(mated, edges)[0], "accent"),
        )
        centres = (edges[:-1] + BIN / 2).tolist()
        marks = []
        if threshold is not None:
            words = fill(self.tr("threshold %1"), threshold_words(threshold))
            marks.append((threshold, words))
        self.scores.show_series(
            [
                Series(name, centres, (counts / max(1, counts.sum())).tolist(), colour, True)
                for name, counts, colour in kinds
            ],
            marks,
        )

    def show_curve(self, fmr: NDArray[np.float64], fnmr: NDArray[np.float64]) -> None:
        """Draw both curves.

        Args:
            fmr: (T,) false match rates, rising.
            fnmr: (T,) false non-match rates, falling.
        """
        shown = fmr >= SMALLEST_RATE
        rates, misses = fmr[shown].tolist(), fnmr[shown]
        self.roc.show_series([Series(self.tr("found"), rates, (1 - misses).tolist())])
        both = shown & (fnmr >= SMALLEST_RATE)
        self.det.show_series([Series(self.tr("missed"), fmr[both].tolist(), fnmr[both].tolist())])

    def show_payload(self, payload: dict[str, Any]) -> None:
        """Draw the curve of a finished evaluation."""
        curve = payload.get("verification", payload)["curve"]
        self.show_curve(np.array(curve["fmr"]), np.array(curve["fnmr"]))

    def plots(self) -> Sequence[Plot]:
        """Return the three."""
        return (self.scores, self.roc, self.det)


def _on_card(plot: Plot) -> QFrame:
    frame = card()
    row = QHBoxLayout(frame)
    row.setContentsMargins(SIZES.space_m, SIZES.space_s, SIZES.space_m, SIZES.space_s)
    row.addWidget(plot)
    frame.setMinimumHeight(250)
    return frame
