"""The calibration of a gallery: store it, read it back. Rows go in and out as a value type."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from facerec.gallery.model_change import find_change
from facerec.gallery.session import gallery_state
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
    """Keep a calibration in the place of the one before, within ``write()``.

    During a change of model, that of the other model stays for going back.
    """
    change = find_change(session)
    both = () if change is None else (change.old_contract_id, change.new_contract_id)
    session.execute(
        delete(CalibrationRow).where(
            (CalibrationRow.contract_id == calibration.contract_id)
            | CalibrationRow.contract_id.not_in(both)
        )
    )
    session.execute(insert(CalibrationRow).values(**asdict(calibration)))


def find_calibration(session: Session, contract_id: str | None = None) -> Calibration | None:
    """Return a calibration; None when there is none.

    Args:
        session: which state of the gallery.
        contract_id: whose; when not given, that of the model that serves or else the newest.
    """
    of_contract = CalibrationRow.contract_id == (contract_id or gallery_state(session).contract_id)
    newest = CalibrationRow.id.desc()
    statement = select(CalibrationRow).order_by(of_contract.desc(), newest).limit(1)
    if contract_id is not None:
        statement = statement.where(of_contract)
    row = session.execute(statement).scalar()
    if row is None:
        return None
    return Calibration(**{field.name: getattr(row, field.name) for field in fields(Calibration)})
