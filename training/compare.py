"""Every loss under one budget: which one wins with two, five and twenty images a person?

In comes a pack, out come one JSON line a finished run and the figures for a report. Every loss
trains the same net for the same number of images seen and with the same schedule; only the loss and
the way of drawing batches that it needs differ. A comparison that was stopped goes on where it was.

Each run is ``training.train`` on a subset of the pack: people with at least K images, chosen by a
hash, K images of each, and the same number of images for every K.
"""

from __future__ import annotations

import inspect
import json
import multiprocessing
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facerec.errors import ConfigError
from facerec.evaluate.identification import OpenSetSplit, draw_split
from facerec.progress import SilentTask, Task
from training.data.pack import CROPS_NAME, CropPack, write_pack
from training.errors import DatasetError, DivergedError
from training.heads.registry import HEADS
from training.held_out import held_out_figures
from training.judge import (
    LfwPack,
    by_hash,
    open_lfw,
    open_set_figures,
    people_of,
    resized,
    vectors_of_checkpoint,
)
from training.losses.registry import LOSSES
from training.miners.triplets import TRIPLET_MINERS
from training.recipe import (
    RECIPES_DIR,
    HeadSettings,
    LoopSettings,
    MetricSettings,
    Recipe,
    load_recipe,
    recipe_to_table,
)
from training.step import precision_name, resolve_precision
from training.train import train, trainable_rows

RESULTS_NAME = "results.jsonl"
RUNS_NAME = "runs"
PER_PERSON = (2, 5, 20)
# About half a minute a run on two CPU cores: see docs/training.md.
IMAGES_SEEN = 25_600
# Crops of held-out people that judge each run, and how many of one person at most.
DEVELOPMENT_CROPS = 4000
DEVELOPMENT_EACH = 10
# Heads without a shipped recipe that compare the crops of a batch, so that it must hold several of
# each person.
PAIRED_HEADS = ("siamese",)


@dataclass(frozen=True, slots=True)
class Contender:
    """One loss with its settings.

    Attributes:
        name: what the table calls it.
        head: of the recipe; no name for none.
        metric: of the recipe; no name for none.
        origin: where the settings come from.
    """

    name: str
    head: HeadSettings
    metric: MetricSettings
    origin: str

    @property
    def settings(self) -> str:
        """All settings, defaults too, in words."""
        parts = []
        if self.head.name:
            parts.append(_all_settings(HEADS.get(self.head.name), self.head.settings))
        if self.head.neck:
            parts.append("batch norm between the two" if self.metric.name else "batch norm before")
        if self.metric.name:
            parts.append(_all_settings(LOSSES.get(self.metric.name), self.metric.settings))
        return "; ".join(part for part in parts if part)


def _all_settings(build: Callable[..., object], given: dict[str, Any]) -> str:
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(build).parameters.items()
        if name not in {"embedding_dim", "n_classes"}
    }
    return ", ".join(f"{name} {value}" for name, value in (defaults | given).items())


@dataclass(frozen=True, slots=True)
class RunFigures:
    """One line of the results. A run that diverged has no figures but its time.

    Attributes:
        loss: name of the contender.
        per_person: K, images of each person.
        seed: of weights, order and augmentation.
        balanced_accuracy: on pairs of held-out people, the mean over sources.
        rank1: share of held-out people's Probes whose Person stands first.
        fnir: at an FPIR of 1 %, rank 1, one image of each Person enrolled; None too when the
            strangers are too few to measure that.
        lfw: accuracy of View 2; None too when it was not asked for.
        ms_per_image: of a training step.
        seconds: of the whole run with its evaluation.
    """

    loss: str
    per_person: int
    seed: int
    balanced_accuracy: float | None
    rank1: float | None
    fnir: float | None
    lfw: float | None
    ms_per_image: float | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Progress:
    """A run that has just ended.

    Attributes:
        figures: of the run.
        done: runs finished, earlier ones included.
        total: runs of the comparison.
        seconds_left: by the mean of the runs of this call.
    """

    figures: RunFigures
    done: int
    total: int
    seconds_left: float

    def __str__(self) -> str:
        run = self.figures
        measured = (
            ("balanced accuracy", run.balanced_accuracy),
            ("FNIR", run.fnir),
            ("LFW", run.lfw),
        )
        found = [f"{name} {100 * value:.2f} %" for name, value in measured if value is not None]
        return (
            f"{run.loss}, {run.per_person} images a person, seed {run.seed}: "
            f"{', '.join(found) or 'diverged'}; {self.done} of {self.total} runs, about "
            f"{self.seconds_left / 60:.0f} minutes left"
        )


