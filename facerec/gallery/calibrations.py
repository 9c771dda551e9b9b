"""The calibration of a gallery: store it, read it back. Rows go in and out as a value type."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from facerec.gallery.tables import CalibrationRow


@dataclass(frozen=True, slots=True)
class Calibration:
    """A Threshold found for one gallery, with what it promises; see ``CalibrationRow``.

    Attributes:
        created_at: UTC.
    """

    contract_id: str
    requested_fpir: float
    threshold: float
    fpir: float
    fpir_low: float
    expected_threshold: float
    threshold_low: float
    n_people: int
    n_templates: int
    origin: str
    data: str
    data_people: int
    data_comparisons: int
    fnir: float | None
    fnir_low: float | None
    fnir_high: float | None
    fnir_people: int
    fnir_searches: int
    created_at: datetime


def store_calibration(session: Session, calibration: Calibration) -> None:
    """Keep a calibration in the place of the one before, within ``write()``."""
    session.execute(delete(CalibrationRow))
    session.execute(insert(CalibrationRow).values(**asdict(calibration)))


def find_calibration(session: Session) -> Calibration | None:
    """Return the gallery's calibration; None when it has none."""
    row = session.execute(select(CalibrationRow)).scalar()
    if row is None:
        return None
    return Calibration(**{field.name: getattr(row, field.name) for field in fields(Calibration)})
