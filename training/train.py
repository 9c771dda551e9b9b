"""A whole training run, to be read from top to bottom.

Recipe -> pack of crops and targets -> net -> loss -> loop -> checkpoint -> figures on held-out
people. A run lives in one folder: ``recipe.json``, ``log.jsonl``, ``last.pt``. Every batch, rate
and random choice is a function of the step: a run that was killed continues as if it had not been.
"""

from __future__ import annotations

import copy
import ctypes
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from facerec.errors import ConfigError, DeviceError
from facerec.progress import SilentTask, Task
from training.checkpoint import LAST_NAME, Checkpoint, load_checkpoint
from training.data.augment import plain_batch
from training.data.batches import SAMPLINGS, BatchSource, People, RowsOfStep, people_of_step
from training.data.live_teacher import LiveTeacher, Looks
from training.data.overlap import EXCLUDED_NAME
from training.data.pack import CropPack
from training.data.targets import open_targets
from training.data.views import LookAt, stream_views
from training.distributed import ALONE, Loss, World
from training.errors import CheckpointError, DatasetError
from training.held_out import HeldOutFigures, held_out_figures
from training.hints import InnerMaps, hint_channels, shapes_of_maps
from training.nets.registry import NETS, settings_of
from training.objective import NO_LABEL, Objective
from training.optimizers import build_optimizer
from training.protection import CollapseWatch, reporting_divergence
from training.recipe import NetSettings, Recipe, checked_values
from training.run_log import RunLog, Speaker
from training.run_state import RunState
from training.schedule import set_rate
from training.step import (
    batch_parts,
    precision_name,
    resolve_precision,
    train_step,
    update_average,
)
from training.transfer import begin_from, freeze, training_mode

EMBED_BATCH = 128
# Numbers of GNU's mallopt(3).
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4


