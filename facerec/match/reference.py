"""A model's reference: how high strangers score in galleries of people it was not trained on.

Used where a Gallery has too few people to calibrate itself. The file beside the model holds
Thresholds by size of the Gallery and rate, no vector and no picture: how it is made is in
``training/strangers.py``.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from facerec.errors import ConfigError, RangeError
from facerec.match.calibrate import Calibrated, require_rate

ENDING = ".strangers.json"


@dataclass(frozen=True, slots=True)
class Reference:
    """Thresholds at which strangers are taken for somebody, for one model.

    Attributes:
        contract_id: what the Scores were made under.
        data: which people, in words.
        n_people: how many.
        n_comparisons: between different ones of them.
        date: when, ISO 8601.
        sizes: S sizes of a Gallery, rising, with one Template each.
        rates: K rates, rising.
        low: S rows of K Thresholds; in one gallery of twenty a lower one would do.
        expected: likewise, in the median gallery.
        high: likewise; in one gallery of twenty a higher one would be needed.
    """

    contract_id: str
    data: str
    n_people: int
    n_comparisons: int
    date: str
    sizes: tuple[int, ...]
    rates: tuple[float, ...]
    low: tuple[tuple[float, ...], ...]
    expected: tuple[tuple[float, ...], ...]
    high: tuple[tuple[float, ...], ...]

    def to_text(self) -> str:
        """Write it as JSON, one row a line."""
        lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in asdict(self).items()]
        return "{\n" + ",\n".join(lines) + "\n}\n"


def reference_from_text(text: str) -> Reference:
    """Read what ``Reference.to_text`` wrote.

    Raises:
        ConfigError: it is something else.
    """
    try:
        fields = json.loads(text)
        for name in ("sizes", "rates"):
            fields[name] = tuple(fields[name])
        for name in ("low", "expected", "high"):
            rows = np.reshape(fields[name], (len(fields["sizes"]), len(fields["rates"])))
            fields[name] = tuple(tuple(row) for row in rows.tolist())
        return Reference(**fields)
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigError(
            f"The model's reference of strangers is damaged: {error}.",
            remedy="Install facerec again, or make it anew: facerec export strangers.",
        ) from error


def calibrate_from_reference(reference: Reference, fpir: float, n_templates: int) -> Calibrated:
    """Take the Threshold for a size of Gallery and a rate from a model's reference.

    Between the sizes and rates of the table it is interpolated over their logarithms. A Gallery
    beyond the largest one is taken to raise false alarms in proportion, which is the most it can.

    Args:
        reference: of the model that made the Templates.
        fpir: the highest share of strangers that may be taken for somebody, in (0, 0.2].
        n_templates: of the Gallery; each counts as a Person of the table.

    Raises:
        RangeError: the rate is none, or lower than the table's.
    """
    require_rate(fpir)
    growth = max(1.0, n_templates / reference.sizes[-1])
    log_rate = math.log(fpir / growth)
    log_rates = np.log(reference.rates)
    if log_rate < log_rates[0] - 1e-9:
        lowest = reference.rates[0] * growth
        raise RangeError(
            f"The {reference.n_people:,} people of the model's reference tell no rate below "
            f"{lowest:.2g} for {n_templates:,} templates.",
            remedy=f"Ask for one in {math.floor(1 / lowest):,}, or enrol more people.",
        )
    low, expected, high = (
        _row(reference, table, n_templates)
        for table in (reference.low, reference.expected, reference.high)
    )
    threshold = _at(log_rate, log_rates, high)
    return Calibrated(
        requested_fpir=fpir,
        threshold=threshold,
        fpir=min(fpir, growth * _rate(threshold, log_rates, expected)),
        fpir_low=min(fpir, growth * _rate(threshold, log_rates, low)),
        expected_threshold=_at(log_rate, log_rates, expected),
        threshold_low=_at(log_rate, log_rates, low),
        n_people=n_templates,
    )


def expected_fpir(reference: Reference, threshold: float, n_templates: int) -> float:
    """Say which share of strangers is expected to be taken for somebody at a Threshold.

    Beyond the rates of the table it is the last one of them.

    Args:
        reference: of the model that made the Templates.
        threshold: smallest Score that counts.
        n_templates: of the Gallery; each counts as a Person of the table.
    """
    growth = max(1.0, n_templates / reference.sizes[-1])
    row = _row(reference, reference.expected, n_templates)
    return min(1.0, growth * _rate(threshold, np.log(reference.rates), row))


def _row(
    reference: Reference, table: tuple[tuple[float, ...], ...], size: int
) -> NDArray[np.float64]:
    log_sizes = np.log(reference.sizes)
    columns = np.array(table).T
    log_size = math.log(max(1, size))
    return np.array([np.interp(log_size, log_sizes, column) for column in columns])


def _at(log_rate: float, log_rates: NDArray[np.float64], row: NDArray[np.float64]) -> float:
    return min(1.0, float(np.interp(log_rate, log_rates, row)))


def _rate(threshold: float, log_rates: NDArray[np.float64], row: NDArray[np.float64]) -> float:
    return float(np.exp(np.interp(threshold, row[::-1], log_rates[::-1])))
