"""What an evaluation found, in figures with plain sentences; names of its contact sheets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from PySide6.QtCore import QCoreApplication

from gui.i18n.mark import marked
from gui.i18n.rates import one_in
from gui.widgets.figure_card import Figure

_SHEETS = (
    marked("sheets", "Same person, lowest scores"),
    marked("sheets", "Different people, highest scores"),
    marked("sheets", "Strangers most like somebody enrolled"),
    marked("sheets", "Enrolled people least like themselves"),
    marked("sheets", "All pairs: different people, highest scores"),
)


def sheet_title(title: str) -> str:
    """Return the title of a contact sheet in the language of the window."""
    return QCoreApplication.translate("sheets", title) if title in _SHEETS else title


def figures_of(payload: Mapping[str, Any]) -> list[Figure]:
    """Return the figures that count, the first of them the headline.

    Args:
        payload: see ``facerec.services.evaluate.Evaluation``.
    """
    found = _people_figures(payload) if "identification" in payload else _pair_figures(payload)
    failures = payload["failures"]
    found.append(
        Figure(
            f"{len(failures):,}",
            QCoreApplication.translate("evaluation", "images without a usable face"),
            QCoreApplication.translate("evaluation", "They count as errors, none is left out.")
            if failures
            else "",
        )
    )
    return found


def _pair_figures(payload: Mapping[str, Any]) -> list[Figure]:
    found = []
    if payload["accuracy"] is not None:
        found.append(_accuracy(payload))
    found += _missed_pairs(payload["at_fmr"], payload["n_different"])
    found.append(
        Figure(
            percent(payload["eer"]),
            QCoreApplication.translate(
                "evaluation", "equal error rate: as many strangers let through as friends refused"
            ),
            QCoreApplication.translate("evaluation", "at a threshold of %1").replace(
                "%1", f"{payload['eer_threshold']:.2f}"
            ),
        )
    )
    return found


def _accuracy(payload: Mapping[str, Any]) -> Figure:
    error = payload["accuracy_standard_error"]
    detail = ""
    if error is not None:
        detail = QCoreApplication.translate(
            "evaluation", "± %1: two standard errors over %2 parts of the list"
        )
        detail = detail.replace("%1", percent(2 * error)).replace("%2", str(len(payload["folds"])))
    sentence = QCoreApplication.translate("evaluation", "of all pairs are judged rightly")
    return Figure(percent(payload["accuracy"]), sentence, detail)


def _missed_pairs(rates: Iterable[Mapping[str, Any]], n_different: int) -> list[Figure]:
    """The misses at the strictest false match rate that could be measured."""
    measured = [
        at for at in rates if at["fnmr"] is not None and at.get("target_fmr", at.get("target"))
    ]
    if not measured:
        return []
    strictest = min(measured, key=lambda at: float(at.get("target_fmr", at.get("target"))))
    sentence = QCoreApplication.translate(
        "evaluation", "of the pairs of one person are missed, if %1 pairs of strangers may match"
    )
    target = float(strictest.get("target_fmr", strictest.get("target")))
    detail = f"{interval(strictest['fnmr'])} · " + QCoreApplication.translate(
        "evaluation", "%1 pairs of strangers compared"
    ).replace("%1", f"{n_different:,}")
    return [
        Figure(percent(strictest["fnmr"]["rate"]), sentence.replace("%1", one_in(target)), detail)
    ]


def _people_figures(payload: Mapping[str, Any]) -> list[Figure]:
    searched, everybody = payload["identification"], payload["verification"]
    first = searched["rank_1_closed_set"]
    size = QCoreApplication.translate("evaluation", "%1 people enrolled").replace(
        "%1", f"{searched['gallery_size']:,}"
    )
    found = [
        Figure(
            percent(first["rate"]),
            QCoreApplication.translate(
                "evaluation", "of the searches for somebody enrolled find the right person first"
            ),
            f"{interval(first)} · {size}",
        )
    ]
    measured = [at for at in searched["at_fpir"] if at["fnir"] is not None]
    if measured:
        strictest = min(measured, key=lambda at: float(at["target"]))
        sentence = QCoreApplication.translate(
            "evaluation", "of them are missed, if %1 strangers may be taken for somebody enrolled"
        )
        found.append(
            Figure(
                percent(strictest["fnir"]["rate"]),
                sentence.replace("%1", one_in(strictest["target"])),
                f"{interval(strictest['fnir'])} · {size}",
            )
        )
    return found + _missed_pairs(everybody["at"], everybody["n_different"])


def percent(rate: float) -> str:
    """Write a rate as percent with two decimals, "98.17 %"."""
    return f"{100 * rate:.2f} %"


def interval(estimate: Mapping[str, Any]) -> str:
    """Write the 95 % interval of a rate."""
    text = QCoreApplication.translate("evaluation", "95 % sure: %1 to %2")
    return text.replace("%1", f"{100 * estimate['low']:.2f}").replace(
        "%2", percent(estimate["high"])
    )
