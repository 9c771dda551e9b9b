"""Days as the language writes them."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QCoreApplication, QDate, QLocale


def day(moment: datetime) -> str:
    """Return the day of a moment, here and now, for example "21 Nov 2026"."""
    pattern = QCoreApplication.translate("dates", "d MMM yyyy")
    here = moment.astimezone()
    return QLocale().toString(QDate(here.year, here.month, here.day), pattern)