def contenders() -> tuple[Contender, ...]:
    """List every head and every loss with its settings.

    Settings are those of the shipped recipe that trains with this loss and no other, else the
    class's defaults, which are its paper's. The plain triplet loss enters once for each miner, and
    recipes with head and loss enter as they are.
    """
    recipes = [load_recipe(path.stem) for path in sorted(RECIPES_DIR.glob("lean-*.toml"))]
    labelled = [recipe for recipe in recipes if recipe.distill.weight == 0]
    alone_heads = {r.head.name: r for r in labelled if r.head.name and not r.metric.name}
    alone_losses = {r.metric.name: r for r in labelled if r.metric.name and not r.head.name}
    entries = []
    for name in HEADS.names():
        recipe = alone_heads.get(name)
        head = recipe.head if recipe else HeadSettings(name=name)
        metric = recipe.metric if recipe else MetricSettings()
        entries.append(Contender(name, head, metric, _origin(recipe)))
    for name in LOSSES.names():
        recipe = alone_losses.get(name)
        metric = recipe.metric if recipe else MetricSettings(name=name)
        if name == "triplet":
            entries += _triplets(metric, _origin(recipe))
        else:
            entries.append(Contender(name, HeadSettings(), metric, _origin(recipe)))
    for recipe in labelled:
        if recipe.head.name and recipe.metric.name:
            name = f"{recipe.head.name} + {recipe.metric.name}"
            entries.append(Contender(name, recipe.head, recipe.metric, _origin(recipe)))
    return tuple(entries)


def chosen_contenders(names: str) -> tuple[Contender, ...]:
    """Find contenders by their names, separated by commas; all of them when there is no name.

    Raises:
        ConfigError: there is none of that name.
    """
    known = {contender.name: contender for contender in contenders()}
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        if name not in known:
            raise ConfigError(
                f"There is no loss {name!r} to compare.", remedy=f"There are: {', '.join(known)}."
            )
    return tuple(known[name] for name in wanted or known)


def parse_per_person(text: str) -> tuple[int, ...]:
    """Read numbers of images a person, separated by commas, each 2 or more.

    Raises:
        ConfigError: something else.
    """
    numbers = tuple(int(part) for part in text.split(",") if part.strip().isdecimal())
    if not numbers or len(numbers) != text.count(",") + 1 or min(numbers) < 2:
        raise ConfigError(
            f"{text!r} names no numbers of images a person.",
            remedy="Write numbers from 2 on, separated by commas: 2,5,20.",
        )
    return numbers


def _origin(recipe: Recipe | None) -> str:
    return f"recipe {recipe.name}" if recipe else "defaults of the class"


def _triplets(metric: MetricSettings, origin: str) -> Iterator[Contender]:
    for miner in TRIPLET_MINERS.names():
        settings = metric.settings | {"miner": miner}
        yield Contender(
            f"triplet ({miner})", HeadSettings(), replace(metric, settings=settings), origin
        )


