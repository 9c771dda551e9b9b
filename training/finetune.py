"""Fine-tuning: the default net gets to know a few people better, and forgets nobody else.

In come crops of some people and a net, out comes a checkpoint. The people's crops train a margin
head; the start net's own vectors of all crops are the targets of a distillation, so that what the
net says of everybody else changes little. Crops of an older pack, if there is one, are mixed in
without their names and take part in the distillation only.

Reference:
    Li & Hoiem 2016, "Learning without Forgetting", eq. 1-4, here with vectors as targets.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facerec.paths import shipped_models_dir
from facerec.progress import SilentTask, Task
from training.checkpoint import load_checkpoint
from training.data.pack import CROPS_NAME, CropPack, pack_sources, write_pack
from training.data.targets import TARGETS_NAME
from training.errors import DatasetError
from training.judge import by_hash, vectors_of_checkpoint
from training.recipe import Recipe
from training.train import train, trainable_rows

RECIPE_NAME = "lean-finetune"
DEFAULT_WEIGHTS = "lean.pt"
# Crops of the older pack for each crop of the new people.
OLD_PER_NEW = 10
PACK_NAME = "pack"


def default_weights() -> Path:
    """Return the shipped net's weights, which fine-tuning starts from."""
    return shipped_models_dir() / DEFAULT_WEIGHTS


def finetune_folder(
    crops: Path,
    run_dir: Path,
    recipe: Recipe,
    *,
    start_from: Path,
    old: Path | None = None,
    resume: bool = False,
    task: Task | None = None,
) -> Path:
    """Fine-tune on a folder of aligned crops, one subfolder a person.

    Args:
        crops: the folder; all its people are trained on.
        run_dir: where pack, checkpoints and the log go.
        recipe: how; its net is replaced by the checkpoint's.
        start_from: the checkpoint to start from.
        old: a pack to mix crops from; None for none.
        resume: continue the run in ``run_dir``.
        task: receives progress.

    Returns:
        The last checkpoint.

    Raises:
        TrainingError: fewer than two people, or see ``training.train``.
    """
    new = run_dir / "new"
    if not (new / CROPS_NAME).exists():
        side = load_checkpoint(start_from).recipe.net.crop_size_px
        pack_sources([crops], new, side_px=side, task=task)
    pack = CropPack(new)
    return finetune(
        pack,
        np.array([row for row, item in enumerate(pack.items) if item.person], np.int64),
        run_dir,
        recipe,
        start_from=start_from,
        old=None if old is None else CropPack(old),
        resume=resume,
        task=task,
    )


def finetune(
    pack: CropPack,
    rows: NDArray[np.int64],
    run_dir: Path,
    recipe: Recipe,
    *,
    start_from: Path,
    old: CropPack | None = None,
    resume: bool = False,
    task: Task | None = None,
) -> Path:
    """Fine-tune on some crops of a pack, whoever is held out there.

    Args:
        pack: of the people.
        rows: (N,) crops to train on, each with a person.
        run_dir: where pack, checkpoints and the log go.
        recipe: how; its net is replaced by the checkpoint's.
        start_from: the checkpoint to start from.
        old: a pack to mix crops from; its held-out people stay out.
        resume: continue the run in ``run_dir``.
        task: receives progress.

    Returns:
        The last checkpoint.

    Raises:
        TrainingError: fewer than two people, crops of another size, or see ``training.train``.
    """
    task = task or SilentTask()
    people = {f"{pack.items[row].source}/{pack.items[row].person}" for row in rows}
    if len(people) < 2:
        raise DatasetError(
            f"Fine-tuning needs two people or more; there are {len(people)}.",
            remedy="Give a folder with one subfolder of aligned crops per person.",
        )
    recipe = replace(recipe, net=load_checkpoint(start_from).recipe.net)
    folder = run_dir / PACK_NAME
    if not (folder / TARGETS_NAME).exists():
        _write_mixture(pack, rows, old, folder)
        _write_own_targets(CropPack(folder), start_from, recipe)
    # Three people with five pictures make no full batch.
    batch_size = min(recipe.loop.batch_size, len(CropPack(folder)))
    recipe = replace(recipe, loop=replace(recipe.loop, batch_size=batch_size))
    return train(recipe, folder, run_dir, resume=resume, start_from=start_from, task=task)


def _write_mixture(
    pack: CropPack, rows: NDArray[np.int64], old: CropPack | None, folder: Path
) -> None:
    """Write the pack of the run: the people, and crops of the older pack without their names."""
    crops = [pack.crops[row] for row in rows]
    # No group: nobody is held out.
    items = [replace(pack.items[row], group="") for row in rows]
    if old is not None:
        mixed = by_hash(old, trainable_rows(old).tolist())[: OLD_PER_NEW * len(rows)]
        crops += [old.crops[row] for row in mixed]
        items += [replace(old.items[row], person="", group="") for row in mixed]
    write_pack(folder, np.stack(crops), items)


def _write_own_targets(pack: CropPack, start_from: Path, recipe: Recipe) -> None:
    """Write what the start net says of every crop as the targets of the distillation."""
    if pack.crops.shape[1] != recipe.net.crop_size_px:
        raise DatasetError(
            f"The crops have {pack.crops.shape[1]} pixels a side and the net takes "
            f"{recipe.net.crop_size_px}.",
            remedy=f"Align them with --size {recipe.net.crop_size_px}.",
        )
    vectors = vectors_of_checkpoint(start_from, pack, np.arange(len(pack)), recipe.loop)
    np.save(pack.folder / TARGETS_NAME, vectors.astype(np.float16))
