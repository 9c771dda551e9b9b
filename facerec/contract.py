"""The embedding contract: everything two vectors must share before they may be compared.

In goes what determines an embedding (model file, alignment, preprocessing, dimension); out comes a
short stable id that travels with every Embedding and every stored Template.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from facerec.errors import EmbeddingMismatchError

# Raised whenever detection, alignment or arithmetic changes so that old vectors no longer compare.
PIPELINE_VERSION = 1


@dataclass(frozen=True, slots=True)
class EmbeddingContract:
    """What an embedding depends on.

    Attributes:
        model_sha256: digest of the model file.
        template: name of the landmark template the Crop was aligned to.
        crop_size_px: side of the Crop.
        colour: ``RGB`` or ``BGR``, as the net takes it.
        mean: per channel, subtracted from 0..255 values.
        std: per channel, divided by.
        dimension: length of the vector.
        mirror: whether image and mirror image are summed.
        pipeline_version: see ``PIPELINE_VERSION``.
    """

    model_sha256: str
    template: str
    crop_size_px: int
    colour: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    dimension: int
    mirror: bool = False
    pipeline_version: int = PIPELINE_VERSION

    @property
    def id(self) -> str:
        """Sixteen hexadecimal digits that change when anything above changes."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def require_same_contract(expected_id: str, actual_id: str) -> None:
    """Refuse to compare vectors of different origin.

    Raises:
        EmbeddingMismatchError: the ids differ.
    """
    if expected_id != actual_id:
        raise EmbeddingMismatchError(
            f"These embeddings have different contracts ({expected_id} and {actual_id}).",
            remedy="Embed the images again with one model: `facerec gallery reindex --re-embed`.",
            expected=expected_id,
            actual=actual_id,
        )
