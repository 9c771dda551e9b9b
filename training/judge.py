"""Judge a net by people it never saw: open-set search and Labeled Faces in the Wild.

The figures come from ``facerec.evaluate``; what is here brings crops of packs before it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from facerec.evaluate.acquire import NO_FACE, Acquired
from facerec.evaluate.error_rates import at_fmr
from facerec.evaluate.identification import OpenSetSplit, curve_of, search
from facerec.evaluate.pairs import PAIRS_FILE, PairList, find_lfw, people_root, read_pairs
from facerec.evaluate.verification import cross_validated_accuracy, score_pairs
from facerec.imaging.read import read_image
from facerec.progress import Task
from facerec.services.align_folder import AlignOptions, align_folder
from training.checkpoint import load_checkpoint
from training.data.pack import CROPS_NAME, CropPack, PackItem, write_pack
from training.recipe import LoopSettings
from training.step import resolve_precision
from training.train import build_net, embed_rows

# Strangers that are taken for somebody enrolled, per search by a stranger.
REPORTED_FPIR = 0.01
LFW_CROP_SUFFIX = ".png"


@dataclass(frozen=True, slots=True)
class OpenSetFigures:
    """What open-set identification at rank 1 brings.

    Attributes:
        n_enrolled: size of the Gallery, in people.
        rank1: share of mated Probes whose Person stands first (closed-set).
        fnir: mated Probes whose Person does not stand first at or above the Threshold that lets
            ``REPORTED_FPIR`` of the strangers pass; None when too few strangers search.
    """

    n_enrolled: int
    rank1: float
    fnir: float | None


def open_set_figures(
    vectors: NDArray[np.float32], person: NDArray[np.int64], split: OpenSetSplit
) -> OpenSetFigures:
    """Search the enrolled people with everybody else's crops.

    Args:
        vectors: (N, D) float32, unit length.
        person: (N,) whose crop each row is.
        split: who is enrolled.
    """
    found = np.ones(len(vectors), dtype=np.bool_)
    searches, _ = search(vectors, person, found, split)
    point = at_fmr(curve_of(searches), REPORTED_FPIR)
    fnir = None if point.fnmr is None else point.fnmr.value
    return OpenSetFigures(searches.n_enrolled, float(np.mean(searches.ranks == 1)), fnir)


@dataclass(frozen=True, slots=True)
class LfwPack:
    """The images of LFW's View 2 as a pack.

    Attributes:
        pairs: the protocol.
        pack: crops of all images in which a Face was found; ``file`` is the image's path.
    """

    pairs: PairList
    pack: CropPack

    def accuracy(self, vectors: NDArray[np.float32]) -> float:
        """Measure View 2.

        Args:
            vectors: (N, D) float32 of the pack's crops, unit length.

        Returns:
            Mean accuracy over the folds, in 0..1; pairs without a Face are errors.
        """
        row_of = {item.file: row for row, item in enumerate(self.pack.items)}
        paths = self.pairs.images()
        rows = [row_of.get(path.as_posix(), -1) for path in paths]
        failures = {at: NO_FACE for at, row in enumerate(rows) if row < 0}
        n = len(paths)
        acquired = Acquired(
            paths, vectors[rows], {}, np.zeros((n, 4), np.float32), np.ones(n, np.int64), failures
        )
        return cross_validated_accuracy(score_pairs(self.pairs, acquired)).mean


def open_lfw(data: Path, folder: Path, side_px: int, *, task: Task | None = None) -> LfwPack:
    """Align LFW once and pack the crops of View 2.

    Args:
        data: the folder with ``pairs.txt``.
        folder: where crops and pack are kept for the next time.
        side_px: side of the packed crops.
        task: receives progress.

    Raises:
        NotFoundError: no LFW there.
    """
    data = find_lfw(data)
    pairs = read_pairs(data / PAIRS_FILE, data)
    pack_dir = folder / f"lfw-{side_px}"
    if not (pack_dir / CROPS_NAME).exists():
        root = people_root(data)
        aligned = folder / "lfw-crops"
        options = AlignOptions(suffix=LFW_CROP_SUFFIX, faces="central")
        align_folder(root, aligned, options, task=task)
        crop_of = {
            path: aligned / path.relative_to(root).with_suffix(LFW_CROP_SUFFIX)
            for path in pairs.images()
        }
        some = [(path, crop) for path, crop in crop_of.items() if crop.exists()]
        crops = np.stack([resized(read_image(crop), side_px) for _, crop in some])
        write_pack(pack_dir, crops, [PackItem("lfw", "", "", path.as_posix()) for path, _ in some])
    return LfwPack(pairs, CropPack(pack_dir))


def vectors_of_checkpoint(
    path: Path, pack: CropPack, rows: NDArray[np.int64], loop: LoopSettings
) -> NDArray[np.float32]:
    """Embed crops with a checkpoint's averaged weights.

    Args:
        path: the checkpoint.
        pack: the crops.
        rows: (M,) which of them.
        loop: device and precision.

    Returns:
        (M, D) float32, unit length.
    """
    checkpoint = load_checkpoint(path)
    net = build_net(checkpoint.recipe.net)
    net.load_state_dict(checkpoint.average)
    device = torch.device(loop.device)
    net = net.to(device).to(memory_format=torch.channels_last)
    precision = resolve_precision(loop.precision, device.type)
    return embed_rows(net, pack, rows, precision, device)


def resized(crop: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    """Shrink a (S, S, 3) uint8 crop to (side_px, side_px, 3) by averaging; equal sizes stay."""
    if crop.shape[0] == side_px:
        return crop
    size = (side_px, side_px)
    return np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def people_of(pack: CropPack, rows: NDArray[np.int64]) -> dict[str, list[int]]:
    """Gather rows (M,) by who they show, in an order that is a hash of the name.

    Somebody whom two sources of one group name alike is one person.

    Returns:
        Group and person -> rows.
    """
    gathered: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        item = pack.items[row]
        if item.person:
            gathered[f"{item.group}/{item.person}"].append(int(row))
    return {name: gathered[name] for name in sorted(gathered, key=_place)}


def by_hash(pack: CropPack, rows: Sequence[int]) -> list[int]:
    """Sort rows by a hash of their files' names."""
    return sorted(rows, key=lambda row: _place(f"{pack.items[row].source}/{pack.items[row].file}"))


def _place(name: str) -> bytes:
    return sha256(name.encode()).digest()
