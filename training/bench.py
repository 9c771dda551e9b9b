"""What a training step costs beside the shortest loop that does the same, and what batches cost.

The other loop is the one a user of pytorch-metric-learning would write: net, loss, backward,
optimiser. Net, weights, crops, arithmetic and optimiser are the same on both sides; ours clips the
gradient, looks for numbers that are none and averages the weights besides.
"""

from __future__ import annotations

import copy
import math
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from facerec.bench.harness import Ratio, machine_facts, ratio_of_medians
from facerec.errors import DependencyError
from facerec.progress import SilentTask, Task
from training.data.batches import BatchSource
from training.data.pack import CropPack
from training.errors import DatasetError
from training.objective import Objective
from training.optimizers import build_optimizer
from training.recipe import Recipe, recipe_from_table
from training.step import precision_name, resolve_precision, train_step, update_average
from training.train import build_net, open_device, to_net, trainable_rows

# Each person of a made-up batch shows so many crops.
CROPS_A_PERSON = 4
# Vectors of an ArcFace head, as of a small training set.
N_CLASSES = 1000
WARM_UP_ROUNDS = 2
# Name of a loss -> the part of a recipe that asks for it.
LOSS_TABLES: dict[str, dict[str, Any]] = {
    "triplet (batch-hard)": {
        "metric": {"name": "triplet", "settings": {"margin": 0.2, "miner": "batch-hard"}}
    },
    "multi-similarity": {"metric": {"name": "multi-similarity"}},
    "arcface": {"head": {"name": "arcface", "settings": {"scale": 32.0, "margin_rad": 0.5}}},
}

# Crops (B, 3, S, S), labels (B,), number of the step -> loss before it.
Step = Callable[[torch.Tensor, torch.Tensor, int], float]


@dataclass(frozen=True, slots=True)
class StepTimes:
    """A step with one loss, ours and the plain loop's in turns.

    Attributes:
        loss: its name.
        first_losses: what both computed on the first batch, from the same weights.
        own_s: seconds of each round.
        plain_s: seconds of the same rounds.
        own_cpu_s: processor seconds of each round, all threads together.
        plain_cpu_s: the same for the plain loop.
    """

    loss: str
    first_losses: tuple[float, float]
    own_s: tuple[float, ...]
    plain_s: tuple[float, ...]
    own_cpu_s: tuple[float, ...]
    plain_cpu_s: tuple[float, ...]

    @property
    def ratio(self) -> Ratio:
        """How many times longer the plain loop takes."""
        return ratio_of_medians(self.plain_s, self.own_s)

    @property
    def cpu_ratio(self) -> Ratio:
        """How many times more processor time the plain loop takes."""
        return ratio_of_medians(self.plain_cpu_s, self.own_cpu_s)


@dataclass(frozen=True, slots=True)
class BatchCost:
    """What making batches costs a run.

    Attributes:
        n_steps: steps taken.
        batch_size: crops a step.
        making_s: processor seconds of the thread that makes batches.
        total_s: processor seconds of the whole program meanwhile.
    """

    n_steps: int
    batch_size: int
    making_s: float
    total_s: float

    @property
    def share(self) -> float:
        """Share of the processor time that goes into making batches."""
        return self.making_s / self.total_s


@dataclass(frozen=True, slots=True)
class StepReport:
    """Everything measured.

    Attributes:
        recipe: net, batch and arithmetic.
        precision: ``bf16`` or ``f32``.
        n_threads: of torch.
        times: one for each loss.
        batches: where a pack was given.
        machine: processor, memory, versions, date.
    """

    recipe: Recipe
    precision: str
    n_threads: int
    times: tuple[StepTimes, ...]
    batches: BatchCost | None
    machine: Mapping[str, object]

    def payload(self) -> dict[str, object]:
        """Everything, as JSON can carry it."""
        ratios = [{"ratio": asdict(t.ratio), "cpu_ratio": asdict(t.cpu_ratio)} for t in self.times]
        share = {"share": self.batches.share} if self.batches else {}
        whole = asdict(self)
        whole["times"] = [one | ratio for one, ratio in zip(whole["times"], ratios, strict=True)]
        whole["batches"] = whole["batches"] and whole["batches"] | share
        return whole


