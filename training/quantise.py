"""int8: a model file with 8-bit weights and activations, a quarter of the size, refused if worse.

ONNX Runtime's quantiser writes the usual form (QuantizeLinear and DequantizeLinear around each
node), which the runtime turns into int8 arithmetic. Scales of the activations come from crops that
were trained on; people held out and LFW only measure.
"""

from __future__ import annotations

import datetime
import logging
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facerec.embed.base import Embedder
from facerec.embed.onnx import OnnxEmbedder
from facerec.evaluate.gain import Cost, FoldGain, costs, gain_over
from facerec.evaluate.verification import FoldAccuracy
from facerec.progress import Task
from facerec.runtime import PixelInput, normalised_from_pixels
from facerec.zoo import ModelCard, read_manifest, verified_path
from training.data.pack import CropPack
from training.errors import ExportError
from training.export import PARITY_BATCHES, lowest_cosine
from training.manifest import file_entry, write_atomically, write_manifest_entry
from training.older_processor import vectors_on_older_processor
from training.thresholds import threshold_rows, thresholds_of
from training.train import trainable_rows

# Layers with weights that stay in float32: those next to the pixels and the head. On crops of
# held-out people they carry more than half of the vectors' error, and little of the time.
FLOAT_FIRST, FLOAT_LAST = 2, 3
WEIGHTED = ("Conv", "Gemm", "MatMul")
CALIBRATION_CROPS = 512
CALIBRATION_BATCH = 32
CHECKED_CROPS = 256
# Lowest cosine to the parent's vectors that is let pass, over crops of held-out people.
INT8_COSINE = 0.97
# Integers add up alike everywhere; what is left are the few nodes in float32.
SAME_EVERYWHERE_COSINE = 0.9999
# The most accuracy on LFW that may be lost, as a fraction.
LFW_MAX_LOSS = 0.003


@dataclass(frozen=True, slots=True)
class LfwLoss:
    """Accuracies on LFW View 2, measured on the same faces.

    Attributes:
        parent: of the float32 model.
        int8: of the int8 model.
        gain: int8 less parent, fold by fold.
    """

    parent: FoldAccuracy
    int8: FoldAccuracy
    gain: FoldGain


@dataclass(frozen=True, slots=True)
class QuantisedModel:
    """What quantising gave.

    Attributes:
        path: the ONNX file.
        parent: card of the float32 model.
        worst_cosine: lowest agreement with the parent on crops of held-out people.
        costs: crops at a time -> time beside the parent's.
        lfw: None when LFW was not given.
    """

    path: Path
    parent: ModelCard
    worst_cosine: float
    costs: Mapping[int, Cost]
    lfw: LfwLoss | None


def quantise_model(
    parent: ModelCard,
    pack: CropPack,
    folder: Path,
    *,
    name: str,
    lfw: Path | None = None,
    n_calibration: int = CALIBRATION_CROPS,
    threshold_sources: Collection[str] = (),
    detector: str = "mtcnn",
    task: Task | None = None,
) -> QuantisedModel:
    """Write the int8 version of a model into a models folder, never as its default.

    Args:
        parent: the float32 model.
        pack: its training crops calibrate; its held-out people set Thresholds and check.
        folder: the models folder; written only after all checks.
        name: of the int8 model.
        lfw: folder of LFW, to measure the loss; None leaves it out and says so on the card.
        n_calibration: training crops to calibrate on.
        threshold_sources: see ``training.thresholds.held_out_thresholds``.
        detector: finds the faces of LFW.
        task: hears of progress and may stop the work.

    Raises:
        ExportError: the pack does not fit, the model strays from its parent, gives other vectors on
            older processors, or loses more than ``LFW_MAX_LOSS``. Nothing is written then.
    """
    rows = calibration_rows(parent, pack, n_calibration)
    graph = quantise_graph(parent, pack.crops[rows])
    with tempfile.TemporaryDirectory() as staging:
        card = _staged(parent, graph, Path(staging), name)
        ours, theirs = OnnxEmbedder(card), OnnxEmbedder(parent)
        held = threshold_rows(pack, threshold_sources)
        worst = check_int8(ours, theirs, pack.crops[_some(held, CHECKED_CROPS)])
        found = {
            n: costs({parent.name: theirs, name: ours}, pack.crops[rows[:n]])[name]
            for n in PARITY_BATCHES
        }
        loss = None
        if lfw is not None:
            loss = lfw_loss(lfw, theirs, ours, detector=detector, task=task)
        thresholds = thresholds_of(pack, held, ours.embed_vectors(pack.crops[held]))
    path = folder / f"{name}.onnx"
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(path, graph)
    model = QuantisedModel(path, parent, worst, found, loss)
    write_manifest_entry(folder, _entry(model, name, len(rows), thresholds, ours.device))
    return model


