"""int8: what is written agrees with its parent, and a worse one is not written at all."""

import dataclasses
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from click.testing import CliRunner

from facerec.embed.onnx import OnnxEmbedder
from facerec.evaluate.gain import Cost
from facerec.evaluate.verification import FoldAccuracy
from facerec.zoo import ModelCard, read_manifest, verified_path
from tests.helpers.training_packs import TOY_RECIPE, write_toy_pack
from training import quantise
from training.checkpoint import Checkpoint, save_checkpoint
from training.commands import export
from training.data.pack import CropPack
from training.errors import ExportError
from training.export import export_model, lowest_cosine
from training.quantise import calibration_rows, check_int8, lfw_loss, quantise_graph
from training.recipe import recipe_from_table
from training.train import build_net

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> CropPack:
    return write_toy_pack(tmp_path_factory.mktemp("pack"), n_people=60)


@pytest.fixture(scope="module")
def parent(pack: CropPack, tmp_path_factory: pytest.TempPathFactory) -> ModelCard:
    folder = tmp_path_factory.mktemp("home") / "models"
    recipe = recipe_from_table(TOY_RECIPE)
    torch.manual_seed(0)
    weights = build_net(recipe.net).state_dict()
    save_checkpoint(pack.folder / "last.pt", Checkpoint(recipe, 1, weights, weights, {}))
    export_model(
        pack.folder / "last.pt",
        pack,
        folder,
        name="toy",
        licence="MIT",
        training_data="colours",
        is_default=True,
    )
    return read_manifest(folder)[0]


@pytest.fixture(autouse=True)
def home(parent: ModelCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy model's home, and costs that nobody waits for."""
    monkeypatch.setenv("FACEREC_HOME", str(parent.folder.parent))
    monkeypatch.setattr(
        quantise, "costs", lambda some, crops: {name: Cost(1, 0.5, 0.4, 0.6) for name in some}
    )


def folds(*accuracies: float) -> FoldAccuracy:
    return FoldAccuracy(accuracies, (), float(np.mean(accuracies)), 0.0, 0.0, 0.0)


def test_command_writes_a_model_that_is_close_small_and_no_default(
    parent: ModelCard, pack: CropPack, tmp_path: Path
) -> None:
    result = CliRunner().invoke(
        export,
        ["int8", "default", "--pack", str(pack.folder), "--models", str(tmp_path), "--crops=64"],
        catch_exceptions=False,
    )

    assert result.exit_code == 0
    assert "LFW View 2: not measured" in result.output
    (card,) = read_manifest(tmp_path)
    assert (card.name, card.default) == ("toy-int8", False)
    assert parent.files[0].sha256 in card.source
    for said in (
        "calibrated on 64 training crops",
        "not measured",
        "0.50 (quartiles 0.40 to 0.60)",
    ):
        assert said in card.exported_from
    assert card.contract().id != parent.contract().id
    assert card.thresholds
    assert card.thresholds[0].score != parent.thresholds[0].score
    vectors = OnnxEmbedder(card).embed_vectors(pack.crops[:40])
    agreement = lowest_cosine(vectors, OnnxEmbedder(parent).embed_vectors(pack.crops[:40]))
    assert 0.97 < agreement < 0.999999
    graph = onnx.load(verified_path(card)).graph
    kernels = [t for t in graph.initializer if t.data_type == onnx.TensorProto.INT8]
    assert kernels
    for kernel in kernels:  # seven bits, so that old processors do not clip
        assert np.abs(onnx.numpy_helper.to_array(kernel)).max() <= 64


def test_calibration_is_on_training_crops_alone(parent: ModelCard, tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path, n_people=60)
    (tmp_path / "excluded.txt").write_text("\n".join(map(str, range(100))))
    rows = calibration_rows(parent, pack, 64)

    assert len(rows) == 64
    assert not pack.held_out[rows].any()
    assert rows.min() >= 100
    assert (rows == calibration_rows(parent, pack, 64)).all()
    with pytest.raises(ExportError, match="100000 are needed"):
        calibration_rows(parent, pack, 100_000)
    with pytest.raises(ExportError, match="32 pixels a side and the model takes 112"):
        calibration_rows(dataclasses.replace(parent, input_hw=(112, 112)), pack, 64)


def test_scales_of_the_activations_come_from_the_crops(parent: ModelCard, pack: CropPack) -> None:
    """The first quantised tensor's range, again from the float32 graph with a look inside."""
    for crops in (pack.crops[:40], pack.crops[:40] // 4 + 96):
        graph = onnx.load_from_string(quantise_graph(parent, crops)).graph
        activations = [
            node
            for node in graph.node
            if node.op_type == "QuantizeLinear" and node.input[0] not in constants(graph)
        ]
        name, scale = activations[0].input[:2]
        model = onnx.load(verified_path(parent))
        model.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
        inside = onnxruntime.InferenceSession(model.SerializeToString())
        inputs = ((crops.astype(np.float32) - 127.5) / 127.5).transpose(0, 3, 1, 2)
        (values,) = inside.run([name], {"crops": inputs})
        expected = (max(values.max(), 0) - min(values.min(), 0)) / 255
        assert constants(graph)[scale].item() == pytest.approx(expected, rel=1e-3)


def constants(graph: onnx.GraphProto) -> dict[str, np.ndarray]:
    return {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}


def test_first_layers_head_and_normalisation_stay_in_float() -> None:
    kinds = ["Conv", "Relu", "Conv", "Conv", "Add", "Gemm", "BatchNormalization", "Conv", "MatMul"]
    nodes = [(f"{at}", kind) for at, kind in enumerate(kinds)]

    assert quantise.float_nodes(nodes) == ["0", "2", "5", "6", "7", "8"]
    with pytest.raises(ExportError, match="5 layers"):
        quantise.float_nodes([node for node in nodes if node[0] != "3"])


def test_what_strays_or_depends_on_the_processor_is_refused(
    parent: ModelCard, pack: CropPack, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = OnnxEmbedder(parent)
    crops = pack.crops[:8]

    class Elsewhere:
        def embed_vectors(self, crops):
            return ours.embed_vectors(crops[:, ::-1])

    with pytest.raises(ExportError, match="strays from its parent"):
        check_int8(ours, Elsewhere(), crops)

    wrong = np.roll(ours.embed_vectors(crops), 1, axis=1)
    monkeypatch.setattr(quantise, "vectors_on_older_processor", lambda card, crops: wrong)
    with pytest.raises(ExportError, match="other vectors on an older processor"):
        check_int8(ours, ours, crops)


def test_an_older_processor_s_vectors_come_from_another_process(
    parent: ModelCard, pack: CropPack
) -> None:
    vectors = quantise.vectors_on_older_processor(parent, pack.crops[:4])

    np.testing.assert_allclose(
        vectors, OnnxEmbedder(parent).embed_vectors(pack.crops[:4]), atol=1e-5
    )


def test_a_loss_above_the_gate_is_refused(monkeypatch: pytest.MonkeyPatch, parent, pack) -> None:
    measured = {"parent": folds(0.98, 0.99), "int8": folds(0.98, 0.985)}
    monkeypatch.setattr(
        "facerec.services.evaluate.accuracies_on_lfw", lambda *args, **named: measured
    )
    ours = OnnxEmbedder(parent)

    loss = lfw_loss(Path("lfw"), ours, ours)
    assert loss.gain.mean == pytest.approx(-0.0025)

    measured["int8"] = folds(0.97, 0.99)
    with pytest.raises(ExportError, match=r"loses 0\.50 points on LFW \(98\.00 % against 98\.50 %"):
        lfw_loss(Path("lfw"), ours, ours)
