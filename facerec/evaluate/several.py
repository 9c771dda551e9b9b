"""Several looks at one face, or several networks, as one embedder to be measured.

In come embedders, out comes an ``Embedder``: shifted Crops whose vectors are summed, or networks
whose cosines are averaged. For measuring what such spending buys; galleries do not use it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from facerec.embed.base import Embedder, normalise_vectors
from facerec.errors import InputError, RangeError
from facerec.types import Embedding

# About as far as landmarks of one face differ between two detectors.
SHIFT_PX = 2
# (right, down) in units of SHIFT_PX: the Crop itself, its four sides, its four corners.
_SHIFTS = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))
# Only whole rings, so that the mean of the shifts stays where the face is.
CROP_COUNTS = (1, 5, 9)


class SeveralCrops:
    """An ``Embedder`` that sums the vectors of a Crop and of the same Crop shifted.

    Attributes:
        contract_id: that of the inner embedder with the number of Crops mixed in.
        dimension: D, as the inner embedder's.
        crop_size_px: S, as the inner embedder's.
        device: as the inner embedder's.
        count: Crops a face.
    """

    def __init__(self, inner: Embedder, count: int) -> None:
        """Wrap an embedder.

        Args:
            inner: embeds each shifted Crop.
            count: 5 (the four sides) or 9 (the corners too); 1 is the inner embedder again.

        Raises:
            RangeError: another count.
        """
        if count not in CROP_COUNTS:
            raise RangeError(
                f"A face can be looked at in {', '.join(map(str, CROP_COUNTS))} crops, not {count}."
            )
        self._inner = inner
        self.count = count
        self.contract_id = _mixed_id("crops", str(count), inner.contract_id)
        self.dimension = inner.dimension
        self.crop_size_px = inner.crop_size_px
        self.device = inner.device

    def embed(self, crops: NDArray[np.uint8]) -> list[Embedding]:
        """See ``Embedder.embed``."""
        return [Embedding(vector, self.contract_id) for vector in self.embed_vectors(crops)]

    def embed_vectors(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See ``Embedder.embed_vectors``."""
        total = np.zeros((len(crops), self.dimension), dtype=np.float32)
        for right, down in _SHIFTS[: self.count]:
            total += self._inner.embed_vectors(shifted(crops, right * SHIFT_PX, down * SHIFT_PX))
        return normalise_vectors(total)


class SeveralNetworks:
    """An ``Embedder`` whose cosine is the mean of its networks' cosines.

    It joins their unit vectors and divides by the root of their number.

    Attributes:
        contract_id: mixed from those of the networks, in order.
        dimension: sum of the networks' dimensions.
        crop_size_px: S, the same for all of them.
        device: that of the first.
    """

    def __init__(self, networks: Sequence[Embedder]) -> None:
        """Join networks.

        Args:
            networks: at least one; all take Crops of one size.

        Raises:
            InputError: they take Crops of different sizes.
        """
        sizes = {network.crop_size_px for network in networks}
        if len(sizes) != 1:
            raise InputError(
                f"The models take crops of different sizes: {', '.join(map(str, sorted(sizes)))}.",
                remedy="Name models that take the same crops.",
            )
        self._networks = tuple(networks)
        self.contract_id = _mixed_id("networks", *(one.contract_id for one in networks))
        self.dimension = sum(one.dimension for one in networks)
        self.crop_size_px = sizes.pop()
        self.device = networks[0].device

    def embed(self, crops: NDArray[np.uint8]) -> list[Embedding]:
        """See ``Embedder.embed``."""
        return [Embedding(vector, self.contract_id) for vector in self.embed_vectors(crops)]

    def embed_vectors(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See ``Embedder.embed_vectors``."""
        return normalise_vectors(
            np.concatenate([network.embed_vectors(crops) for network in self._networks], axis=1)
        )


def shifted(crops: NDArray[np.uint8], right: int, down: int) -> NDArray[np.uint8]:
    """Shift what Crops show; the edge that comes free repeats the outermost pixels.

    Args:
        crops: (N, S, S, 3) uint8.
        right: pixels to the right, negative to the left.
        down: pixels down, negative up.

    Returns:
        (N, S, S, 3) uint8.
    """
    side = crops.shape[1]
    rows = np.clip(np.arange(side) - down, 0, side - 1)
    columns = np.clip(np.arange(side) - right, 0, side - 1)
    return crops[:, rows][:, :, columns]


def _mixed_id(*parts: str) -> str:
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]
