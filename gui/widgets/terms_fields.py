"""Fields for what a person agreed to: how, what for, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from facerec.gallery.consents import MAX_WORDS_LENGTH, Consent, Terms
from gui.i18n.dates import day
from gui.i18n.fill import fill
from gui.theme import SIZES
from gui.widgets.settings_card import ChoiceBox

# What the box of times says when the time is to be left alone, and when there shall be no end.
SAME, NO_END = "same", "no-end"


class TermsFields(QWidget):
    """Two lines and a box; what is left empty is not recorded.

    Attributes:
        consent: how it was given.
        purpose: what for.
        time: for how long.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._before: Consent | None = None
        self.consent = self._field(
            self.tr("Consent"), self.tr("Consent, for example: signed form 12")
        )
        self.purpose = self._field(self.tr("Purpose"), self.tr("Purpose, for example: front door"))
        self.time = ChoiceBox(self._times(self.tr("Kept as recorded, else without an end")), SAME)
        self.time.setAccessibleName(self.tr("How long the person is kept"))
        self.time.setMinimumWidth(0)
        self.time.setMaximumWidth(16_777_215)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SIZES.space_s)
        for made in (self.consent, self.purpose, self.time):
            column.addWidget(made)

    def show_consent(self, consent: Consent | None) -> None:
        """Fill in what is recorded, to be changed."""
        self._before = consent
        self.consent.setText("" if consent is None else consent.consent)
        self.purpose.setText("" if consent is None else consent.purpose)
        end = None if consent is None else consent.keep_until
        if end is None:
            self.time.offer(self._times(self.tr("Kept without an end")), SAME)
            return
        same = fill(self.tr("Kept until %1"), day(end))
        no_end = ((NO_END, self.tr("Kept without an end")),)
        self.time.offer((*self._times(same), *no_end), SAME)

    def terms(self, now: datetime | None = None) -> Terms | None:
        """Return what is to be recorded; None when nothing was entered or changed.

        Args:
            now: from when the time counts; this moment when not given.
        """
        before = self._before or Consent("", "", datetime.now(UTC), None)
        consent, purpose = self.consent.text().strip(), self.purpose.text().strip()
        days = int(self.time.value) if self.time.value.isdecimal() else None
        made = Terms(
            consent if consent != before.consent else None,
            purpose if purpose != before.purpose else None,
            None if days is None else (now or datetime.now(UTC)) + timedelta(days=days),
            self.time.value == NO_END,
        )
        return None if made == Terms() else made

    def _times(self, same: str) -> tuple[tuple[str, str], ...]:
        return (
            (SAME, same),
            ("30", self.tr("Kept for 30 days from now")),
            ("365", self.tr("Kept for a year from now")),
            ("1095", self.tr("Kept for three years from now")),
        )

    def _field(self, name: str, example: str) -> QLineEdit:
        made = QLineEdit()
        made.setMaxLength(MAX_WORDS_LENGTH)
        made.setAccessibleName(name)
        made.setPlaceholderText(example)
        return made
