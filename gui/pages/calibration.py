"""Keeps the calibration card in step with the gallery, and calibrates it in the background."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from facerec.gallery.calibrations import Calibration
from facerec.progress import Task
from facerec.services.calibrate import (
    Drift,
    calibrate_gallery,
    calibration_drift,
    calibration_of,
)
from facerec.services.gallery import OpenGallery
from gui.i18n.fill import fill
from gui.pages.page import Page
from gui.widgets.calibration_card import CalibrationCard


@dataclass(frozen=True, slots=True)
class _State:
    """What a gallery says of its calibration."""

    found: Calibration | None
    drift: Drift | None


class CalibrationKeeper(QObject):
    """Reads and makes the calibration of the gallery.

    Attributes:
        card: where it is shown.
        found: the calibration that can be used: of the gallery's own model.

    Signals:
        read: ``found`` is up to date.
        made: the gallery was calibrated.
    """

    read = Signal()
    made = Signal()

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self._page = page
        self.card = CalibrationCard()
        self.card.wanted.connect(self.calibrate)
        self.found: Calibration | None = None

    def look(self) -> None:
        """Read the gallery's calibration."""
        context = self._page.context
        self._page.run(context.runners.disk, lambda task: _read(context.gallery()), self._show)

    def calibrate(self, fpir: float) -> None:
        """Find and keep the Threshold for a rate."""
        context = self._page.context
        self._page.banner.hide()
        self.card.show_working(is_working=True)

        def work(task: Task) -> _State:
            del task
            calibrate_gallery(context.gallery(), fpir)
            return _read(context.gallery())

        job = self._page.run(context.runners.compute, work, self._made)
        job.finished.connect(lambda: self.card.show_working(is_working=False))

    def _made(self, state: _State) -> None:
        self.made.emit()
        self._show(state)
        if state.found is not None:
            text = self.tr("Calibrated: threshold %1 for this gallery.")
            self._page.context.say(fill(text, f"{state.found.threshold:.2f}"))

    def _show(self, state: _State) -> None:
        is_other_model = state.drift is not None and state.drift.fpir is None
        self.found = None if is_other_model else state.found
        match = self._page.context.settings.match
        is_used = self.found is not None and match.fmr is None and match.threshold is None
        self.card.show_calibration(state.found, state.drift, is_used=is_used)
        self.read.emit()


def _read(gallery: OpenGallery) -> _State:
    return _State(calibration_of(gallery), calibration_drift(gallery))
