"""Embedding with a network from the zoo: Crops -> unit vectors, as its card says.

Channel order, mean and std come from the card and are applied inside the graph; alignment happened
before. Knows nothing of faces, files of images or people.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facerec.align.landmarks import TEMPLATE_NAME
from facerec.embed.base import check_crops, normalise_vectors
from facerec.errors import WeightsIncompatibleError
from facerec.runtime import PixelInput, open_session
from facerec.types import Embedding
from facerec.zoo import ModelCard, verified_path

# Beyond about this many Crops a larger batch is no faster on CPU, and memory grows with it.
DEFAULT_BATCH_SIZE = 32
_COLOURS = ("RGB", "BGR")


class OnnxEmbedder:
    """An ``Embedder`` that runs one model file.

    Attributes:
        card: the model's identity card.
        contract_id: what the vectors depend on.
        dimension: D, length of a vector, from the card.
        crop_size_px: S, side of the Crops it takes, from the card.
        device: what it runs on, in words.
        mirror: whether the vectors of Crop and mirror image are summed.
    """

    def __init__(
        self,
        card: ModelCard,
        *,
        device: str = "cpu",
        n_threads: int = 0,
        mirror: bool = False,
        batch_size: int = DEFAULT_BATCH_SIZE,
    ) -> None:
        """Load the model and hold it against its card.

        Args:
            card: which model, see ``facerec.zoo``.
            device: see ``facerec.runtime.open_session``.
            n_threads: threads of one inference; 0 leaves it to the runtime.
            mirror: sum the vectors of the Crop and its mirror image, then normalise: a little more
                accurate at twice the cost, and a contract of its own.
            batch_size: the most Crops in one inference.

        Raises:
            WeightsError: the file is missing, damaged or not what its card says.
            DeviceError: the device is not there.
            DependencyError: the device needs a package that is not installed.
        """
        pixels = PixelInput(card.colour, card.mean, card.std)
        self._session = open_session(
            verified_path(card), device=device, n_threads=n_threads, pixels=pixels
        )
        self.card = card
        self.contract_id = card.contract(mirror=mirror).id
        self.dimension = card.embedding_dim
        self.crop_size_px = card.input_hw[0]
        self.device = self._session.device
        self.mirror = mirror
        self._check_card()
        fixed_batch = self._session.input_shape[0]
        self._batch_size = fixed_batch if fixed_batch > 0 else batch_size

    def embed(self, crops: NDArray[np.uint8]) -> list[Embedding]:
        """See ``Embedder.embed``."""
        return [Embedding(vector, self.contract_id) for vector in self.embed_vectors(crops)]

    def embed_vectors(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See ``Embedder.embed_vectors``."""
        check_crops(crops, self.crop_size_px)
        vectors = self._raw_vectors(crops)
        if self.mirror:
            vectors += self._raw_vectors(crops[:, :, ::-1])
        return normalise_vectors(vectors)

    def _raw_vectors(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        vectors = np.empty((len(crops), self.dimension), dtype=np.float32)
        for start in range(0, len(crops), self._batch_size):
            batch = np.ascontiguousarray(crops[start : start + self._batch_size])
            vectors[start : start + len(batch)] = self._run(batch)
        return vectors

    def _run(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        n_crops = len(batch)
        if self._session.input_shape[0] > n_crops:  # a graph of fixed batch gets black Crops on top
            batch = np.pad(batch, [(0, self._batch_size - n_crops), (0, 0), (0, 0), (0, 0)])
        (vectors,) = self._session.run(batch)
        if vectors.shape != (len(batch), self.dimension):
            raise self._incompatible("vectors", (len(batch), self.dimension), vectors.shape)
        return vectors[:n_crops]

    def _check_card(self) -> None:
        """Compare the graph with the card, as far as its shapes are known without running it."""
        card = self.card
        if card.template != TEMPLATE_NAME:
            raise WeightsIncompatibleError(
                f"The model {card.name} takes faces aligned to {card.template!r}, "
                f"which is not known here.",
                remedy="Update facerec, or use another model.",
            )
        if card.colour not in _COLOURS:
            raise WeightsIncompatibleError(
                f"The model {card.name} takes the channels {card.colour!r}.",
                remedy=f"Its card may say {' or '.join(_COLOURS)}.",
            )
        height, width = card.input_hw
        if height != width or not _fits(self._session.input_shape, (-1, height, width, 3)):
            raise self._incompatible("input", (-1, height, width, 3), self._session.input_shape)
        shapes = self._session.output_shapes
        if len(shapes) != 1 or not _fits(shapes[0], (-1, card.embedding_dim)):
            raise self._incompatible("output", (-1, card.embedding_dim), *shapes)

    def _incompatible(
        self, what: str, expected: tuple[int, ...], *actual: tuple[int, ...]
    ) -> WeightsIncompatibleError:
        return WeightsIncompatibleError(
            f"The model file of {self.card.name} does not do what its card says: {what} "
            f"{', '.join(map(str, actual))} instead of {expected}.",
            remedy="Correct its card in manifest.toml, or install facerec again.",
            expected=expected,
            actual=actual,
        )


def _fits(shape: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    """Whether two shapes agree where both are known (-1 is unknown)."""
    return len(shape) == len(expected) and all(
        a == b or -1 in (a, b) for a, b in zip(shape, expected, strict=True)
    )
