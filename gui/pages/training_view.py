"""A run as it goes on: how far it is, what it says, its curves and held-out figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from gui.i18n.duration import duration
from gui.theme import SIZES
from gui.widgets.plot import CURVE_COLOURS, Plot, Series
from gui.widgets.plot_scale import Axis, percent_number
from gui.widgets.text import card, label, set_role
from gui.workers.run_log import RunState

_PLOT_PX = 200
# Of one data set after the other: the same person, different people.
HISTOGRAM_COLOURS = ("accent", "bad", "good", "warn")


class TrainingView(QWidget):
    """Status on top, six plots below."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._make_plots()
        self.status = label("", "heading")
        self.numbers = label("", "muted")
        self.sentence = label("", "muted", wrap=True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(self.tr("Steps done"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SIZES.space_l)
        column.addWidget(self._status_card())
        grid = QGridLayout()
        grid.setSpacing(SIZES.space_l)
        for place, plot in enumerate((self.loss, self.rate, self.speed)):
            grid.addWidget(_on_card(plot), 0, 2 * place, 1, 2)
        for place, plot in enumerate((self.found, self.rank1)):
            grid.addWidget(_on_card(plot), 1, 3 * place, 1, 3)
        grid.addWidget(_on_card(self.scores), 2, 0, 1, 6)
        for at in range(6):
            grid.setColumnStretch(at, 1)
        column.addLayout(grid)

    def show_state(self, state: RunState, *, is_running: bool) -> None:
        """Show how far a run is and draw its curves."""
        progress = state.of("progress")
        self._show_status(state, progress, is_running=is_running)
        steps = [entry["step"] for entry in progress]
        for plot, key in (
            (self.loss, "loss"),
            (self.rate, "learning_rate"),
            (self.speed, "images_per_s"),
        ):
            plot.show_series([Series("", steps, [float(entry[key]) for entry in progress])])
        self.found.show_series(_of_sources(state, "tar"))
        self.rank1.show_series(_of_sources(state, "rank1"))
        self.scores.show_series(self._histograms(state))

    def _histograms(self, state: RunState) -> list[Series]:
        """Two histograms a data set, of the last evaluation."""
        counted = state.of("scores")
        latest = [entry for entry in counted if entry["step"] == counted[-1]["step"]]
        found: list[Series] = []
        for entry in sorted(latest, key=lambda entry: str(entry["source"])):
            prefix = f"{entry['source']}: " if len(latest) > 1 else ""
            for key, name in (
                ("mated", self.tr("same person")),
                ("non_mated", self.tr("different people")),
            ):
                colour = HISTOGRAM_COLOURS[len(found) % len(HISTOGRAM_COLOURS)]
                xs, ys = _shares(entry[key], *entry["range"])
                found.append(Series(prefix + name, xs, ys, colour, is_filled=True))
        return found

    def _show_status(
        self, state: RunState, progress: Sequence[dict[str, Any]], *, is_running: bool
    ) -> None:
        if state.is_complete:
            text, role = self.tr("The run is complete"), "good"
        elif is_running:
            text, role = self.tr("Training"), "heading"
        elif state.has_checkpoint:
            text, role = self.tr("Stopped; it can go on"), "heading"
        else:
            text, role = self.tr("No checkpoint yet"), "heading"
        if is_running and not progress:
            text = self.tr("Starting: the first figures come with the first checkpoint")
        self.status.setText(text)
        set_role(self.status, role)
        self.bar.setRange(0, 0 if is_running and not progress else max(1, state.n_steps))
        self.bar.setValue(state.step)
        self.numbers.setText(self._numbers(state, progress, is_running=is_running))
        self.sentence.setText(state.sentence)
        self.sentence.setVisible(bool(state.sentence))

    def _numbers(
        self, state: RunState, progress: Sequence[dict[str, Any]], *, is_running: bool
    ) -> str:
        if not progress:
            return ""
        said = self.tr("step %1 of %2")
        parts = [said.replace("%1", f"{state.step:,}").replace("%2", f"{state.n_steps:,}")]
        if is_running and not state.is_complete:
            left = duration(float(progress[-1].get("seconds_left", 0.0)))
            parts.append(self.tr("%1 left").replace("%1", left))
        return " · ".join(parts)

    def _status_card(self) -> QFrame:
        frame = card()
        row = QHBoxLayout()
        row.addWidget(self.status)
        row.addStretch(1)
        row.addWidget(self.numbers)
        column = QVBoxLayout(frame)
        column.setContentsMargins(SIZES.space_l, SIZES.space_m, SIZES.space_l, SIZES.space_m)
        column.setSpacing(SIZES.space_s)
        column.addLayout(row)
        column.addWidget(self.bar)
        column.addWidget(self.sentence)
        return frame

    def _make_plots(self) -> None:
        step = Axis(self.tr("step"), low=0.0)
        share = Axis(write=percent_number)
        self.loss = Plot(self.tr("Loss"), step, Axis())
        self.rate = Plot(self.tr("Learning rate"), step, Axis(low=0.0))
        self.speed = Plot(self.tr("Images a second"), step, Axis(low=0.0))
        self.found = Plot(
            self.tr("Held-out people: found when 1 in 1,000 strangers matches"), step, share
        )
        self.rank1 = Plot(self.tr("Held-out people: right person first (rank 1)"), step, share)
        self.scores = Plot(
            self.tr("Held-out people: scores at the last evaluation"),
            Axis(self.tr("score")),
            Axis(low=0.0, write=percent_number),
        )


def _shares(counts: Sequence[int], low: float, high: float) -> tuple[list[float], list[float]]:
    """Return the middle of each bin, and its share of all."""
    width, total = (high - low) / len(counts), max(1, sum(counts))
    return [low + (at + 0.5) * width for at in range(len(counts))], [n / total for n in counts]


def _of_sources(state: RunState, key: str) -> list[Series]:
    """One curve a data set; a run without held-out people has none."""
    held_out = state.of("held_out")
    found = []
    for number, source in enumerate(state.sources()):
        entries = [entry for entry in held_out if entry["source"] == source]
        colour = CURVE_COLOURS[number % len(CURVE_COLOURS)]
        steps = [entry["step"] for entry in entries]
        found.append(Series(source, steps, [float(entry[key]) for entry in entries], colour))
    return found


def _on_card(plot: Plot) -> QFrame:
    frame = card()
    row = QHBoxLayout(frame)
    row.setContentsMargins(SIZES.space_m, SIZES.space_s, SIZES.space_m, SIZES.space_s)
    row.addWidget(plot)
    frame.setMinimumHeight(_PLOT_PX)
    return frame