def measure_steps(
    overrides: tuple[str, ...] = (),
    *,
    n_rounds: int = 11,
    pack: CropPack | None = None,
    n_steps: int = 6,
    task: Task | None = None,
) -> StepReport:
    """Measure the step with each loss, and what batches of a pack cost.

    Args:
        overrides: ``section.key=value`` on the default recipe: net, batch, arithmetic, device.
        n_rounds: how often each side has its turn, after two rounds to warm up.
        pack: whose batches are made; none are where it is not given.
        n_steps: taken on the pack.
        task: receives progress.

    Raises:
        DependencyError: pytorch-metric-learning is not installed.
        ConfigError: an override is wrong.
        DatasetError: the pack has not enough crops of people.
    """
    task = task or SilentTask()
    times = []
    for number, (name, table) in enumerate(LOSS_TABLES.items()):
        recipe, device, precision = _opened(table, overrides)
        times.append(_compare(name, recipe, device, precision, n_rounds))
        task.step("losses", number + 1, len(LOSS_TABLES))
    batches = None if pack is None else batch_cost(pack, overrides, n_steps=n_steps)
    return StepReport(
        recipe,
        precision_name(precision),
        torch.get_num_threads(),
        tuple(times),
        batches,
        machine_facts(),
    )


def batch_cost(pack: CropPack, overrides: tuple[str, ...] = (), *, n_steps: int = 6) -> BatchCost:
    """Take real steps on a pack, with an ArcFace head on its people.

    Raises:
        DatasetError: the pack has not enough crops of people.
    """
    recipe, device, precision = _opened(LOSS_TABLES["arcface"], overrides)
    rows = trainable_rows(pack)
    rows = rows[[bool(pack.items[row].person) for row in rows]]
    if len(rows) < recipe.loop.batch_size:
        raise DatasetError(
            f"The pack has {len(rows)} crops of people to train on and a batch needs "
            f"{recipe.loop.batch_size}.",
            remedy="Take a larger pack, or lower loop.batch_size.",
        )
    labels = pack.labels(rows)
    source = _TimedSource(
        pack, rows, recipe.augment, batch_size=recipe.loop.batch_size, seed=recipe.loop.seed
    )
    step = own_step(recipe, int(labels.max()) + 1, device, precision)

    def take(number: int, batch_rows: NDArray[np.int64], crops: NDArray[np.float32]) -> None:
        own = torch.from_numpy(labels[np.searchsorted(rows, batch_rows)])
        step(to_net(crops, device), own.to(device), number)

    take(0, *source.make(0))  # (warms up)
    source.seconds, began = 0.0, time.process_time()
    for batch in source.stream(1, n_steps + 1):
        take(*batch)
    total = time.process_time() - began
    return BatchCost(n_steps, recipe.loop.batch_size, source.seconds, total)


