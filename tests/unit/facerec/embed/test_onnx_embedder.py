"""The embedder that runs a model file, on a tiny network."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from facerec.embed.base import EMBEDDERS, normalise_vectors, open_embedder
from facerec.embed.onnx import OnnxEmbedder
from facerec.errors import (
    DeviceError,
    NotFoundError,
    ShapeError,
    WeightsCorruptError,
    WeightsIncompatibleError,
    WeightsMissingError,
)
from facerec.zoo import ModelCard, read_manifest
from tests.helpers.fakes import FakeEmbedder, write_toy_model


def card_in(folder: Path, **settings: object) -> ModelCard:
    write_toy_model(folder, **settings)  # type: ignore[arg-type]
    return read_manifest(folder)[0]


def random_crops(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(count).integers(0, 256, (count, 112, 112, 3), dtype=np.uint8)


def vectors_by_loops(card: ModelCard, crops: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The toy network by hand: normalise, convolve, multiply, scale to length one."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(card.path).graph
    weights = {
        entry.name: numpy_helper.to_array(entry).astype(float) for entry in graph.initializer
    }
    vectors = []
    for crop in crops:
        pixels = crop[..., ::-1] if card.colour == "BGR" else crop
        values = (pixels.astype(float) - card.mean) / card.std
        cells = np.zeros((4, 7, 7))
        for channel, kernel in enumerate(weights["kernel"]):
            for row in range(7):
                for column in range(7):
                    patch = values[row * 16 : row * 16 + 16, column * 16 : column * 16 + 16]
                    cells[channel, row, column] = np.sum(kernel * patch.transpose(2, 0, 1))
        vector = cells.reshape(-1) @ weights["matrix"]
        vectors.append(vector / np.linalg.norm(vector))
    return np.array(vectors)


@pytest.mark.parametrize("colour", ["RGB", "BGR"])
def test_vectors_equal_plain_loops(tmp_path: Path, colour: str) -> None:
    card = card_in(tmp_path, colour=colour, mean=100.5, std=61.0)
    crops = random_crops(3)

    vectors = OnnxEmbedder(card).embed_vectors(crops)

    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, vectors_by_loops(card, crops), atol=2e-6)


def test_card_decides_dimension_size_and_contract(tmp_path: Path) -> None:
    card = card_in(tmp_path, dimension=24)

    embedder = OnnxEmbedder(card)
    (embedding,) = embedder.embed(random_crops(1))

    assert embedder.dimension == 24
    assert embedder.crop_size_px == 112
    assert embedder.contract_id == card.contract().id
    assert embedding.vector.shape == (24,)
    assert embedding.contract_id == card.contract().id
    assert embedder.device.startswith("CPU (")


@pytest.mark.parametrize(
    ("batch", "batch_size"),
    [
        pytest.param("batch", 4, id="any batch, cut in pieces"),
        pytest.param("batch", 32, id="any batch, in one piece"),
        pytest.param(1, 32, id="graph of one crop"),
        pytest.param(4, 32, id="graph of four crops, last ones padded"),
    ],
)
def test_vector_does_not_depend_on_the_batch(
    tmp_path: Path, batch: int | str, batch_size: int
) -> None:
    embedder = OnnxEmbedder(card_in(tmp_path, batch=batch), batch_size=batch_size)
    crops = random_crops(10)

    together = embedder.embed_vectors(crops)
    alone = np.concatenate([embedder.embed_vectors(crop[None]) for crop in crops])

    assert together.shape == (10, 16)
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_no_crops_give_no_vectors(tmp_path: Path) -> None:
    embedder = OnnxEmbedder(card_in(tmp_path))

    assert embedder.embed(random_crops(0)) == []
    assert embedder.embed_vectors(random_crops(0)).shape == (0, 16)


def test_mirror_sums_both_vectors_before_normalising(tmp_path: Path) -> None:
    card = card_in(tmp_path)
    crops = random_crops(2)
    raw = OnnxEmbedder(card)._raw_vectors  # (the sum is of what the network gives, not of units)
    total = raw(crops) + raw(crops[:, :, ::-1])

    embedder = OnnxEmbedder(card, mirror=True)
    vectors = embedder.embed_vectors(crops)

    np.testing.assert_allclose(
        vectors, total / np.linalg.norm(total, axis=1, keepdims=True), atol=1e-6
    )
    np.testing.assert_allclose(embedder.embed_vectors(crops[:, :, ::-1]), vectors, atol=1e-6)
    assert embedder.contract_id == card.contract(mirror=True).id
    assert embedder.contract_id != card.contract().id


def test_two_threads_may_share_it(tmp_path: Path) -> None:
    embedder = OnnxEmbedder(card_in(tmp_path))
    crops = random_crops(8)
    expected = embedder.embed_vectors(crops)
    results: list[NDArray[np.float32]] = []

    def work() -> None:
        results.extend(embedder.embed_vectors(crops) for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(results) == 80
    assert all(np.allclose(result, expected, atol=1e-6) for result in results)


@pytest.mark.parametrize(
    "crops",
    [
        pytest.param(np.zeros((112, 112, 3), np.uint8), id="one crop without batch"),
        pytest.param(np.zeros((1, 3, 112, 112), np.uint8), id="channels first"),
        pytest.param(np.zeros((1, 100, 112, 3), np.uint8), id="another size"),
        pytest.param(np.zeros((1, 112, 112, 3), np.float32), id="floating point"),
    ],
)
def test_what_are_no_crops_is_refused(tmp_path: Path, crops: NDArray[np.uint8]) -> None:
    with pytest.raises(ShapeError, match="Crops are"):
        OnnxEmbedder(card_in(tmp_path)).embed_vectors(crops)


def test_zero_vectors_are_refused(tmp_path: Path) -> None:
    embedder = OnnxEmbedder(card_in(tmp_path, scale=0.0))

    with pytest.raises(WeightsIncompatibleError, match="zero or not finite"):
        embedder.embed(random_crops(1))


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
def test_vectors_without_direction_are_refused(bad: float) -> None:
    vectors = np.array([[1.0, 0.0], [bad, 0.0]], np.float32)

    with pytest.raises(WeightsIncompatibleError, match="zero or not finite"):
        normalise_vectors(vectors)


def test_tiny_and_huge_vectors_keep_their_direction() -> None:
    vectors = np.array([[3e-20, 4e-20], [3e20, -4e20]], np.float32)

    np.testing.assert_allclose(normalise_vectors(vectors), [[0.6, 0.8], [0.6, -0.8]], rtol=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param({"card_dimension": 17}, "output", id="another dimension"),
        pytest.param({"crop_px": 128}, "input", id="another size"),
        pytest.param({"template": "dlib-5"}, "dlib-5", id="unknown template"),
        pytest.param({"colour": "GRB"}, "GRB", id="unknown channel order"),
    ],
)
def test_file_unlike_its_card_is_refused_before_it_is_run(
    tmp_path: Path, settings: dict[str, object], message: str
) -> None:
    card = card_in(tmp_path, **settings)

    with pytest.raises(WeightsIncompatibleError, match=message):
        OnnxEmbedder(card)


def test_graph_that_loses_the_batch_is_refused_when_run(tmp_path: Path) -> None:
    """Some exported graphs reshape to (1, -1), which joins the vectors of a batch into one."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    path = write_toy_model(tmp_path)
    model = onnx.load(path)
    model.graph.node[-1].output[0] = "rows"
    model.graph.initializer.append(numpy_helper.from_array(np.array([1, -1]), "one_row"))
    model.graph.node.append(helper.make_node("Reshape", ["rows", "one_row"], ["vectors"]))
    del model.graph.output[:]
    model.graph.output.append(
        helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["one", "any"])
    )
    onnx.save(model, path)
    import hashlib

    manifest = tmp_path / "manifest.toml"
    lines = manifest.read_text().splitlines()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    lines = [
        f'files = [{{ file = "{path.name}", sha256 = "{digest}", bytes = 1 }}]'
        if line.startswith("files")
        else line
        for line in lines
    ]
    manifest.write_text("\n".join(lines))
    embedder = OnnxEmbedder(read_manifest(tmp_path)[0])

    assert embedder.embed_vectors(random_crops(1)).shape == (1, 16)
    with pytest.raises(WeightsIncompatibleError, match="vectors"):
        embedder.embed_vectors(random_crops(2))


def test_missing_and_damaged_files_are_refused(tmp_path: Path) -> None:
    card = card_in(tmp_path)

    card.path.write_bytes(card.path.read_bytes()[:-1] + b"?")
    with pytest.raises(WeightsCorruptError, match="not the one on its card"):
        OnnxEmbedder(card)
    card.path.unlink()
    with pytest.raises(WeightsMissingError, match="is not there"):
        OnnxEmbedder(card)


def test_absent_device_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="no device 'npu7'"):
        OnnxEmbedder(card_in(tmp_path), device="npu7")


def test_default_model_is_opened_by_name(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEREC_HOME", str(home / "own"))
    write_toy_model(home / "own" / "models", name="nearly-nothing")

    embedder = open_embedder("nearly-nothing", n_threads=1, mirror=True)

    assert isinstance(embedder, OnnxEmbedder)
    assert embedder.card.name == "nearly-nothing"
    assert embedder.mirror


def test_registered_embedder_is_opened_by_name() -> None:
    assert isinstance(open_embedder("toy"), FakeEmbedder)
    assert "toy" in EMBEDDERS.names()


def test_unknown_model_is_refused() -> None:
    with pytest.raises(NotFoundError, match="no-such-model"):
        open_embedder("no-such-model")