def compare_losses(
    pack_dir: Path,
    out_dir: Path,
    base: Recipe,
    *,
    per_person: Sequence[int] = PER_PERSON,
    n_seeds: int = 3,
    images_seen: int = IMAGES_SEEN,
    lfw: Path | None = None,
    start_from: Path | None = None,
    losses: Sequence[Contender] = (),
    jobs: int = 1,
    task: Task | None = None,
) -> Iterator[Progress]:
    """Train and judge every loss, and say of each run when it is done.

    Args:
        pack_dir: a pack with labelled crops.
        out_dir: where results, subsets and the run at work lie; an earlier call is continued.
        base: net, schedule and augmentation of every run.
        per_person: K, images a person.
        n_seeds: runs of each loss for each K.
        images_seen: of each run.
        lfw: folder of LFW; None leaves it out.
        start_from: a checkpoint that every run starts from; None for fresh weights.
        losses: what to compare; all ``contenders`` when empty.
        jobs: how many runs go on side by side, each on one thread; a net as small as this leaves
            further threads idle.
        task: receives progress and may stop the work.

    Raises:
        ConfigError: ``out_dir`` holds results of another comparison.
        DatasetError: the pack has too few people.
        TrainingError: see ``training.train``.
    """
    task = task or SilentTask()
    base = _budget_recipe(base, images_seen)
    if jobs > 1:
        base = replace(base, loop=replace(base.loop, n_threads=1))
    budget = {
        "recipe": recipe_to_table(base),
        "per_person": list(per_person),
        "lfw": lfw is not None,
        "start_from": str(start_from or ""),
    }
    results = Results.open(out_dir, budget)
    judge = _prepare(pack_dir, out_dir, base, per_person, lfw, task)
    todo = [
        (contender, k, seed)
        for seed in range(n_seeds)
        for k in per_person
        for contender in losses or contenders()
        if (contender.name, k, seed) not in results.finished
    ]
    n_before, begun = len(results.finished), time.monotonic()
    shutil.rmtree(out_dir / RUNS_NAME, ignore_errors=True)
    bench = _Bench(out_dir, base, judge, start_from)
    for done, figures in enumerate(bench.runs_of(todo, jobs, task), 1):
        results.append(figures)
        mean = (time.monotonic() - begun) / done
        yield Progress(figures, n_before + done, n_before + len(todo), mean * (len(todo) - done))


class Results:
    """The results of a comparison: a first line with its budget, then one line a finished run.

    Attributes:
        path: the file.
        budget: what all runs share.
        runs: the lines, in order.
    """

    def __init__(self, path: Path, budget: dict[str, Any], runs: list[RunFigures]) -> None:
        self.path, self.budget, self.runs = path, budget, runs

    @classmethod
    def open(cls, out_dir: Path, budget: dict[str, Any] | None = None) -> Results:
        """Read what earlier calls finished; a line cut short by a kill is dropped.

        Args:
            out_dir: the folder of the comparison.
            budget: what this call would spend; None takes the file's.

        Raises:
            ConfigError: there are no results, or they were made with another budget.
        """
        path = out_dir / RESULTS_NAME
        if not path.exists():
            if budget is None:
                raise ConfigError(f"There are no results in {out_dir}.")
            out_dir.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"budget": budget}) + "\n", encoding="utf-8")
        text = path.read_text(encoding="utf-8")
        whole = text.rpartition("\n")[0]
        first, *lines = [json.loads(line) for line in whole.splitlines()] or [{}]
        # Once through JSON, so that tuples and lists are alike.
        if budget is not None and first.get("budget") != json.loads(json.dumps(budget)):
            raise ConfigError(
                f"{path} holds results of a comparison with another budget.",
                remedy="Use another folder, or the options of the first call.",
            )
        if text != whole + "\n":
            path.write_text(whole + "\n", encoding="utf-8")
        return cls(path, first["budget"], [RunFigures(**line) for line in lines])

    @property
    def finished(self) -> set[tuple[str, int, int]]:
        """Loss, K and seed of every finished run."""
        return {(run.loss, run.per_person, run.seed) for run in self.runs}

    def append(self, run: RunFigures) -> None:
        """Add a line."""
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(asdict(run)) + "\n")
        self.runs.append(run)


@dataclass(frozen=True, slots=True)
class _Judge:
    """What each run is judged by."""

    development: CropPack
    person: NDArray[np.int64]
    split: OpenSetSplit
    lfw: LfwPack | None


