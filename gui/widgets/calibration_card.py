"""The gallery's own Threshold: how many false alarms among strangers, and what was found for it."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from facerec.gallery.calibrations import Calibration
from facerec.services.calibrate import OWN, Drift
from gui.i18n.dates import day
from gui.i18n.fill import fill
from gui.i18n.mark import marked
from gui.i18n.rates import odds
from gui.theme import SIZES
from gui.widgets.banner import Banner
from gui.widgets.settings_card import ChoiceBox, SettingsCard
from gui.widgets.text import button, label

# At most one false alarm in so many strangers.
CHOICES = (100, 1_000, 10_000)
USUAL = 1_000
_HEADING = marked("calibration", "Threshold of this gallery")
_SENTENCE = marked(
    "calibration",
    "The more people are enrolled, the more often a stranger looks like one of them. Calibrating "
    "measures that with the people of this gallery and sets its threshold.",
)


class CalibrationCard(SettingsCard):
    """Asks how many false alarms are allowed, and shows what the calibration promises.

    Attributes:
        strangers: the choice.
        calibrate_button: starts the work.
        banner: why the calibration holds no longer.

    Signals:
        wanted: the highest share of strangers that may be taken for somebody.
    """

    wanted = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(_tr(_HEADING), _tr(_SENTENCE), parent)
        words = self.tr("1 in %1 strangers")
        choices = tuple((str(n), fill(words, f"{n:,}")) for n in CHOICES)
        self.strangers = ChoiceBox(choices, str(USUAL))
        self.add_row(self.tr("False alarms, at most"), self.strangers)
        self.banner = Banner(self)
        self.add_wide(self.banner)
        facts = QWidget()
        lines = QVBoxLayout(facts)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(SIZES.space_xs)
        self.threshold = label("", "strong", wrap=True)
        self.promise = label("", wrap=True)
        self.cost = label("", wrap=True)
        self.data = label("", "muted", wrap=True)
        for part in (self.threshold, self.promise, self.cost, self.data):
            lines.addWidget(part)
        self.add_wide(facts)
        self.calibrate_button = button(self.tr("Calibrate"), self._ask)
        buttons = QWidget()
        foot = QHBoxLayout(buttons)
        foot.setContentsMargins(0, 0, 0, 0)
        foot.addWidget(self.calibrate_button)
        foot.addStretch(1)
        self.add_wide(buttons)
        self.show_calibration(None, None, is_used=False)

    def show_working(self, *, is_working: bool) -> None:
        """Show whether the work is under way."""
        self.calibrate_button.setEnabled(not is_working)
        self.calibrate_button.setText(
            self.tr("Calibrating…") if is_working else self.tr("Calibrate")
        )

    def show_calibration(
        self, found: Calibration | None, drift: Drift | None, *, is_used: bool
    ) -> None:
        """Show what was found.

        Args:
            found: the gallery's calibration; None when it has none.
            drift: why it holds no longer; None when it does.
            is_used: whether Decisions use it, and not a Threshold chosen above.
        """
        self._show_drift(drift)
        for part in (self.promise, self.cost, self.data):
            part.setVisible(found is not None)
        if found is None:
            self.threshold.setText(self.tr("Not calibrated yet: the threshold above is used."))
            return
        nearest = min(CHOICES, key=lambda n: abs(1 / n - found.requested_fpir))
        self.strangers.setCurrentIndex(self.strangers.findData(str(nearest)))
        head = self.tr("Threshold %1, in use") if is_used else self.tr("Threshold %1, not in use")
        self.threshold.setText(fill(head, f"{found.threshold:.2f}"))
        self.promise.setText(
            fill(
                self.tr(
                    "At most 1 in %1 strangers is taken for somebody, with 95 % confidence; "
                    "expected is 1 in %2."
                ),
                odds(found.requested_fpir),
                odds(found.fpir),
            )
        )
        self.cost.setText(self._cost(found))
        self.data.setText(self._data(found))

    def _cost(self, found: Calibration) -> str:
        if found.fnir is None or found.fnir_low is None or found.fnir_high is None:
            return self.tr(
                "What it costs cannot be said: nobody has two pictures, one to search for another."
            )
        rates = [f"{rate * 100:.2g}" for rate in (found.fnir, found.fnir_low, found.fnir_high)]
        text = self.tr(
            "It costs: %1 % (%2 to %3 %) of searches for enrolled people find nobody or another; "
            "%4 searches of %5 people."
        )
        return fill(text, *rates, f"{found.fnir_searches:,}", f"{found.fnir_people:,}")

    def _data(self, found: Calibration) -> str:
        source = (
            self.tr("this gallery's own people, each searching among the others")
            if found.origin == OWN
            else self.tr("the model's reference, people held out from its training")
        )
        text = self.tr("Measured on %1: %2 people, %3 comparisons. Made for %4 people on %5.")
        return fill(
            text, source, f"{found.data_people:,}", f"{found.data_comparisons:,}",
            f"{found.n_people:,}", day(found.created_at),
        )  # fmt: skip

    def _show_drift(self, drift: Drift | None) -> None:
        if drift is None:
            self.banner.hide()
            return
        again = self.tr("Calibrate again.")
        if drift.fpir is None:
            sentence = self.tr("The calibration was made with another model and is not used.")
        else:
            sentence = fill(
                self.tr(
                    "The gallery has outgrown its calibration: made for %1 people, now there are "
                    "%2; up to 1 in %3 strangers may be taken for somebody."
                ),
                f"{drift.calibration.n_people:,}",
                f"{drift.n_people:,}",
                odds(drift.fpir),
            )
        self.banner.show_text(sentence, again, kind="warn")

    def _ask(self) -> None:
        self.wanted.emit(1.0 / int(self.strangers.value))


def _tr(text: str) -> str:
    return QCoreApplication.translate("calibration", text)
