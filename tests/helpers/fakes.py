"""Stand-ins that need no weights: a detector, an embedder, and a person's photographs.

    pipeline = fake_pipeline()
    pipeline.analyze(fake_photo(person=1, shot=0))     # one face; the same person scores > 0.9

Importing this module registers the embedder as ``toy``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facerec.align.landmarks import template_points
from facerec.embed.base import EMBEDDERS, Embedder, check_crops, normalise_vectors
from facerec.errors import DeviceError
from facerec.pipeline import Pipeline
from facerec.types import Embedding, Face, ImageRGB

FAKE_DIMENSION = 32
_CROP_PX = 112
_CELLS = 7


def fake_face(left: float = 0.0, top: float = 0.0, size: float = 112.0, score: float = 1.0) -> Face:
    """A face looking straight ahead that fills a square of ``size`` pixels."""
    landmarks = template_points() * (size / _CROP_PX) + [left, top]
    box = np.array([left + 0.1 * size, top, left + 0.9 * size, top + size])
    return Face(box, landmarks, score)


def fake_photo(person: int, shot: int = 0, size: int = 160) -> ImageRGB:
    """A square "photograph": a pattern that belongs to the person, and noise that differs by shot.

    What fake_face(0, 0, size) cuts out of it is the whole image.
    """
    pattern = np.random.default_rng([1, person]).integers(40, 216, (_CELLS, _CELLS, 3))
    cell = -(-size // _CELLS)
    image = np.kron(pattern, np.ones((cell, cell, 1)))[:size, :size]
    noise = np.random.default_rng([2, person, shot]).normal(0, 12, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


class FakeDetector:
    """Finds what it is told to find.

    Without arguments: one face that fills the image, and none in an image of a single colour.
    """

    device = "fake"

    def __init__(
        self, faces: Sequence[Face] | Callable[[ImageRGB], Sequence[Face]] | None = None
    ) -> None:
        self._faces = faces
        self.n_calls = 0

    def detect(self, image: ImageRGB) -> list[Face]:
        self.n_calls += 1
        if callable(self._faces):
            return list(self._faces(image))
        if self._faces is not None:
            return list(self._faces)
        if (image == image[0, 0]).all():
            return []
        return [fake_face(size=float(min(image.shape[:2])))]


class FakeEmbedder:
    """Projects a coarse thumbnail by a fixed random matrix: alike crops score high."""

    def __init__(
        self, dimension: int = FAKE_DIMENSION, *, contract_id: str = "fa4e000000000000"
    ) -> None:
        self.dimension = dimension
        self.contract_id = contract_id
        self.crop_size_px = _CROP_PX
        self.device = "fake"
        self.n_crops = 0
        seed = int(hashlib.sha256(contract_id.encode()).hexdigest()[:8], 16)
        self._projection = np.random.default_rng(seed).normal(size=(_CELLS**2 * 3 + 1, dimension))

    def embed(self, crops: NDArray[np.uint8]) -> list[Embedding]:
        return [Embedding(vector, self.contract_id) for vector in self.embed_vectors(crops)]

    def embed_vectors(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        check_crops(crops, _CROP_PX)
        self.n_crops += len(crops)
        cell = _CROP_PX // _CELLS
        cells = crops.reshape(len(crops), _CELLS, cell, _CELLS, cell, 3)
        cells = cells.mean(axis=(2, 4), dtype=float)
        values = cells.reshape(len(crops), _CELLS**2 * 3) - 128.0
        values = np.column_stack([values, np.ones(len(values))])  # a grey crop is no zero vector
        return normalise_vectors((values @ self._projection).astype(np.float32))


@EMBEDDERS.register("toy")
def make_toy_embedder(*, device: str, n_threads: int, mirror: bool) -> Embedder:
    del n_threads
    if device != "cpu":
        raise DeviceError(f"There is no device {device!r} here.", remedy="Use cpu.")
    return FakeEmbedder(contract_id="fa4e000000000001" if mirror else "fa4e000000000000")


def fake_pipeline(faces: Sequence[Face] | None = None) -> Pipeline:
    """A whole pipeline of the two fakes."""
    return Pipeline(FakeDetector(faces), FakeEmbedder())


def write_toy_model(
    folder: Path,
    *,
    name: str = "toy",
    dimension: int = 16,
    card_dimension: int | None = None,
    batch: int | str = "batch",
    colour: str = "RGB",
    mean: float = 127.5,
    std: float = 128.0,
    template: str = "arcface-112",
    crop_px: int = 112,
    scale: float = 1.0,
) -> Path:
    """Write a tiny seeded ONNX network and its manifest; returns the path of the graph.

    One convolution of stride 16 and one matrix product. With ``FACEREC_HOME`` set to the parent of
    a folder called ``models``, the program itself runs it as its default.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(7)
    side = 112 // 16
    kernel = scale * rng.normal(size=(4, 3, 16, 16)).astype(np.float32) / 28
    matrix = rng.normal(size=(4 * side * side, dimension)).astype(np.float32) / 14
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["crops", "kernel"], ["cells"], strides=[16, 16]),
            helper.make_node("Flatten", ["cells"], ["flat"], axis=1),
            helper.make_node("MatMul", ["flat", "matrix"], ["vectors"]),
        ],
        "toy",
        [helper.make_tensor_value_info("crops", TensorProto.FLOAT, [batch, 3, 112, 112])],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, [batch, dimension])],
        [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(matrix, "matrix")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.onnx"
    onnx.save(model, path)
    data = path.read_bytes()
    manifest = f"""
[[model]]
name = "{name}"
version = "1"
task = "embed"
net = "toy"
files = [{{ file = "{path.name}", sha256 = "{hashlib.sha256(data).hexdigest()}", bytes = {len(data)} }}]
input_hw = [{crop_px}, {crop_px}]
colour = "{colour}"
mean = [{mean}, {mean}, {mean}]
std = [{std}, {std}, {std}]
template = "{template}"
embedding_dim = {dimension if card_dimension is None else card_dimension}
metric = "cosine"
thresholds = [{{ score = 0.6, fmr = 0.001, comparisons = 1000, dataset = "made up", date = "2026-01-01" }}]
licence = "MIT"
source = "tests/helpers/fakes.py"
training_data = "none: random weights"
paper = ""
exported_from = ""
default = true
"""  # noqa: E501  (one line per key)
    with (folder / "manifest.toml").open("a", encoding="utf-8") as stream:
        stream.write(manifest)
    return path
