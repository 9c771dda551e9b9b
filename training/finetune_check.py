"""Does fine-tuning help? Ten draws of people whom the start net has never seen, before and after.

Each draw takes 20 held-out people and five crops of each, as a user would bring them, and
fine-tunes. The same five crops are then the Gallery; other crops of these people and of strangers
are the Probes, none of them trained on. Figures before and after are of the same Probes.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facerec.errors import ConfigError
from facerec.evaluate.error_rates import interval
from facerec.evaluate.identification import OpenSetSplit
from facerec.progress import SilentTask, Task
from training.checkpoint import load_checkpoint
from training.data.pack import CropPack
from training.errors import DatasetError
from training.finetune import finetune
from training.judge import (
    LfwPack,
    by_hash,
    open_lfw,
    open_set_figures,
    people_of,
    vectors_of_checkpoint,
)
from training.recipe import LoopSettings, Recipe, recipe_to_table
from training.step import precision_name, resolve_precision

RESULTS_NAME = "finetune.jsonl"
N_PEOPLE = 20
IMAGES_EACH = 5
# Probes of each of the people: at least, and at most.
FEWEST_PROBES = 3
MOST_PROBES = 10
# Crops of people who are not in the draw; an FPIR of 1 % needs 300.
STRANGERS = 1000
# Accuracy on LFW must not fall by more.
ALLOWED_LFW_LOSS = 0.003
N_RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Draw:
    """Figures of one draw.

    Attributes:
        seed: of the draw and the run.
        fnir_before: of the start net, at an FPIR of 1 % of strangers.
        fnir_after: of the fine-tuned net.
        rank1_before: share of Probes whose Person stands first.
        rank1_after: the same after.
        lfw_before: accuracy of View 2; None when not asked for.
        lfw_after: the same after.
        seconds: of the fine-tuning.
    """

    seed: int
    fnir_before: float
    fnir_after: float
    rank1_before: float
    rank1_after: float
    lfw_before: float | None
    lfw_after: float | None
    seconds: float

    def __str__(self) -> str:
        lfw = ""
        if self.lfw_before is not None and self.lfw_after is not None:
            lfw = f", LFW {100 * self.lfw_before:.2f} -> {100 * self.lfw_after:.2f} %"
        return (
            f"draw {self.seed}: FNIR {100 * self.fnir_before:.1f} -> {100 * self.fnir_after:.1f} %"
            f", rank-1 {100 * self.rank1_before:.1f} -> {100 * self.rank1_after:.1f} %{lfw}; "
            f"fine-tuned in {self.seconds:.0f} s"
        )


@dataclass(frozen=True, slots=True)
class Gain:
    """What fine-tuning changed over all draws; negative is less.

    Attributes:
        n_draws: how many.
        before: mean over draws.
        after: the same after.
        low: lower end of the 95 % interval of the mean difference, draws resampled.
        high: its upper end.
    """

    n_draws: int
    before: float
    after: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class DrawnRows:
    """Rows of a pack that one draw uses.

    Attributes:
        trained: (20 * 5,) one person after the other.
        probes: (M,) other crops of the same people.
        strangers: (K,) crops of other held-out people.
    """

    trained: NDArray[np.int64]
    probes: NDArray[np.int64]
    strangers: NDArray[np.int64]


def draw_people(
    pack: CropPack, seed: int, *, n_people: int = N_PEOPLE, n_strangers: int = STRANGERS
) -> DrawnRows:
    """Draw held-out people, the crops that are trained on, and the Probes.

    Args:
        pack: the pack.
        seed: of the draw.
        n_people: how many people are fine-tuned on.
        n_strangers: crops of strangers at most.

    Raises:
        DatasetError: too few held-out people have enough crops.
    """
    people = people_of(pack, np.flatnonzero(pack.held_out))
    able = [name for name, rows in people.items() if len(rows) >= IMAGES_EACH + FEWEST_PROBES]
    if len(able) < n_people:
        raise DatasetError(
            f"{len(able)} held-out people have {IMAGES_EACH + FEWEST_PROBES} crops or more; a draw "
            f"needs {n_people}.",
            remedy="Use a larger pack.",
        )
    rng = np.random.default_rng(seed)
    chosen = [able[at] for at in rng.choice(len(able), n_people, replace=False)]
    orders = [rng.permutation(people[name]) for name in chosen]
    others = [row for name, rows in people.items() if name not in chosen for row in rows]
    return DrawnRows(
        np.concatenate([order[:IMAGES_EACH] for order in orders]),
        np.concatenate([order[IMAGES_EACH : IMAGES_EACH + MOST_PROBES] for order in orders]),
        np.array(sorted(by_hash(pack, others)[:n_strangers]), np.int64),
    )


def check_finetuning(
    pack_dir: Path,
    out_dir: Path,
    recipe: Recipe,
    *,
    start_from: Path,
    n_draws: int = 10,
    n_people: int = N_PEOPLE,
    old: bool = False,
    lfw: Path | None = None,
    task: Task | None = None,
) -> Iterator[Draw]:
    """Fine-tune on each draw that an earlier call has not finished, and yield its figures.

    Args:
        pack_dir: a pack with held-out people whom the start net was not trained on.
        out_dir: where results lie, and the run at work.
        recipe: of the fine-tuning.
        start_from: the checkpoint it starts from.
        n_draws: how many.
        n_people: people of a draw.
        old: whether crops of the pack's other people are mixed in.
        lfw: folder of LFW; None leaves it out.
        task: receives progress and may stop the work.

    Raises:
        ConfigError: ``out_dir`` holds results made otherwise.
        TrainingError: see ``draw_people`` and ``training.train``.
    """
    task = task or SilentTask()
    settings = {
        "recipe": recipe_to_table(recipe),
        "start_from": start_from.name,
        "n_people": n_people,
        "old": old,
        "lfw": lfw is not None,
    }
    finished = {draw.seed for draw in read_draws(out_dir, settings)}
    # Settled once, so that before and after are computed alike.
    precision = precision_name(resolve_precision(recipe.loop.precision, recipe.loop.device))
    loop = replace(recipe.loop, precision=precision)
    recipe = replace(recipe, loop=loop)
    pack = CropPack(pack_dir)
    side = load_checkpoint(start_from).recipe.net.crop_size_px
    opened = None if lfw is None else open_lfw(lfw, out_dir, side, task=task)
    lfw_before = None if opened is None else _lfw(start_from, opened, loop)
    for seed in range(n_draws):
        if seed in finished:
            continue
        rows = draw_people(pack, seed, n_people=n_people)
        run_dir = out_dir / "run"
        shutil.rmtree(run_dir, ignore_errors=True)
        begun = time.monotonic()
        last = finetune(
            pack,
            rows.trained,
            run_dir,
            recipe,
            start_from=start_from,
            old=pack if old else None,
            task=task,
        )
        seconds = time.monotonic() - begun
        before, after = (_open_set(path, pack, rows, loop) for path in (start_from, last))
        draw = Draw(
            seed=seed,
            fnir_before=before[0],
            fnir_after=after[0],
            rank1_before=before[1],
            rank1_after=after[1],
            lfw_before=lfw_before,
            lfw_after=None if opened is None else _lfw(last, opened, loop),
            seconds=round(seconds, 1),
        )
        with (out_dir / RESULTS_NAME).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(asdict(draw)) + "\n")
        yield draw


def read_draws(out_dir: Path, settings: dict[str, Any] | None = None) -> list[Draw]:
    """Read the draws that are finished; a line cut short by a kill is dropped.

    Args:
        out_dir: folder of the check; made with a first line of settings when it is new.
        settings: what this call would do; None takes the file's.

    Raises:
        ConfigError: the results were made otherwise.
    """
    path = out_dir / RESULTS_NAME
    if not path.exists():
        out_dir.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings) + "\n", encoding="utf-8")
    text = path.read_text(encoding="utf-8")
    whole = text.rpartition("\n")[0]
    first, *lines = [json.loads(line) for line in whole.splitlines()]
    if settings is not None and first != json.loads(json.dumps(settings)):
        raise ConfigError(
            f"{path} holds results made with other settings.", remedy="Use another folder."
        )
    if text != whole + "\n":
        path.write_text(whole + "\n", encoding="utf-8")
    return [Draw(**line) for line in lines]


def gain(before: Sequence[float], after: Sequence[float]) -> Gain:
    """Compare paired figures of draws.

    Args:
        before: one figure a draw.
        after: the same draws'.
    """
    differences = np.asarray(after) - np.asarray(before)
    rng = np.random.default_rng(0)
    picks = rng.integers(0, len(differences), (N_RESAMPLES, len(differences)))
    low, high = interval(differences[picks].mean(axis=1))
    return Gain(len(differences), float(np.mean(before)), float(np.mean(after)), low, high)


def summary(draws: Sequence[Draw]) -> str:
    """Say in words what the draws show."""
    lines = [
        _sentence("FNIR at an FPIR of 1 %", [d.fnir_before for d in draws],
                  [d.fnir_after for d in draws]),
        _sentence("rank-1", [d.rank1_before for d in draws], [d.rank1_after for d in draws]),
    ]  # fmt: skip
    known = [(d.lfw_before, d.lfw_after) for d in draws]
    paired = [(b, a) for b, a in known if b is not None and a is not None]
    if paired:
        lines.append(_sentence("LFW", [b for b, _ in paired], [a for _, a in paired]))
        worst = min(a - b for b, a in paired)
        kept = "kept" if worst >= -ALLOWED_LFW_LOSS else "not kept"
        lines.append(
            f"LFW: worst draw {100 * worst:+.2f} points; the limit of "
            f"{-100 * ALLOWED_LFW_LOSS:.1f} is {kept}."
        )
    return "\n".join(lines)


def _sentence(what: str, before: Sequence[float], after: Sequence[float]) -> str:
    found = gain(before, after)
    text = (
        f"{what}: {100 * found.before:.2f} % before, {100 * found.after:.2f} % after; change "
        f"{100 * (found.after - found.before):+.2f} points"
    )
    if found.n_draws < 2:
        return f"{text}; one draw has no interval."
    return (
        f"{text}, 95 % interval {100 * found.low:+.2f} to {100 * found.high:+.2f} over "
        f"{found.n_draws} draws."
    )


def _open_set(
    checkpoint: Path, pack: CropPack, rows: DrawnRows, loop: LoopSettings
) -> tuple[float, float]:
    """FNIR and rank-1 with the trained crops enrolled."""
    used = np.concatenate([rows.trained, rows.probes, rows.strangers])
    names = [f"{pack.items[row].group}/{pack.items[row].person}" for row in used]
    person = np.unique(names, return_inverse=True)[1].astype(np.int64)
    vectors = vectors_of_checkpoint(checkpoint, pack, used, loop)
    n_trained, n_probes = len(rows.trained), len(rows.probes)
    # The Gallery holds one person after the other, in ascending order.
    gallery = np.argsort(person[:n_trained], kind="stable")
    split = OpenSetSplit(
        gallery,
        np.arange(n_trained, n_trained + n_probes),
        np.arange(n_trained + n_probes, len(used)),
        np.unique(person[:n_trained]),
        IMAGES_EACH,
        seed=0,  # (drawn by ``draw_people``)
    )
    figures = open_set_figures(vectors, person, split)
    if figures.fnir is None:
        raise DatasetError(
            f"{len(rows.strangers)} crops of strangers measure no FPIR of 1 %.",
            remedy="Use a larger pack.",
        )
    return figures.fnir, figures.rank1


def _lfw(checkpoint: Path, lfw: LfwPack, loop: LoopSettings) -> float:
    return lfw.accuracy(vectors_of_checkpoint(checkpoint, lfw.pack, np.arange(len(lfw.pack)), loop))
