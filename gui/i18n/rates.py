"""Error rates in words: "1 in 1,000", which people weigh better than "0.1 %"."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from facerec.match.rule import MatchRule
from gui.i18n.fill import fill
from gui.i18n.mark import marked

# No data can tell a smaller rate from none.
SMALLEST = 1e-9
# Rules by their Threshold, since a Decision knows no more of its rule than that.
_RULES: dict[float, MatchRule] = {}


def remember(rule: MatchRule) -> MatchRule:
    """Note a rule that is in use, so that its Threshold can be told with its rate."""
    _RULES[rule.threshold] = rule
    return rule


def one_in(rate: float) -> str:
    """Return a rate as "1 in 1,000"."""
    return fill(_tr(marked("rates", "1 in %1")), odds(rate))


def odds(rate: float) -> str:
    """Return the number of a rate as one in so many, for example "1,000"."""
    return f"{round(1 / max(rate, SMALLEST)):,}"


def rate_words(rule: MatchRule) -> str:
    """Return the rate of a rule, for example "1 in 1,000 strangers"; empty when none is known."""
    if rule.fpir is not None:
        return fill(_tr(marked("rates", "1 in %1 strangers")), odds(rule.fpir))
    if rule.fmr:
        return fill(_tr(marked("rates", "1 in %1 comparisons")), odds(rule.fmr))
    return ""


def threshold_words(threshold: float) -> str:
    """Return a Threshold with its rate, for example "0.43 (1 in 1,000 comparisons)"."""
    rule = _RULES.get(threshold)
    rate = rate_words(rule) if rule is not None else ""
    number = f"{threshold:.2f}"
    return fill(_tr(marked("rates", "%1 (%2)")), number, rate) if rate else number


def rate_sentence(rule: MatchRule) -> str:
    """Say how often the Threshold of a rule takes two people for one."""
    if rule.fpir is not None:
        text = marked(
            "rates", "At this threshold, at most 1 in %1 strangers is taken for somebody."
        )
        return fill(_tr(text), odds(rule.fpir))
    if rule.fmr is None:
        return _tr(
            marked("rates", "You set this threshold yourself, so its error rate is not known.")
        )
    text = marked(
        "rates", "At this threshold, about %1 pairs of different people is taken for one person."
    )
    return fill(_tr(text), one_in(rule.fmr))


def _tr(text: str) -> str:
    return QCoreApplication.translate("rates", text)
