"""Made-up people in a real gallery, without any network."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from facerec.gallery import people
from facerec.gallery.crops import png_from_crop
from facerec.gallery.session import set_contract
from facerec.gallery.templates import ImageSourceInfo, NewTemplate, add_template
from facerec.types import Embedding

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CONTRACT = "c0ffee0000000000"
CROP_PNG = png_from_crop(np.zeros((8, 8, 3), np.uint8))


def random_unit(seed: int, dimension: int = 16) -> NDArray[np.float32]:
    vector = np.random.default_rng(seed).standard_normal(dimension).astype(np.float32)
    return vector / np.linalg.norm(vector)


def new_template(
    vector: NDArray[np.float32], *, contract_id: str = CONTRACT, crop: bytes = CROP_PNG
) -> NewTemplate:
    box = np.array([1, 2, 30, 40], np.float32)
    return NewTemplate(Embedding(vector, contract_id), 0.9, box, crop)


def source(seed: int) -> ImageSourceInfo:
    return ImageSourceInfo(f"{seed:064x}", f"{seed}.jpg", 120, 160)


def add_person(
    session: Session,
    name: str,
    *seeds: int,
    crop: bytes = CROP_PNG,
    contract_id: str = CONTRACT,
) -> int:
    """Enter a Person with one Template per seed (one of its own when none is given)."""
    person = people.find_person(session, name) or people.add_person(session, name, at=AT)
    for seed in seeds or (sum(name.encode()) + 1000 * person.id,):
        template = new_template(random_unit(seed), contract_id=contract_id, crop=crop)
        add_template(session, person.id, source(seed), template, at=AT)
    set_contract(session, contract_id)
    return person.id
