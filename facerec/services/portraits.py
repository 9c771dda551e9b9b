"""Crops to be looked at: one a Person, or all of a Person's Templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from facerec.errors import DatabaseCorruptError
from facerec.gallery.crops import crop_from_png
from facerec.gallery.templates import best_templates, crop_pngs
from facerec.services.gallery import OpenGallery
from facerec.types import Crop


def portraits(gallery: OpenGallery, person_ids: Sequence[int]) -> dict[int, Crop]:
    """Return, by Person, the Crop of the Template of the highest quality.

    Returns:
        (S, S, 3) uint8 each; people without a Crop that can be shown are left out.
    """
    with gallery.store.read() as session:
        templates = best_templates(session, person_ids)
        pngs = crop_pngs(session, list(templates.values()))
    crops = _decoded(pngs)
    return {person: crops[best] for person, best in templates.items() if best in crops}


def template_crops(gallery: OpenGallery, template_ids: Sequence[int]) -> dict[int, Crop]:
    """Return the Crops of Templates, (S, S, 3) uint8; those that cannot be shown are left out."""
    with gallery.store.read() as session:
        pngs = crop_pngs(session, template_ids)
    return _decoded(pngs)


def _decoded(pngs: Mapping[int, bytes]) -> dict[int, Crop]:
    crops: dict[int, Crop] = {}
    for template_id, png in pngs.items():
        try:
            crops[template_id] = crop_from_png(png)
        except DatabaseCorruptError:
            # One damaged picture must not hide the others; what is missing is seen as an outline.
            continue
    return crops
