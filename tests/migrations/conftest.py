from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from facerec.gallery import people
from facerec.gallery.crops import png_from_crop
from facerec.gallery.templates import ImageSourceInfo, NewTemplate, add_template
from facerec.types import Embedding


@pytest.fixture
def add_person_with_template():
    def add(session, name):
        at = datetime.now(UTC)
        person = people.add_person(session, name, at=at)
        vector = np.eye(4, dtype=np.float32)[0]
        png = png_from_crop(np.zeros((8, 8, 3), np.uint8))
        template = NewTemplate(Embedding(vector, "c" * 16), 1.0, np.arange(4.0), png)
        add_template(session, person.id, ImageSourceInfo("0" * 64, "a.jpg", 8, 8), template, at=at)

    return add