def calibration_rows(parent: ModelCard, pack: CropPack, count: int) -> NDArray[np.int64]:
    """Draw training crops: (count,) positions in the pack, none held out, none excluded.

    Raises:
        ExportError: the pack's crops have another size than the model's, or there are too few.
    """
    side = pack.crops.shape[1]
    if parent.input_hw != (side, side):
        raise ExportError(
            f"The pack's crops have {side} pixels a side and the model takes {parent.input_hw[0]}.",
            remedy="Use a pack of crops of the model's size.",
        )
    rows = trainable_rows(pack)
    if len(rows) < max(count, *PARITY_BATCHES):
        raise ExportError(
            f"The pack has {len(rows)} training crops; {max(count, *PARITY_BATCHES)} are needed.",
            remedy="Use a larger pack, or calibrate on fewer crops.",
        )
    return _some(rows, count)


def quantise_graph(parent: ModelCard, crops: NDArray[np.uint8]) -> bytes:
    """Quantise a model file.

    Weights get one scale a channel and seven bits: with eight, processors without int8 instructions
    clip sums and give useless vectors. Activations get the range seen on the crops. The first
    layers, the head and batch normalisation stay in float32.

    Args:
        parent: the model.
        crops: (N, S, S, 3) uint8 to calibrate on.

    Returns:
        The ONNX file's bytes.
    """
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    source = verified_path(parent)
    graph = onnx.load(source).graph
    pixels = PixelInput(parent.colour, parent.mean, parent.std)
    with tempfile.TemporaryDirectory() as folder, _warnings_off():
        result = Path(folder) / "int8.onnx"
        quantize_static(
            source,
            result,
            _Calibration(graph.input[0].name, crops, pixels),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=float_nodes([(node.name, node.op_type) for node in graph.node]),
        )
        return result.read_bytes()


def float_nodes(nodes: Sequence[tuple[str, str]]) -> list[str]:
    """Return the names of the nodes that stay in float32, from (name, type) in the graph's order.

    Raises:
        ExportError: no layer with weights is left.
    """
    weighted = [name for name, kind in nodes if kind in WEIGHTED]
    if len(weighted) <= FLOAT_FIRST + FLOAT_LAST:
        raise ExportError(
            f"The model has {len(weighted)} layers with weights; all of them would stay in float32."
        )
    kept = {*weighted[:FLOAT_FIRST], *weighted[-FLOAT_LAST:]}
    return [name for name, kind in nodes if name in kept or kind == "BatchNormalization"]


def check_int8(ours: OnnxEmbedder, parent: Embedder, crops: NDArray[np.uint8]) -> float:
    """Hold an int8 model against its parent and against itself on an older processor.

    Args:
        ours: the int8 model.
        parent: the float32 model.
        crops: (N, S, S, 3) uint8.

    Returns:
        The lowest cosine to the parent.

    Raises:
        ExportError: it strays further than ``INT8_COSINE``, or depends on batch or processor.
    """
    vectors = ours.embed_vectors(crops)
    worst = lowest_cosine(vectors, parent.embed_vectors(crops))
    if not worst >= INT8_COSINE:
        raise ExportError(
            f"The int8 model strays from its parent: the lowest cosine is {worst:.4f}, and "
            f"{INT8_COSINE} is needed. Nothing was written.",
            remedy="Calibrate on more crops, or keep the float32 model.",
        )
    others = {
        "in batches of 1": np.concatenate([ours.embed_vectors(crop[None]) for crop in crops[:8]]),
        "on an older processor": vectors_on_older_processor(ours.card, crops),
    }
    for where, other in others.items():
        agreement = lowest_cosine(vectors[: len(other)], other)
        if not agreement >= SAME_EVERYWHERE_COSINE:
            raise ExportError(
                f"The int8 model gives other vectors {where} (cosine {agreement:.4f}). "
                "Nothing was written.",
                remedy="Keep the float32 model.",
            )
    return worst