class _TimedSource(BatchSource):
    """A source that counts the processor time of the thread that makes its batches."""

    seconds = 0.0

    def make(self, step: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """See ``BatchSource.make``."""
        began = time.thread_time()
        made = super().make(step)
        self.seconds += time.thread_time() - began
        return made


def _opened(
    table: dict[str, Any], overrides: tuple[str, ...]
) -> tuple[Recipe, torch.device, torch.dtype]:
    base = {"loop": {"batch_size": 64}, "distill": {"weight": 0.0}}
    recipe = recipe_from_table(base | table, overrides)
    device = open_device(recipe.loop.device, recipe.loop.n_threads)
    return recipe, device, resolve_precision(recipe.loop.precision, device.type)


def _compare(
    name: str, recipe: Recipe, device: torch.device, precision: torch.dtype, n_rounds: int
) -> StepTimes:
    size, side = recipe.loop.batch_size, recipe.net.crop_size_px
    draw = torch.Generator().manual_seed(recipe.loop.seed)
    crops = torch.randn(size, 3, side, side, generator=draw).to(device)
    crops = crops.to(memory_format=torch.channels_last)
    labels = (torch.arange(size) // CROPS_A_PERSON).to(device)
    steps = [make(recipe, N_CLASSES, device, precision) for make in (own_step, plain_step)]
    first = steps[0](crops, labels, 0), steps[1](crops, labels, 0)
    taken: list[list[tuple[float, float]]] = [[], []]
    for done in range(1, n_rounds + WARM_UP_ROUNDS):
        for side_number in (0, 1) if done % 2 else (1, 0):
            one = _timed(partial(steps[side_number], crops, labels, done))
            if done >= WARM_UP_ROUNDS:
                taken[side_number].append(one)
    (own_s, own_cpu_s), (plain_s, plain_cpu_s) = (zip(*each, strict=True) for each in taken)
    return StepTimes(name, first, own_s, plain_s, own_cpu_s, plain_cpu_s)


def _timed(call: Callable[[], float]) -> tuple[float, float]:
    """Return the seconds and the processor seconds of a call, which ends by reading the loss."""
    began, cpu_began = time.perf_counter(), time.process_time()
    call()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began, time.process_time() - cpu_began


def _net(recipe: Recipe, device: torch.device) -> nn.Module:
    torch.manual_seed(recipe.loop.seed)
    return build_net(recipe.net).to(device).to(memory_format=torch.channels_last).train()


def own_step(recipe: Recipe, n_classes: int, device: torch.device, precision: torch.dtype) -> Step:
    """Build our side: what ``training.train`` does in a step, without its log."""
    net = _net(recipe, device)
    objective = Objective(recipe, n_classes=n_classes).to(device)
    optimizer = build_optimizer(net, objective, recipe)
    average = copy.deepcopy(net).eval()
    settings = recipe.optimizer

    def take(crops: torch.Tensor, labels: torch.Tensor, step: int) -> float:
        outcome = train_step(
            net,
            lambda embeddings, part: objective(embeddings, None, labels[part]),
            optimizer,
            crops,
            precision=precision,
            clip_norm=settings.clip_norm,
            step=step,
        )
        update_average(average, net, decay=settings.average_decay, step=step)
        return outcome.loss

    return take


def plain_step(
    recipe: Recipe, n_classes: int, device: torch.device, precision: torch.dtype
) -> Step:
    """Build the other side: a plain loop with pytorch-metric-learning."""
    net = _net(recipe, device)
    own = Objective(recipe, n_classes=n_classes)
    loss_of, parameters = _peer_loss(recipe, n_classes, own)
    parameters.to(device)
    optimizer = build_optimizer(net, parameters, recipe)

    def take(crops: torch.Tensor, labels: torch.Tensor, step: int) -> float:
        optimizer.zero_grad()
        with torch.autocast(crops.device.type, dtype=precision, enabled=precision != torch.float32):
            embeddings = net(crops)
        loss = loss_of(embeddings.float(), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return float(loss.detach())

    return take


def _peer_loss(
    recipe: Recipe, n_classes: int, own: Objective
) -> tuple[Callable[[torch.Tensor, torch.Tensor], torch.Tensor], nn.Module]:
    """Return their loss and the module it is, with the class vectors of ours."""
    losses, miners, distances, reducers = _peer_modules()
    settings = recipe.metric.settings
    if recipe.head.name == "arcface":
        scale, margin = recipe.head.settings["scale"], recipe.head.settings["margin_rad"]
        head = losses.ArcFaceLoss(
            n_classes, recipe.net.embedding_dim, margin=math.degrees(margin), scale=scale
        )
        with torch.no_grad():
            head.W.copy_(own.get_parameter("head.weight").T)
        return head, head
    if recipe.metric.name == "multi-similarity":
        loss = losses.MultiSimilarityLoss(alpha=2, beta=50, base=0.5)
        miner = miners.MultiSimilarityMiner(epsilon=0.1)
    else:
        squared = distances.LpDistance(power=2)
        loss = losses.TripletMarginLoss(
            margin=settings["margin"], distance=squared, reducer=reducers.MeanReducer()
        )
        miner = miners.BatchHardMiner(distance=squared)
    return lambda x, labels: loss(x, labels, miner(x, labels)), loss


def _peer_modules() -> tuple[Any, Any, Any, Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pytorch_metric_learning import distances, losses, miners, reducers
    except ImportError as exc:
        raise DependencyError(
            "The other loop needs pytorch-metric-learning.",
            remedy="Run pip install pytorch-metric-learning.",
        ) from exc
    return losses, miners, distances, reducers


def format_report(report: StepReport) -> str:
    """Lay the report out for reading."""
    net, loop = report.recipe.net, report.recipe.loop
    what = f"{net.name}, {loop.batch_size} crops of {net.crop_size_px} px, {report.precision}"
    where = f"{loop.device}, torch threads: {report.n_threads}, {report.machine['processor']}"
    columns = (
        f"{'loss':<22}{'ours ms':>9}{'plain ms':>10}{'plain / ours':>22}{'processor time':>22}"
    )
    lines = [f"{what}, {where}", columns]
    for one in report.times:
        own, plain = (1e3 * float(np.median(each)) for each in (one.own_s, one.plain_s))
        lines.append(
            f"{one.loss:<22}{own:>9.1f}{plain:>10.1f}"
            f"{_ratio(one.ratio):>22}{_ratio(one.cpu_ratio):>22}"
        )
    if report.batches:
        made = report.batches
        lines.append(
            f"Making batches takes {made.share:.1%} of the processor time: {made.making_s:.2f} of "
            f"{made.total_s:.2f} s in {made.n_steps} steps of {made.batch_size} crops."
        )
    return "\n".join(lines)


def _ratio(ratio: Ratio) -> str:
    return f"{ratio.value:.3f} ({ratio.low:.3f}-{ratio.high:.3f})"
