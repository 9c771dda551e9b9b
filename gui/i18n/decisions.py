"""A Decision in words: what is answered, and why."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication

from facerec.types import Decision, Reason, Verdict
from gui.i18n.errors import translated_issue
from gui.i18n.fill import fill
from gui.i18n.mark import marked
from gui.i18n.rates import threshold_words


def verdict_words(decision: Decision) -> str:
    """Return the name, or what stands in its place."""
    if decision.person is not None:
        return decision.person.name
    if decision.reason is Reason.TOO_FEW_LOOKS:
        return _tr(marked("decisions", "Looking…"))
    if decision.verdict is Verdict.UNKNOWN:
        return _tr(marked("decisions", "Unknown"))
    return _tr(marked("decisions", "Not sure"))


def verdict_tone(decision: Decision) -> str:
    """Return the name of the colour that goes with the answer."""
    tones = {Verdict.KNOWN: "good", Verdict.UNSURE: "warn"}
    return tones.get(decision.verdict, "accent")


def reason_words(decision: Decision) -> str:
    """Return one sentence with the rule that decided and its figures."""
    return _REASONS[decision.reason](decision)


def short_reason(decision: Decision) -> str:
    """Return the best Score in a few words, for lists."""
    if not decision.candidates:
        return ""
    if decision.person is not None:
        return _filled(_tr(marked("decisions", "Score %2")), decision)
    return _filled(_tr(marked("decisions", "Nearest: %1, %2")), decision)


def _recognised(decision: Decision) -> str:
    text = _tr(marked("decisions", "Recognised as %1: score %2, threshold %3."))
    return _filled(text, decision)


def _nobody(decision: Decision) -> str:
    del decision
    return _tr(marked("decisions", "Nobody is enrolled yet."))


def _below(decision: Decision) -> str:
    text = _tr(marked("decisions", "Looks most like %1, score %2, threshold %3."))
    return _filled(text, decision)


def _perhaps(decision: Decision) -> str:
    text = _tr(marked("decisions", "Perhaps %1: score %2, threshold %3."))
    return _filled(text, decision)


def _ignored(decision: Decision) -> str:
    text = _tr(marked("decisions", "Looks like %1, who is ignored: score %2, threshold %3."))
    return _filled(text, decision)


def _close(decision: Decision) -> str:
    if len(decision.candidates) < 2:
        return _perhaps(decision)
    text = _tr(marked("decisions", "%1 (score %2) or %4 (score %5): too close to tell."))
    return _filled(text, decision)


def _poor(decision: Decision) -> str:
    issues = [translated_issue(issue) for issue in decision.quality_issues[:1]]
    return " ".join([_perhaps(decision), *issues] if decision.candidates else issues)


def _taken(decision: Decision) -> str:
    text = _tr(marked("decisions", "Looks like %1, who is elsewhere in this picture."))
    return _filled(text, decision)


def _few(decision: Decision) -> str:
    del decision
    return _tr(marked("decisions", "Seen too briefly to say; hold still for a moment."))


def _doubt(decision: Decision) -> str:
    del decision
    return _tr(marked("decisions", "Somebody else may have taken this place; looking again."))


_REASONS: dict[Reason, Callable[[Decision], str]] = {
    Reason.ABOVE_THRESHOLD: _recognised,
    Reason.EMPTY_GALLERY: _nobody,
    Reason.BELOW_THRESHOLD: _below,
    Reason.IGNORED: _ignored,
    Reason.SMALL_MARGIN: _close,
    Reason.LOW_QUALITY: _poor,
    Reason.TAKEN_IN_IMAGE: _taken,
    Reason.TOO_FEW_LOOKS: _few,
    Reason.IN_DOUBT: _doubt,
}


def _filled(text: str, decision: Decision) -> str:
    """Fill in the best Person, their Score, the Threshold, the second Person and their Score."""
    people = [(c.name, f"{c.score:.2f}") for c in decision.candidates[:2]]
    first, second = [*people, ("-", "-"), ("-", "-")][:2]
    return fill(text, *first, threshold_words(decision.threshold), *second)


def _tr(text: str) -> str:
    return QCoreApplication.translate("decisions", text)