def lfw_loss(
    data: Path,
    parent: Embedder,
    ours: Embedder,
    *,
    detector: str = "mtcnn",
    task: Task | None = None,
) -> LfwLoss:
    """Measure both on LFW View 2, one image a face, on the same detections.

    Args:
        data: folder of LFW.
        parent: the float32 model.
        ours: the int8 model.
        detector: finds the faces.
        task: hears of progress and may stop the work.

    Raises:
        ExportError: more than ``LFW_MAX_LOSS`` is lost.
        NotFoundError: LFW is not there.
    """
    from facerec.services.evaluate import accuracies_on_lfw

    both = accuracies_on_lfw(data, {"parent": parent, "int8": ours}, detector=detector, task=task)
    loss = LfwLoss(both["parent"], both["int8"], gain_over(both["parent"], both["int8"]))
    if -loss.gain.mean > LFW_MAX_LOSS:
        raise ExportError(
            f"The int8 model loses {-100 * loss.gain.mean:.2f} points on LFW "
            f"({_accuracies(loss)}); at most {100 * LFW_MAX_LOSS:.1f} may be lost. "
            "Nothing was written.",
            remedy="Calibrate on more crops, or keep the float32 model.",
        )
    return loss


class _Calibration:
    """Hands the quantiser one batch after the other (``CalibrationDataReader``)."""

    def __init__(self, name: str, crops: NDArray[np.uint8], pixels: PixelInput) -> None:
        self._batches = (
            {name: normalised_from_pixels(crops[start : start + CALIBRATION_BATCH], pixels)}
            for start in range(0, len(crops), CALIBRATION_BATCH)
        )

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return next(self._batches, None)


@contextmanager
def _warnings_off() -> Iterator[None]:
    """Silence the quantiser, which recommends a preparation that changes nothing here."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _some(rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Draw at most so many rows, always the same ones, in order."""
    return np.sort(np.random.default_rng(0).permutation(rows)[:count])


def _staged(parent: ModelCard, graph: bytes, folder: Path, name: str) -> ModelCard:
    path = folder / f"{name}.onnx"
    path.write_bytes(graph)
    write_manifest_entry(folder, _card_table(parent, name, path))
    (card,) = read_manifest(folder)
    return card


def _card_table(parent: ModelCard, name: str, path: Path) -> dict[str, object]:
    return {
        "name": name,
        "version": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "task": "embed",
        "net": parent.net,
        "files": [file_entry(path)],
        "input_hw": parent.input_hw,
        "colour": parent.colour,
        "mean": parent.mean,
        "std": parent.std,
        "template": parent.template,
        "embedding_dim": parent.embedding_dim,
        "metric": parent.metric,
        "licence": parent.licence,
        "training_data": parent.training_data,
        "paper": parent.paper,
        "source": f"int8 version of {parent.name} {parent.version}, "
        f"file SHA-256 {parent.files[0].sha256}",
        "exported_from": "",
        "default": False,
    }


def _entry(
    model: QuantisedModel,
    name: str,
    n_calibration: int,
    thresholds: list[dict[str, object]],
    device: str,
) -> dict[str, object]:
    import onnxruntime

    return _card_table(model.parent, name, model.path) | {
        "thresholds": thresholds,
        "exported_from": f"{model.parent.files[0].file} by onnxruntime {onnxruntime.__version__}: "
        f"QDQ, 7-bit weights with a scale a channel, activations calibrated on {n_calibration} "
        f"training crops, first {FLOAT_FIRST} and last {FLOAT_LAST} layers in float32; "
        f"{described(model)}; on {device}",
    }


def described(model: QuantisedModel) -> str:
    """Say in one line what int8 costs and saves."""
    times = ", ".join(
        f"{cost.ratio:.2f} (quartiles {cost.ratio_low:.2f} to {cost.ratio_high:.2f}) with {n} "
        f"crop{'' if n == 1 else 's'} at a time"
        for n, cost in model.costs.items()
    )
    lost = "not measured" if model.lfw is None else _accuracies(model.lfw)
    return (
        f"LFW View 2: {lost}; lowest cosine to {model.parent.name} on held-out people "
        f"{model.worst_cosine:.4f}; time as a share of {model.parent.name}'s: {times}"
    )


def _accuracies(loss: LfwLoss) -> str:
    return (
        f"{100 * loss.int8.mean:.2f} % against {100 * loss.parent.mean:.2f} %, difference "
        f"{100 * loss.gain.mean:+.2f} points (standard deviation over folds "
        f"{100 * loss.gain.std:.2f})"
    )
