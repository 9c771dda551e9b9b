"""Many made-up Templates at once, for benchmarks and tests of large galleries."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert
from sqlalchemy.orm import Session

from facerec.gallery.session import mark_vectors_changed, set_contract
from facerec.gallery.tables import CropRow, ImageRow, PersonRow, TemplateRow
from facerec.gallery.templates import blob_from_vector

# Rows given to SQLite at a time.
_ROWS_PER_STEP = 50_000
STAND_IN_CROP = b"made up"
_BOX = {"left": 0.0, "top": 0.0, "right": 112.0, "bottom": 112.0}


def add_made_up(
    session: Session,
    vectors: NDArray[np.float32],
    *,
    contract_id: str,
    per_person: int | NDArray[np.int64],
    at: datetime,
    crop_png: bytes = STAND_IN_CROP,
    quality: NDArray[np.float64] | None = None,
) -> None:
    """Fill an empty gallery with "Person 0", "Person 1" and so on, within ``write()``.

    Args:
        session: of a gallery without people.
        vectors: (N, D) float32 of unit length; Templates get the ids 1 to N in this order.
        contract_id: what the vectors count as made under.
        per_person: how many vectors in a row belong to one Person; or (P,), to each of them.
        at: when.
        crop_png: every Template's Crop; a stand-in of a few bytes cannot be decoded.
        quality: (N,) of the Templates; 1 each when not given.
    """
    n, dimension = vectors.shape
    owner = (
        np.arange(n) // per_person
        if isinstance(per_person, int)
        else np.repeat(np.arange(len(per_person)), per_person)
    )
    people = [
        {"name": f"Person {i}", "name_key": f"person {i}", "created_at": at, "updated_at": at}
        for i in range(int(owner[-1]) + 1)
    ]
    session.execute(insert(PersonRow), people)
    for start in range(0, n, _ROWS_PER_STEP):
        rows = range(start, min(start + _ROWS_PER_STEP, n))
        images = [
            {
                "sha256": f"{row:064x}",
                "source_name": f"{row}.jpg",
                "height_px": 250,
                "width_px": 250,
                "created_at": at,
            }
            for row in rows
        ]
        templates = [
            {
                "person_id": int(owner[row]) + 1,
                "image_id": row + 1,
                "contract_id": contract_id,
                "dimension": dimension,
                "vector": blob_from_vector(vectors[row]),
                "quality": 1.0 if quality is None else float(quality[row]),
                "created_at": at,
                **_BOX,
            }
            for row in rows
        ]
        session.execute(insert(ImageRow), images)
        session.execute(insert(TemplateRow), templates)
        session.execute(
            insert(CropRow), [{"template_id": row + 1, "png": crop_png} for row in rows]
        )
    set_contract(session, contract_id)
    mark_vectors_changed(session)