def train(
    recipe: Recipe,
    pack_dir: Path,
    run_dir: Path,
    *,
    resume: bool = False,
    start_from: Path | None = None,
    task: Task | None = None,
    remark: Callable[[str], None] = lambda _: None,
    world: World = ALONE,
) -> Path:
    """Train a net by a recipe.

    Args:
        recipe: what to do.
        pack_dir: a pack with targets, see ``training.data``.
        run_dir: where checkpoints and the log go.
        resume: continue the run in ``run_dir``.
        start_from: a checkpoint whose averaged weights the net starts from.
        task: receives progress.
        remark: receives sentences for the user: figures on the way, and warnings.
        world: the processes that train together; each calls this.

    Returns:
        The last checkpoint.

    Raises:
        TrainingError: no data, no targets, a run already there, a damaged checkpoint, divergence,
            collapse where the recipe says so.
        DeviceError: the device is not there.
    """
    task = task or SilentTask()
    loop, settings = recipe.loop, recipe.optimizer
    device = world.device(open_device(loop.device, loop.n_threads))
    last = run_dir / LAST_NAME
    saved = _saved(last, resume=resume)
    recipe = world.of_first(_with_precision(recipe, device, saved))
    precision = resolve_precision(recipe.loop.precision, device.type)

    # Data: crops that may be trained on, who they show, and what the teachers say of them.
    pack = CropPack(pack_dir)
    rows = trainable_rows(pack)
    if len(rows) < loop.batch_size:
        raise DatasetError(
            f"The pack has {len(rows)} crops to train on and a batch needs {loop.batch_size}.",
            remedy="Add images, or lower loop.batch_size.",
        )
    labels, people = _labels(pack, rows)
    part = world.part(loop.batch_size)
    look_at, shapes_of_hints = _teaching(pack, recipe, part.stop - part.start)
    source = BatchSource(
        pack,
        rows,
        recipe.augment,
        batch_size=loop.batch_size,
        seed=loop.seed,
        small_side_px=loop.small_side_px,
        small_steps=round(loop.small_fraction * loop.steps),
        mix_share=recipe.distill.mix_share,
        choose=_chooser(recipe, rows, labels),
        part=part,
    )

    # Losses, net, its average, optimiser; a fresh run, or the continuation of one.
    torch.manual_seed(loop.seed)
    net = build_net(recipe.net, with_weights=saved is None and start_from is None)
    net = net.to(device).to(memory_format=torch.channels_last)
    own_shapes = shapes_of_maps(net, recipe.distill.hints, recipe.net.crop_size_px)
    channels = hint_channels(own_shapes, shapes_of_hints)
    torch.manual_seed(loop.seed)
    objective = Objective(recipe, n_classes=len(people), world=world, hint_channels=channels)
    objective.to(device)
    still = freeze(net, recipe.transfer)
    afresh = "" if start_from is None or saved else begin_from(start_from, net, objective, people)
    state = RunState(
        net,
        copy.deepcopy(net).eval(),
        build_optimizer(net, objective, recipe),
        objective,
        people,
        CollapseWatch(objective, after=settings.warmup_steps),
    )
    inner = InnerMaps(net, recipe.distill.hints if channels else ())
    set_rate(state.optimizer, settings, 0, total_steps=loop.steps)
    first_step = 0 if saved is None else state.restore(saved, last, recipe)
    trained = nn.ModuleList([net, objective])
    world.check_alike(trained, recipe, first_step, crc32(rows.tobytes()), crc32(labels.tobytes()))

    # The loop.
    with RunLog(run_dir, recipe, first_step, is_written=world.is_first) as log:
        say = Speaker(log, remark, n_steps=loop.steps, first_step=first_step)
        say.start(precision=str(precision), crops=len(rows), pack=str(pack_dir.absolute()))
        say.remark(first_step, afresh)
        for step, batch in stream_views(
            source,
            look_at,
            first_step,
            loop.steps,
            looks=recipe.distill.looks,
            kept_batches=recipe.distill.kept_batches,
            is_mirrored=all(teacher.mirror for teacher in recipe.teacher),
            seed=loop.seed,
        ):
            # What a net or loss draws at random is a function of the step, too.
            torch.manual_seed((loop.seed * loop.steps + step) * world.size + world.rank)
            rate = set_rate(state.optimizer, settings, step, total_steps=loop.steps)
            views = to_net(batch.crops, device)
            gallery = _embed(state.average, views, precision) if objective.needs_gallery else None
            with reporting_divergence(
                run_dir, batch.crops, [pack.items[row] for row in batch.rows], learning_rate=rate
            ):
                outcome = train_step(
                    training_mode(net, still),
                    _loss_of_parts(
                        world.whole(objective),
                        batch.looks,
                        torch.from_numpy(labels[batch.rows]).to(device),
                        gallery,
                        inner,
                    ),
                    state.optimizer,
                    views,
                    precision=precision,
                    clip_norm=settings.clip_norm,
                    step=step,
                    parts=batch_parts(recipe, world.size),
                    world=world,
                )
            update_average(state.average, net, decay=settings.average_decay, step=step)
            done = step + 1
            say.took_step(outcome.loss, n_crops=loop.batch_size)
            say.collapse(
                done, state.watch.see(step, outcome.embeddings), stop=loop.stop_on_collapse
            )
            task.step("train", done, loop.steps)
            # What is logged comes before the checkpoint that knows of it.
            is_saved = _is_due(done, loop.checkpoint_every, loop.steps)
            if is_saved:
                say.progress(done, rate)
            if world.is_first and _is_due(done, loop.evaluate_every, loop.steps):
                say.held_out(done, evaluate_held_out(state.average, pack, precision, device))
            if is_saved:
                state.save(last, recipe, done, world)
    return last


