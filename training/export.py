"""Export: checkpoint -> ONNX graph with an identity card, refused unless both agree."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from facerec.runtime import open_session
from facerec.zoo import MANIFEST_NAME, read_manifest
from training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from training.data.augment import plain_batch
from training.data.pack import CropPack
from training.errors import ExportError
from training.train import build_net, embed_rows

# The cosine between net and graph on the same crop; both compute in float32.
PARITY_COSINE = 0.99999
PARITY_BATCHES = (1, 32)
# Thresholds on the card are set at these false match rates, the first one being the default.
CARD_FMRS = (1e-3, 1e-2, 1e-4)
# A rate needs about this many expected errors to be worth printing.
MIN_EXPECTED_ERRORS = 10


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
    _write_atomically(onnx_path, graph)
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
        "files": [_file_entry(exported.path), _file_entry(weights)],
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


def _file_entry(path: Path) -> dict[str, object]:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return {"file": path.name, "sha256": digest, "bytes": len(content)}


@torch.no_grad()
def parity_cosine(net: torch.nn.Module, graph: bytes, side: int) -> float:
    """Return the lowest cosine between net and graph over seeded crops, batches of 1 and 32."""
    session = open_session(graph)
    rng = np.random.default_rng(0)
    worst = 1.0
    for batch_size in PARITY_BATCHES:
        coarse = rng.integers(0, 256, (batch_size, 8, 8, 3)).astype(np.uint8)
        crops = coarse.repeat(side // 8, axis=1).repeat(side // 8, axis=2)
        inputs = np.ascontiguousarray(plain_batch(crops).transpose(0, 3, 1, 2))
        ours = session.run(inputs)[0]
        reference = net(torch.from_numpy(inputs)).numpy()
        worst = min(worst, float(np.min(_cosines(ours, reference))))
    return worst


def _cosines(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosines: NDArray[np.float32] = np.sum(a * b, axis=1) / norms
    return cosines


def held_out_thresholds(
    checkpoint_path: Path, pack: CropPack, sources: Collection[str] = ()
) -> list[dict[str, object]]:
    """Set the card's Thresholds on held-out people.

    Comparisons are between different people of one source, since people of different sources are
    told apart by their pictures' style alone.

    Args:
        checkpoint_path: whose averaged weights are judged.
        pack: with held-out people.
        sources: names of the sources to take; all of them when empty. A source in which one person
            goes by several labels does not measure false matches and should be left out.

    Returns:
        One table a false match rate that the comparisons can measure, the default first.
    """
    checkpoint = load_checkpoint(checkpoint_path)
    net = build_net(checkpoint.recipe.net)
    net.load_state_dict(checkpoint.average)
    held = np.flatnonzero(pack.held_out)
    rows = np.array([r for r in held if not sources or pack.items[r].source in sources], np.int64)
    if not len(rows):
        raise ExportError(
            "There is nobody to set the thresholds on.",
            remedy="Use a pack with people that were held out, of the sources named.",
        )
    vectors = embed_rows(net, pack, rows, torch.float32, torch.device("cpu"))
    names = np.array([pack.items[row].source for row in rows])
    # Members of one family look alike and labels there are uncertain: the group is the person here,
    # so relatives are left out of the comparisons that set a Threshold.
    groups = np.array([pack.items[row].group for row in rows])
    scores = []
    for source in np.unique(names):
        chosen = names == source
        part = vectors[chosen]
        upper = np.triu_indices(len(part), 1)
        different = (groups[chosen][:, None] != groups[chosen][None, :])[upper]
        scores.append((part @ part.T)[upper][different])
    non_mated = np.sort(np.concatenate(scores))
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    points: list[dict[str, object]] = []
    for fmr in CARD_FMRS:
        allowed = int(fmr * len(non_mated))
        if allowed < MIN_EXPECTED_ERRORS:
            continue
        # The smallest float32 above the first score that must be refused; inclusive.
        threshold = float(np.nextafter(non_mated[-1 - allowed], np.float32(1)))
        points.append(
            {
                "score": round(threshold, 5),
                "fmr": fmr,
                "comparisons": len(non_mated),
                "dataset": f"people held out from training: {', '.join(np.unique(names))}",
                "date": today,
            }
        )
    return points


def write_manifest_entry(folder: Path, entry: dict[str, object]) -> None:
    """Put a model's table into ``folder/manifest.toml``, in place of one of the same name.

    Args:
        folder: the models folder.
        entry: keys of ``facerec.zoo.ModelCard`` as TOML values; ``files`` and ``thresholds`` are
            lists of tables.
    """
    path = folder / MANIFEST_NAME
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    head, *blocks = old.split("[[model]]\n")
    kept = [b for b in blocks if f'name = "{entry["name"]}"\n' not in b]
    body = "".join(f"{key} = {_toml(value)}\n" for key, value in entry.items())
    text = head + "".join(f"[[model]]\n{block.rstrip()}\n\n" for block in [*kept, body])
    _write_atomically(path, (text.rstrip() + "\n").encode())
    read_manifest(folder)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        inner = [_toml(item) for item in value]
        if value and isinstance(value[0], dict):
            return "[\n" + "".join(f"  {item},\n" for item in inner) + "]"
        return "[" + ", ".join(inner) + "]"
    return json.dumps(value, ensure_ascii=False)


def _write_atomically(path: Path, content: bytes) -> None:
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
