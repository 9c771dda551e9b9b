"""Export: checkpoint -> ONNX graph with an identity card, refused unless both agree."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from facerec.runtime import InferenceSession, open_session
from training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from training.data.augment import plain_batch
from training.data.pack import CropPack
from training.errors import ExportError
from training.manifest import file_entry, write_atomically, write_manifest_entry
from training.thresholds import held_out_thresholds
from training.train import build_net

# Net and graph compute in float32: on the same crop their unit vectors may differ by no more than
# this, as a cosine (they differ by about 1e-7).
PARITY_COSINE = 0.99999
# One face, and as many as are embedded at a time.
PARITY_BATCHES = (1, 32)


@dataclass(frozen=True, slots=True)
class ExportedModel:
    """What an export wrote.

    Attributes:
        path: the ONNX file.
        sha256: its digest.
        worst_cosine: lowest agreement with the net over the parity crops.
    """

    path: Path
    sha256: str
    worst_cosine: float


def export_onnx(checkpoint_path: Path, onnx_path: Path) -> ExportedModel:
    """Write the averaged weights of a checkpoint as an ONNX graph.

    Args:
        checkpoint_path: a checkpoint of ``training.train``.
        onnx_path: where the graph goes; written only after it agreed with the net.

    Returns:
        Path, digest and agreement.

    Raises:
        CheckpointError: the checkpoint cannot be read.
        ExportError: graph and net disagree.
    """
    checkpoint = load_checkpoint(checkpoint_path)
    net = build_net(checkpoint.recipe.net)
    net.load_state_dict(checkpoint.average)
    net.eval()
    side = checkpoint.recipe.net.crop_size_px
    onnx_path.parent.mkdir(parents=True, exist_ok=True)
    draft = onnx_path.with_name(onnx_path.name + ".draft")
    torch.onnx.export(
        net,
        (torch.zeros(2, 3, side, side),),
        draft,
        dynamo=False,
        input_names=["crops"],
        output_names=["embeddings"],
        dynamic_axes={"crops": {0: "batch"}, "embeddings": {0: "batch"}},
        opset_version=17,
    )
    graph = draft.read_bytes()
    draft.unlink()
    worst = parity_cosine(net, graph, side)
    if not worst >= PARITY_COSINE:
        raise ExportError(
            f"The exported graph disagrees with the net (cosine {worst:.6f}). Nothing was written."
        )
    write_atomically(onnx_path, graph)
    return ExportedModel(onnx_path, hashlib.sha256(graph).hexdigest(), worst)


def export_model(
    checkpoint_path: Path,
    pack: CropPack,
    folder: Path,
    *,
    name: str,
    licence: str,
    training_data: str,
    is_default: bool,
    threshold_sources: Collection[str] = (),
) -> ExportedModel:
    """Export a checkpoint into a models folder, with its manifest entry.

    Beside the graph lie the weights in half precision, for further training to start from.

    Args:
        checkpoint_path: a checkpoint of ``training.train``.
        pack: the pack it was trained on; its held-out people set the Thresholds.
        folder: the models folder.
        name: of the model.
        licence: text for the card.
        training_data: text for the card.
        is_default: whether it becomes the folder's default.
        threshold_sources: see ``held_out_thresholds``.

    Returns:
        What was written.
    """
    exported = export_onnx(checkpoint_path, folder / f"{name}.onnx")
    checkpoint = load_checkpoint(checkpoint_path)
    recipe = checkpoint.recipe
    weights = folder / f"{name}.pt"
    save_checkpoint(weights, _half_precision_weights(checkpoint))
    entry: dict[str, object] = {
        "name": name,
        "version": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "task": "embed",
        "net": recipe.net.name,
        "files": [file_entry(exported.path), file_entry(weights)],
        "input_hw": [recipe.net.crop_size_px] * 2,
        "colour": "RGB",
        "mean": [127.5] * 3,
        "std": [127.5] * 3,
        "template": "arcface-112",
        "embedding_dim": recipe.net.embedding_dim,
        "metric": "cosine",
        "thresholds": held_out_thresholds(checkpoint_path, pack, threshold_sources),
        "licence": licence,
        "source": f"trained with facerec, recipe {recipe.name}",
        "training_data": training_data,
        "paper": "",
        "exported_from": f"{checkpoint_path.name} after {checkpoint.step} steps",
        "default": is_default,
    }
    write_manifest_entry(folder, entry)
    return exported


def _half_precision_weights(checkpoint: Checkpoint) -> Checkpoint:
    """Keep what another run can start from: the averaged weights, in 16 bits."""
    average = {
        name: value.half() if value.is_floating_point() else value
        for name, value in checkpoint.average.items()
    }
    return Checkpoint(checkpoint.recipe, checkpoint.step, net={}, average=average, optimizer={})


@torch.no_grad()
def parity_cosine(net: torch.nn.Module, graph: bytes, side: int) -> float:
    """Return the lowest cosine between net and graph over fixed crops, in batches of 1 and 32.

    Args:
        net: takes (B, 3, S, S) float32, in evaluation mode.
        graph: the ONNX file's bytes.
        side: S, in pixels.

    Returns:
        The cosine; minus infinity where the graph gives a number that is not finite.

    Raises:
        ExportError: the graph refuses one of the batch sizes, or gives vectors of another shape.
    """
    session = open_session(graph)
    worst = 1.0
    for batch_size in PARITY_BATCHES:
        crops = parity_crops(batch_size, side)
        inputs = np.ascontiguousarray(plain_batch(crops).transpose(0, 3, 1, 2))
        reference = net(torch.from_numpy(inputs)).numpy()
        ours = _run(session, inputs)
        if ours.shape != reference.shape:
            raise ExportError(
                f"The exported graph gives {ours.shape} where the net gives {reference.shape}. "
                "Nothing was written."
            )
        worst = min(worst, lowest_cosine(ours, reference))
    return worst


def parity_crops(count: int, side: int) -> NDArray[np.uint8]:
    """Return the fixed crops that graphs are held against: count seeded patterns of 8 x 8 cells.

    Args:
        count: N.
        side: S, in pixels.

    Returns:
        (N, S, S, 3) uint8.
    """
    coarse = np.random.default_rng(count).integers(0, 256, (count, 8, 8, 3)).astype(np.uint8)
    cells = np.arange(side) * 8 // side
    return coarse[:, cells][:, :, cells]


def lowest_cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Return the lowest cosine of the rows of (N, D) and (N, D); minus infinity if one has none."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):  # (neither has a direction; seen below)
        cosines = np.sum(x * y, axis=1) / lengths
    return float(cosines.min()) if np.isfinite(cosines).all() else -np.inf


def _run(session: InferenceSession, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    try:
        (vectors,) = session.run(inputs)
    except RuntimeError as exc:
        raise ExportError(
            f"The exported graph does not run on a batch of {len(inputs)}. Nothing was written.",
            remedy="Write the net so that no size of the batch gets fixed in its graph.",
        ) from exc
    return vectors
