"""The three stages of the cascade as the detector asks for them, and as the runtime does them.

A stage samples its own pixels from the table of sums, so that compiled code can do both at once.

Must not know: thresholds, suppression.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from facerec.detect.pyramid import Pyramid
from facerec.detect.sampling import Sums
from facerec.runtime import InferenceSession, open_session

Floats = NDArray[np.float32]

R_SIDE_PX = 24
O_SIDE_PX = 48
# Outputs: a logit, four offsets; O-Net adds five x and five y.
R_WIDTH = 5
O_WIDTH = 15
# Cut-outs per inference; more at once would only take more memory.
_R_BATCH = 128
_O_BATCH = 32


class Stages(Protocol):
    """P-Net, R-Net and O-Net; may be called from several threads.

    Logits are those of "face" beside "no face". Offsets are shares of a box's size.

    Attributes:
        device: what they run on.
    """

    device: str

    def propose(self, sums: Sums, pyramid: Pyramid) -> Floats:
        """Let P-Net look at all levels.

        Returns:
            (5, pyramid.n_cells): the logit and four offsets of each cell.
        """
        ...

    def refine(self, sums: Sums, boxes: NDArray[np.int32]) -> Floats:
        """Let R-Net look at boxes (N, 4), whole pixels inside the Image, ends exclusive.

        Returns:
            (N, 5): logit, four offsets.
        """
        ...

    def decide(self, sums: Sums, boxes: NDArray[np.int32]) -> Floats:
        """Let O-Net look at boxes (N, 4), whole pixels inside the Image, ends exclusive.

        Returns:
            (N, 15): logit, four offsets, five x, five y.
        """
        ...


class RuntimeStages:
    """The stages as sessions of the inference runtime: on every device it knows.

    Attributes:
        device: see ``Stages``.
    """

    def __init__(self, paths: Sequence[Path], *, device: str, n_threads: int) -> None:
        """Load the nets.

        Args:
            paths: of P-Net, R-Net and O-Net.
            device: see ``facerec.runtime.open_session``.
            n_threads: processor threads; 0 means one per core.
        """
        with ThreadPoolExecutor(len(paths)) as pool:  # (compiling takes one core each)
            self._p_net, self._r_net, self._o_net = pool.map(
                partial(open_session, device=device, n_threads=n_threads), paths
            )
        self.device = self._p_net.device

    def propose(self, sums: Sums, pyramid: Pyramid) -> Floats:
        """See ``Stages.propose``."""
        maps = np.empty((R_WIDTH, pyramid.n_cells), dtype=np.float32)
        for level, (height, width) in enumerate(pyramid.sizes):
            (cells,) = self._p_net.run(sums.resized(height, width)[None])
            start, end = pyramid.starts[level : level + 2]
            maps[:, start:end] = cells.reshape(R_WIDTH, -1)
        return maps

    def refine(self, sums: Sums, boxes: NDArray[np.int32]) -> Floats:
        """See ``Stages.refine``."""
        return _looked_at(self._r_net, sums, boxes, R_SIDE_PX, _R_BATCH)

    def decide(self, sums: Sums, boxes: NDArray[np.int32]) -> Floats:
        """See ``Stages.decide``."""
        return _looked_at(self._o_net, sums, boxes, O_SIDE_PX, _O_BATCH)


def _looked_at(
    net: InferenceSession, sums: Sums, boxes: NDArray[np.int32], side: int, batch: int
) -> Floats:
    results = [np.empty((0, net.output_shapes[0][1]), dtype=np.float32)]
    for start in range(0, len(boxes), batch):
        results += net.run(sums.crops(boxes[start : start + batch], side))
    return np.concatenate(results)
