"""Lengths of time in words."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication


def duration(seconds: float) -> str:
    """Return a length of time as one says it: "2 h 5 min", "12 min", "less than a minute"."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return QCoreApplication.translate("duration", "less than a minute")
    if minutes < 60:
        return QCoreApplication.translate("duration", "%1 min").replace("%1", str(minutes))
    text = QCoreApplication.translate("duration", "%1 h %2 min")
    return text.replace("%1", f"{minutes // 60:,}").replace("%2", str(minutes % 60))
