"""What an embedder is: Crops in, unit vectors out. Knows nothing of faces, files or people."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from facerec.errors import ShapeError, WeightsIncompatibleError
from facerec.registry import Registry
from facerec.types import Embedding


class Embedder(Protocol):
    """Turns Crops into Embeddings.

    Attributes:
        contract_id: what the vectors depend on, see ``facerec.contract``.
        dimension: D, length of a vector.
        crop_size_px: S, side of the Crops it takes.
        device: what it runs on, in words.
    """

    contract_id: str
    dimension: int
    crop_size_px: int
    device: str

    def embed(self, crops: NDArray[np.uint8]) -> list[Embedding]:
        """Embed aligned faces.

        Args:
            crops: (N, S, S, 3) uint8, RGB; N may be 0.

        Returns:
            N Embeddings in the same order.

        Raises:
            ShapeError: the crops have another shape or type.
        """
        ...

    def embed_vectors(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed aligned faces into one array.

        Args:
            crops: (N, S, S, 3) uint8, RGB; N may be 0.

        Returns:
            (N, D) float32, each row of unit length.

        Raises:
            ShapeError: the crops have another shape or type.
        """
        ...


class EmbedderFactory(Protocol):
    """Makes an embedder; what the registry holds."""

    def __call__(self, *, device: str, n_threads: int, mirror: bool) -> Embedder:
        """Load it onto a device."""
        ...


# Embedders that are code. Those that are model files come from the zoo by their card's name.
EMBEDDERS: Registry[EmbedderFactory] = Registry("embedder")


def open_embedder(
    name: str = "default", *, device: str = "cpu", n_threads: int = 0, mirror: bool = False
) -> Embedder:
    """Load the embedder called ``name``: a registered one, or else a model of the zoo.

    Args:
        name: as in ``facerec models list``; ``default`` is the one marked so.
        device: see ``facerec.runtime.open_session``.
        n_threads: threads of one inference; 0 leaves it to the runtime.
        mirror: sum the vectors of the Crop and its mirror image.

    Raises:
        NotFoundError: there is no such model.
        WeightsError: its file is missing, damaged or not what its card says.
        DeviceError: the device is not there.
    """
    if name in EMBEDDERS.names():
        return EMBEDDERS.get(name)(device=device, n_threads=n_threads, mirror=mirror)
    from facerec.embed.onnx import OnnxEmbedder
    from facerec.zoo import find_model

    return OnnxEmbedder(find_model(name), device=device, n_threads=n_threads, mirror=mirror)


def check_crops(crops: NDArray[np.uint8], size_px: int) -> None:
    """Refuse an array that is no batch of Crops.

    Args:
        crops: anything; a batch is (N, S, S, 3) uint8 with S = ``size_px``.
        size_px: side of the Crops.

    Raises:
        ShapeError: it has another shape or type.
    """
    if crops.ndim != 4 or crops.shape[1:] != (size_px, size_px, 3) or crops.dtype != np.uint8:
        raise ShapeError(
            f"Crops are a uint8 array (N, {size_px}, {size_px}, 3); "
            f"got {crops.dtype} {crops.shape}."
        )


def normalise_vectors(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale each vector to unit length.

    Args:
        vectors: (N, D) float32.

    Returns:
        (N, D) float32.

    Raises:
        WeightsIncompatibleError: a vector is zero or not finite, so it has no direction.
    """
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))
    if not ((lengths > 0.0) & np.isfinite(lengths)).all():
        raise WeightsIncompatibleError(
            "The network gave a vector that is zero or not finite.",
            remedy="Check the model file: `facerec models verify`.",
        )
    unit: NDArray[np.float32] = (vectors / lengths[:, None]).astype(np.float32)
    return unit
