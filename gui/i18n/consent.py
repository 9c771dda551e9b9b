"""What a person agreed to, in words."""

from __future__ import annotations

from datetime import UTC, datetime

from PySide6.QtCore import QCoreApplication

from facerec.gallery.consents import Consent
from gui.i18n.dates import day
from gui.i18n.fill import fill
from gui.i18n.mark import marked


def consent_words(consent: Consent | None) -> str:
    """Return how consent was given, what for, and until when the person is kept, a line each."""
    if consent is None:
        return _tr(marked("consent", "No consent is recorded."))
    lines = []
    if consent.consent:
        lines.append(fill(_tr(marked("consent", "Consent: %1")), consent.consent))
    if consent.purpose:
        lines.append(fill(_tr(marked("consent", "Purpose: %1")), consent.purpose))
    if consent.keep_until is None:
        lines.append(_tr(marked("consent", "Kept without an end")))
    else:
        lines.append(fill(_tr(marked("consent", "Kept until %1")), day(consent.keep_until)))
    return "\n".join(lines)


def is_over(consent: Consent | None, now: datetime | None = None) -> bool:
    """Whether the time a person may be kept is over."""
    end = None if consent is None else consent.keep_until
    return end is not None and end <= (now or datetime.now(UTC))


def _tr(text: str) -> str:
    return QCoreApplication.translate("consent", text)
