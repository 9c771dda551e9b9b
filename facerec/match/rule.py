"""The rule a Decision is made by: Threshold, margin, and the error the Threshold was set at."""

from __future__ import annotations

import math
from dataclasses import dataclass

from facerec.errors import RangeError
from facerec.zoo import ModelCard

# Smallest lead of the best Person over the second that counts as clear, as a cosine. Why this
# value, and what it costs, is measured in docs/decisions/0012-decide.md.
DEFAULT_MARGIN = 0.05


@dataclass(frozen=True, slots=True)
class MatchRule:
    """When a Score is enough.

    Attributes:
        threshold: the smallest Score, in [-1, 1], that counts as the same Person (inclusive).
        required_margin: the smallest lead over the second Person that counts as clear.
        fmr: false match rate the Threshold was set at; None when the user chose the Threshold, or
            when it was calibrated on a gallery.
        fmr_source: what data that rate was measured on.
        fpir: highest false positive identification rate in the gallery the Threshold was calibrated
            for; None when it was not.
        fpir_source: what data that rate rests on.
    """

    threshold: float
    required_margin: float = DEFAULT_MARGIN
    fmr: float | None = None
    fmr_source: str = ""
    fpir: float | None = None
    fpir_source: str = ""

    def __post_init__(self) -> None:
        if not -1.0 <= self.threshold <= 1.0:
            raise RangeError(
                f"A threshold is a cosine in [-1, 1]; got {self.threshold}.",
                remedy="Higher is stricter; usual values lie between 0.2 and 0.6.",
            )
        if not (math.isfinite(self.required_margin) and 0.0 <= self.required_margin <= 2.0):
            raise RangeError(
                f"A margin is a difference of cosines in [0, 2]; got {self.required_margin}."
            )
        if self.fmr is not None and not 0.0 <= self.fmr <= 1.0:
            raise RangeError(f"A false match rate is a fraction in [0, 1]; got {self.fmr}.")


def rule_from_card(
    card: ModelCard,
    *,
    threshold: float | None = None,
    fmr: float | None = None,
    required_margin: float = DEFAULT_MARGIN,
) -> MatchRule:
    """Take the rule from a model's card, unless the user asks for another.

    Args:
        card: of the model that makes the Embeddings.
        threshold: the user's own Threshold; then no error rate is known. An explicit 0 counts.
        fmr: the false match rate the user wants at most; the card's strictest fitting point.
        required_margin: see ``MatchRule``.

    Raises:
        RangeError: both are given, or the card has no Threshold and none is given.
        NotFoundError: the card has no operating point that strict.
    """
    if threshold is not None and fmr is not None:
        raise RangeError("Give a threshold or a false match rate, not both.")
    if threshold is not None:
        return MatchRule(threshold, required_margin)
    if fmr is None and not card.thresholds:
        raise RangeError(
            f"The card of {card.name} has no threshold.", remedy="Give one with --threshold."
        )
    point = card.thresholds[0] if fmr is None else card.threshold_at(fmr)
    return MatchRule(point.score, required_margin, point.fmr, point.dataset)
