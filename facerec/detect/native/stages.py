"""The three nets in compiled code (``mtcnn.c``)."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facerec.detect.native import address, library
from facerec.detect.pyramid import Pyramid
from facerec.detect.sampling import Sums
from facerec.detect.stages import O_WIDTH, R_WIDTH
from facerec.errors import WeightsCorruptError
from facerec.runtime import available_cores, graph_constants

Floats = NDArray[np.float32]

KIND_NAMES = {3: "AVX2", 4: "AVX-512"}
# Outputs are padded to this many, in the weights and in the results.
_PAD = 16
_LAYERS = (
    ("conv1", "conv2", "conv3", "heads"),
    ("conv1", "conv2", "conv3", "dense4", "heads"),
    ("conv1", "conv2", "conv3", "conv4", "dense5", "heads"),
)
# Numbers in the packed weights, as mtcnn.c counts them.
_PACKED_SIZES = (7136, 101584, 389040)
# As in mtcnn.c.
_MAX_THREADS = 64
# Cells that one thread takes at a time, and rows at least: each band computes four rows more.
_BAND_CELLS = 4000
_BAND_ROWS = 16


class NativeStages:
    """See ``facerec.detect.stages.Stages``.

    Attributes:
        device: see ``Stages``.
    """

    def __init__(self, paths: Sequence[Path], *, kind: int, n_threads: int) -> None:
        """Load the weights.

        Args:
            paths: of P-Net, R-Net and O-Net.
            kind: one of ``available_kinds()``.
            n_threads: processor threads; 0 means one per core.

        Raises:
            WeightsCorruptError: a file is not one of these nets.
        """
        self.device = f"CPU (compiled for {KIND_NAMES[kind]})"
        self._n_threads = min(n_threads or available_cores(), _MAX_THREADS)
        self._weights = [
            _packed(path, names, size)
            for path, names, size in zip(paths, _LAYERS, _PACKED_SIZES, strict=True)
        ]
        loaded = library()
        self._propose, self._refine, self._decide = (
            getattr(loaded, f"{name}_v{kind}") for name in ("propose", "refine", "decide")
        )
        for function in (self._propose, self._refine, self._decide):
            function.restype = None
        self._propose_scratch = getattr(loaded, f"propose_scratch_v{kind}")
        self._propose_scratch.restype = ctypes.c_int64
        self._look_scratch = getattr(loaded, f"look_scratch_v{kind}")
        self._look_scratch.restype = ctypes.c_int64
        self._local = threading.local()

    def propose(self, sums: Sums, pyramid: Pyramid) -> Floats:
        """See ``Stages.propose``."""
        bands = _bands(pyramid)
        maps = np.empty((R_WIDTH, pyramid.n_cells), dtype=np.float32)
        each = self._propose_scratch(max(width for _, width in pyramid.sizes))
        self._propose(
            address(sums.table),
            *sums.image_hw,
            address(self._weights[0]),
            address(bands),
            len(bands),
            pyramid.n_cells,
            address(maps),
            self._n_threads,
            address(self._scratch(each)),
            ctypes.c_int64(each),
        )
        return maps

    def refine(self, sums: Sums, boxes: NDArray[np.int32]) -> Floats:
        """See ``Stages.refine``."""
        return self._looked_at(self._refine, self._weights[1], sums, boxes)[:, :R_WIDTH]

    def decide(self, sums: Sums, boxes: NDArray[np.int32]) -> Floats:
        """See ``Stages.decide``."""
        return self._looked_at(self._decide, self._weights[2], sums, boxes)[:, :O_WIDTH]

    def _looked_at(
        self,
        function: Any,  # noqa: ANN401  (a function of ctypes)
        weights: Floats,
        sums: Sums,
        boxes: NDArray[np.int32],
    ) -> Floats:
        results = np.empty((len(boxes), _PAD), dtype=np.float32)
        if not len(boxes):
            return results
        boxes = np.ascontiguousarray(boxes, dtype=np.int32)
        each = self._look_scratch()
        function(
            address(sums.table),
            *sums.image_hw,
            address(weights),
            address(boxes),
            len(boxes),
            address(results),
            self._n_threads,
            address(self._scratch(each)),
            ctypes.c_int64(each),
        )
        return results

    def _scratch(self, each: int) -> Floats:
        """Memory of the calling thread for ``each`` numbers in each of the threads it starts."""
        memory: Floats | None = getattr(self._local, "memory", None)
        if memory is None or memory.size < each * self._n_threads:
            # Zeros: spare places are computed with, and must not hold slow (subnormal) numbers.
            memory = self._local.memory = np.zeros(each * self._n_threads, dtype=np.float32)
        return memory


@lru_cache(maxsize=64)
def _bands(pyramid: Pyramid) -> NDArray[np.int32]:
    """Shares of the work for threads, the largest first.

    Returns:
        (N, 5): height and width of a level, first row of cells, one after the last, number of cells
        on all levels before.
    """
    bands = []
    for (height, width), (rows, columns), start in zip(
        pyramid.sizes, pyramid.cells, pyramid.starts[:-1], strict=True
    ):
        n_bands = max(1, min(rows // _BAND_ROWS, round(rows * columns / _BAND_CELLS)))
        edges = [rows * index // n_bands for index in range(n_bands + 1)]
        bands += [(height, width, a, b, start) for a, b in pairwise(edges)]
    return np.array(bands, dtype=np.int32)


def _packed(path: Path, names: Sequence[str], size: int) -> Floats:
    """Arrange a net's weights as ``mtcnn.c`` reads them."""
    constants = graph_constants(path)
    parts: list[Floats] = []
    try:
        for name in names:
            kernel = constants[f"{name}.kernel"]
            kernel = kernel.reshape(*kernel.shape, *[1] * (4 - kernel.ndim))
            n_out = kernel.shape[0]
            rows = [kernel.transpose(2, 3, 1, 0).reshape(-1, n_out), constants[f"{name}.bias"]]
            if f"{name}_prelu.slope" in constants:
                rows.append(constants[f"{name}_prelu.slope"])
            for values in rows:
                padded = np.zeros((values.size // n_out, -(-n_out // _PAD) * _PAD), np.float32)
                padded[:, :n_out] = values.reshape(-1, n_out)
                parts.append(padded.ravel())
    except KeyError as exc:
        raise _corrupt(path) from exc
    weights = np.concatenate(parts)
    if weights.size != size:
        raise _corrupt(path)
    return weights


def _corrupt(path: Path) -> WeightsCorruptError:
    return WeightsCorruptError(
        f"The model file {path.name} does not hold the net it should.",
        remedy="Install facerec again.",
    )