def _prepare(
    pack_dir: Path,
    out_dir: Path,
    base: Recipe,
    per_person: Sequence[int],
    lfw: Path | None,
    task: Task,
) -> _Judge:
    """Write the subsets that are not there yet, and open what judges."""
    side = base.net.crop_size_px
    folders = {k: _subset_dir(out_dir, k) for k in per_person}
    development = out_dir / "development"
    if not (development / CROPS_NAME).exists():
        pack = CropPack(pack_dir)
        for k, rows in training_rows(pack, per_person).items():
            _write_part(pack, rows, folders[k], side)
        _write_part(pack, development_rows(pack), development, side)
    judged = CropPack(development)
    everything = np.arange(len(judged))
    person = np.empty(len(judged), dtype=np.int64)
    for number, places in enumerate(people_of(judged, everything).values()):
        person[places] = number
    opened = open_lfw(lfw, out_dir, side, task=task) if lfw is not None else None
    return _Judge(judged, person, draw_split(person), opened)


def training_rows(pack: CropPack, per_person: Sequence[int]) -> dict[int, NDArray[np.int64]]:
    """Choose people with at least K images and K images of each, the same number for every K.

    Args:
        pack: the pack; held-out people and excluded crops stay out.
        per_person: K.

    Returns:
        K -> (N_K,) rows; N_K is the most that all K allow, cut to whole people.

    Raises:
        DatasetError: nobody has K images.
    """
    people = people_of(pack, trainable_rows(pack))
    eligible = {k: [rows for rows in people.values() if len(rows) >= k] for k in per_person}
    for k, some in eligible.items():
        if len(some) < 2:
            raise DatasetError(
                f"The pack has {len(some)} people with {k} images or more to train on.",
                remedy="Use a larger pack, or lower --per-person.",
            )
    n_images = min(k * len(some) for k, some in eligible.items())
    return {
        k: np.array(
            [row for rows in some[: n_images // k] for row in by_hash(pack, rows)[:k]], np.int64
        )
        for k, some in eligible.items()
    }


def development_rows(pack: CropPack, n_crops: int = DEVELOPMENT_CROPS) -> NDArray[np.int64]:
    """Choose crops of held-out people with two or more, sources in turn, by a hash.

    Args:
        pack: the pack.
        n_crops: about how many.

    Returns:
        (N,) rows.
    """
    people = people_of(pack, np.flatnonzero(pack.held_out))
    by_source: dict[str, list[list[int]]] = {}
    for rows in people.values():
        if len(rows) >= 2:
            some = by_hash(pack, rows)[:DEVELOPMENT_EACH]
            by_source.setdefault(pack.items[rows[0]].source, []).append(some)
    chosen: list[int] = []
    for several in by_source.values():
        taken: list[int] = []
        for rows in several:
            if len(taken) + len(rows) <= n_crops // len(by_source):
                taken += rows
        chosen += taken
    return np.array(sorted(chosen), dtype=np.int64)


def _write_part(pack: CropPack, rows: NDArray[np.int64], folder: Path, side_px: int) -> None:
    items = []
    for row in rows:
        item = pack.items[row]
        # Two sources that name one person alike are one source here, so that she is one Label.
        items.append(replace(item, source=item.group.partition(":")[0] or item.source))
    write_pack(folder, np.stack([resized(pack.crops[row], side_px) for row in rows]), items)


def _subset_dir(out_dir: Path, k: int) -> Path:
    return out_dir / f"train-{k}"


def _budget_recipe(base: Recipe, images_seen: int) -> Recipe:
    """Fix length and precision, which every run shares."""
    steps = max(1, round(images_seen / base.loop.batch_size))
    precision = precision_name(resolve_precision(base.loop.precision, base.loop.device))
    loop = replace(
        base.loop, steps=steps, evaluate_every=steps, checkpoint_every=steps, precision=precision
    )
    return replace(base, loop=loop, distill=replace(base.distill, weight=0.0))


def recipe_of(contender: Contender, base: Recipe, *, per_person: int, seed: int) -> Recipe:
    """Build the recipe of one run.

    Args:
        contender: the loss.
        base: what all runs share.
        per_person: K; where a batch holds several crops of a person, as many, but no more than the
            contender asks for.
        seed: of the run.
    """
    metric = contender.metric
    if metric.name or metric.people or contender.head.name in PAIRED_HEADS:
        most, size = min(metric.images, per_person), base.loop.batch_size
        images = max(number for number in range(1, most + 1) if size % number == 0)
        metric = replace(metric, people=size // images, images=images)
    return replace(
        base,
        name=contender.name,
        loop=replace(base.loop, seed=seed),
        head=contender.head,
        metric=metric,
    )


@dataclass(frozen=True, slots=True)
class _Bench:
    """What a run needs besides its loss, K and seed."""

    out_dir: Path
    base: Recipe
    judge: _Judge
    start_from: Path | None

    def runs_of(
        self, todo: Sequence[tuple[Contender, int, int]], jobs: int, task: Task
    ) -> Iterator[RunFigures]:
        """Yield the figures of (loss, K, seed) as they come; in order with one job."""
        if jobs == 1:
            for each in todo:
                yield self.run(*each, task)
            return
        # Started afresh: a copy of this process would share its threads' locks.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(jobs, context, initializer=_begin, initargs=(self,)) as pool:
            futures = [pool.submit(_run_there, *each) for each in todo]
            try:
                for future in as_completed(futures):
                    yield future.result()
            finally:
                pool.shutdown(cancel_futures=True)

    def run(self, contender: Contender, k: int, seed: int, task: Task | None = None) -> RunFigures:
        """Train one net and judge it."""
        begun = time.monotonic()
        run_dir = self.out_dir / RUNS_NAME / f"{os.getpid()}"
        # What is left of a run that was stopped: a run is short, so it begins anew.
        shutil.rmtree(run_dir, ignore_errors=True)
        recipe = recipe_of(contender, self.base, per_person=k, seed=seed)
        subset = _subset_dir(self.out_dir, k)
        figures: dict[str, Any]
        try:
            last = train(recipe, subset, run_dir, start_from=self.start_from, task=task)
            figures = _judged(last, self.judge, self.base.loop)
            figures |= {"ms_per_image": _ms_per_image(run_dir)}
        except DivergedError:
            figures = dict.fromkeys(("balanced_accuracy", "rank1", "fnir", "lfw", "ms_per_image"))
        seconds = round(time.monotonic() - begun, 1)
        return RunFigures(contender.name, k, seed, **figures, seconds=seconds)


# What a process of its own works with; handed over once, as it holds all crops that judge.
_there: list[_Bench] = []


def _begin(bench: _Bench) -> None:
    _there[:] = [bench]


def _run_there(contender: Contender, k: int, seed: int) -> RunFigures:
    return _there[0].run(contender, k, seed)


def _judged(checkpoint: Path, judge: _Judge, loop: LoopSettings) -> dict[str, Any]:
    def vectors_of(pack: CropPack) -> NDArray[np.float32]:
        return vectors_of_checkpoint(checkpoint, pack, np.arange(len(pack)), loop)

    vectors = vectors_of(judge.development)
    sources = held_out_figures(judge.development, lambda rows: vectors[rows])
    searched = open_set_figures(vectors, judge.person, judge.split)
    return {
        "balanced_accuracy": float(np.mean([source.balanced_accuracy for source in sources])),
        "rank1": searched.rank1,
        "fnir": searched.fnir,
        "lfw": None if judge.lfw is None else judge.lfw.accuracy(vectors_of(judge.lfw.pack)),
    }


def _ms_per_image(run_dir: Path) -> float:
    lines = (run_dir / "log.jsonl").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    rate = [event["images_per_s"] for event in events if event["event"] == "progress"][-1]
    return round(1000 / float(rate), 4)