def _loss_of_parts(
    objective: Loss,
    looks: Looks,
    labels: torch.Tensor,
    gallery: torch.Tensor | None,
    inner: InnerMaps,
) -> Callable[[torch.Tensor, slice], torch.Tensor]:
    """Return the loss of embeddings (M, D) and the part of the batch that they are of."""
    device = labels.device
    targets = None if looks.targets is None else torch.from_numpy(looks.targets).to(device)
    theirs = [torch.from_numpy(inner_map).to(device) for inner_map in looks.maps]

    def loss_of(embeddings: torch.Tensor, part: slice) -> torch.Tensor:
        return objective(
            embeddings,
            None if targets is None else targets[part],
            labels[part],
            None if gallery is None else gallery[part],
            _pairs_of_maps(inner.maps, [inner_map[part] for inner_map in theirs]),
        )

    return loss_of


def _pairs_of_maps(
    own: Sequence[torch.Tensor], theirs: Sequence[torch.Tensor]
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Put the net's maps beside those of each teacher; (B, C, H, W) all of them."""
    n_teachers = len(theirs) // len(own) if own else 0
    return [*own] * n_teachers, list(theirs)


def _is_due(done: int, every: int, steps: int) -> bool:
    return done % every == 0 or done == steps


def build_net(settings: NetSettings, *, with_weights: bool = False) -> nn.Module:
    """Build the net a recipe names.

    Args:
        settings: the recipe's section.
        with_weights: read the weights that the settings say to start from, if they say so; a
            checkpoint's own need none.

    Raises:
        ConfigError: no such net, or a setting that it does not take.
        WeightsError: the weights to start from cannot be used.
    """
    chosen = checked_values(settings_of(settings.name), settings.settings, "net.settings.")
    if not with_weights:
        chosen.pop("weights", None)
    return NETS.get(settings.name)(
        **chosen,
        embedding_dim=settings.embedding_dim,
        crop_size_px=settings.crop_size_px,
    )


def trainable_rows(pack: CropPack) -> NDArray[np.int64]:
    """Return (N,) positions that may be trained on: not held out, not in ``excluded.txt``."""
    allowed = ~pack.held_out
    excluded = pack.folder / EXCLUDED_NAME
    if excluded.exists():
        allowed[np.loadtxt(excluded, dtype=np.int64, ndmin=1)] = False
    return np.flatnonzero(allowed)


def to_net(crops: NDArray[np.float32], device: torch.device) -> torch.Tensor:
    """Turn (B, S, S, 3) float32 into a (B, 3, S, S) channels-last tensor on the device."""
    return torch.from_numpy(crops).permute(0, 3, 1, 2).to(device)


@torch.no_grad()
def embed_rows(
    net: nn.Module,
    pack: CropPack,
    rows: NDArray[np.int64],
    precision: torch.dtype,
    device: torch.device,
) -> NDArray[np.float32]:
    """Embed crops (rows (M,) of the pack) with a net; return (M, D) float32 of unit length."""
    net.eval()
    parts = []
    for start in range(0, len(rows), EMBED_BATCH):
        crops = to_net(plain_batch(pack.crops[rows[start : start + EMBED_BATCH]]), device)
        vectors = _embed(net, crops, precision)
        parts.append(nn.functional.normalize(vectors.float(), dim=1).cpu().numpy())
    return np.concatenate(parts)


@torch.no_grad()
def _embed(net: nn.Module, crops: torch.Tensor, precision: torch.dtype) -> torch.Tensor:
    with torch.autocast(crops.device.type, dtype=precision, enabled=precision != torch.float32):
        vectors: torch.Tensor = net(crops)
    return vectors


def evaluate_held_out(
    net: nn.Module, pack: CropPack, precision: torch.dtype, device: torch.device
) -> list[HeldOutFigures]:
    """Judge a net on the held-out people of a pack."""
    embed: Callable[[NDArray[np.int64]], NDArray[np.float32]] = lambda rows: embed_rows(  # noqa: E731
        net, pack, rows, precision, device
    )
    return held_out_figures(pack, embed)


def _saved(last: Path, *, resume: bool) -> Checkpoint | None:
    if resume:
        return load_checkpoint(last)
    if last.exists():
        raise CheckpointError(
            f"There is a run in {last.parent} already.", remedy="Continue it with --resume."
        )
    return None


def open_device(name: str, n_threads: int) -> torch.device:
    """Return the device called ``name``; torch uses so many CPU threads (0: its own choice).

    Raises:
        DeviceError: it is not there.
    """
    keep_freed_memory()
    if n_threads:
        torch.set_num_threads(n_threads)
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise DeviceError("There is no CUDA device here.", remedy="Set loop.device=cpu.")
    return torch.device(name)


def keep_freed_memory() -> None:
    """Have the C library keep what is freed, for the next step wants as much again.

    Otherwise each large tensor is new memory that the system must clear first, which costs a tenth
    of a step on a CPU. Nothing changes where the C library is not GNU's.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(_M_MMAP_MAX, 0)
    mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def _labels(pack: CropPack, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[str]]:
    """Number the people of the rows: (all items of the pack,) labels, and the people's names."""
    labels = np.full(len(pack), NO_LABEL, dtype=np.int64)
    known = rows[[bool(pack.items[row].person) for row in rows]]
    if len(known):
        labels[known] = pack.labels(known)
    first = known[np.unique(labels[known], return_index=True)[1]]
    return labels, [f"{item.source}/{item.person}" for item in (pack.items[row] for row in first)]


def _chooser(recipe: Recipe, rows: NDArray[np.int64], labels: NDArray[np.int64]) -> RowsOfStep:
    """Draw P people with K crops each where the recipe asks for it, else by its sampling."""
    metric, loop = recipe.metric, recipe.loop
    known = rows[labels[rows] != NO_LABEL]
    people = People.of(known, labels[known])
    choose = SAMPLINGS.get(loop.sampling)(rows, people, loop.batch_size, loop.seed)
    if metric.people:
        if metric.people * metric.images != loop.batch_size:
            raise ConfigError(
                f"{metric.people} people with {metric.images} crops each make no batch of "
                f"{loop.batch_size}.",
                remedy=f"Set loop.batch_size={metric.people * metric.images}.",
            )
        choose = partial(
            people_of_step,
            people,
            n_people=metric.people,
            n_images=metric.images,
            seed=loop.seed,
        )
    choose(0)  # (what is missing is said before the run begins)
    return choose


def _teaching(
    pack: CropPack, recipe: Recipe, n_crops: int
) -> tuple[LookAt, list[list[tuple[int, int, int]]]]:
    """Return who is asked about a batch, and (C, H, W) of each teacher's inner maps."""
    if recipe.distill.weight == 0:
        return lambda _rows, _views: Looks(None), []
    if not recipe.distill.live:
        written = open_targets(pack)
        return lambda rows, _: Looks(written[rows].astype(np.float32)), []
    if recipe.loop.small_fraction:
        raise ConfigError(
            "Teachers that look at each view need full-sized crops.",
            remedy="Set loop.small_fraction=0, or distill.live=false.",
        )
    if recipe.distill.looks > 1 and recipe.metric.people:
        raise ConfigError(
            "Batches of people cannot be dealt out anew.",
            remedy="Set distill.looks=1, or metric.people=0.",
        )
    teacher = LiveTeacher(
        pack,
        recipe.teacher,
        batch_size=n_crops,
        dimension=recipe.net.embedding_dim,
        directions=recipe.distill.directions,
    )
    return lambda _, crops: teacher.look(crops), teacher.map_shapes


def _with_precision(recipe: Recipe, device: torch.device, saved: Checkpoint | None) -> Recipe:
    """Settle what ``auto`` means once for the whole run, so that resuming changes no digit."""
    if recipe.loop.precision != "auto":
        return recipe
    if saved is not None:
        name = saved.recipe.loop.precision
    else:
        name = precision_name(resolve_precision("auto", device.type))
    return replace(recipe, loop=replace(recipe.loop, precision=name))
