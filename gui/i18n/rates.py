"""Error rates in words: "1 in 1,000", which people weigh better than "0.1 %"."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from facerec.match.rule import MatchRule


def one_in(rate: float) -> str:
    """Return a rate as "1 in 1,000"."""
    text = QCoreApplication.translate("rates", "1 in %1")
    return text.replace("%1", f"{round(1 / rate):,}")


def rate_sentence(rule: MatchRule) -> str:
    """Say how often the Threshold of a rule takes two people for one."""
    if rule.fmr is None:
        return QCoreApplication.translate(
            "rates", "You set this threshold yourself, so its error rate is not known."
        )
    text = QCoreApplication.translate(
        "rates", "At this threshold, about %1 pairs of different people is taken for one person."
    )
    return text.replace("%1", one_in(rule.fmr))
