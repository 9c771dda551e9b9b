"""Plots of a run: its curves, Scores of held-out people, and some of their embeddings in a plane.

Each is a file of its own, PNG or SVG, with fixed colours on white.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray

from training.checkpoint import LAST_NAME, load_checkpoint
from training.data.pack import CropPack
from training.errors import TrainingError
from training.run_log import LOG_NAME, read_log
from training.train import build_net, embed_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED, GRID = "#1d2329", "#5d6873", "#dfe3e7"
SAME, DIFFERENT = "#0067a5", "#c84e00"
# Okabe and Ito 2008, told apart by colour-blind readers; each with a mark of its own.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000", "#e69f00", "#56b4e9", "#999999")
MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")
# More points than this hide each other, and their pairs take minutes.
MOST_CROPS = 2000
# A few points would be lost without marks, many would be hidden by theirs.
MOST_MARKED = 30
HISTOGRAM_STEP = 0.02
DOTS_PER_INCH = 130

_CURVES = {
    "loss": "loss",
    "learning_rate": "learning rate",
    "images_per_s": "images / s",
}
_FIGURES = {
    "tar": "TAR at FMR 0.1 %",
    "balanced_accuracy": "balanced accuracy",
    "rank1": "rank-1",
}


def plot_run(
    run_dir: Path, out_dir: Path, pack: CropPack | None = None, *, suffix: str = ".png"
) -> list[Path]:
    """Draw a run.

    Args:
        run_dir: with its log and last checkpoint.
        out_dir: made if missing; older plots of the same names are replaced.
        pack: whose held-out people are embedded; without one only the curves are drawn.
        suffix: ``.png`` or ``.svg``.

    Returns:
        The files written.

    Raises:
        TrainingError: there is nothing to draw, or it cannot be written.
        CheckpointError: the last checkpoint cannot be read.
    """
    log = read_log(run_dir)
    progress = [entry for entry in log if entry["event"] == "progress"]
    if not progress:
        raise TrainingError(
            f"{run_dir / LOG_NAME} tells of no step yet.",
            remedy="Plot a run that has reached its first checkpoint.",
        )
    figures = {"training": curves_figure({"": progress}, _CURVES)}
    held_out = [entry for entry in log if entry["event"] == "held_out"]
    if held_out:
        sources = sorted({entry["source"] for entry in held_out})
        by_source = {s: [entry for entry in held_out if entry["source"] == s] for s in sources}
        figures["held-out"] = curves_figure(by_source, _FIGURES)
    if pack is not None:
        figures |= _embedding_figures(run_dir, pack)
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        for name, figure in figures.items():
            figure.savefig(out_dir / f"{name}{suffix}", dpi=DOTS_PER_INCH)
    except OSError as exc:
        raise TrainingError(
            f"The plots cannot be written to {out_dir}: {exc.strerror or exc}."
        ) from exc
    return [out_dir / f"{name}{suffix}" for name in figures]


def curves_figure(series: dict[str, list[dict[str, Any]]], titles: dict[str, str]) -> Figure:
    """Draw quantities over steps, one below the other.

    Args:
        series: name -> entries of a log, each a line of its own.
        titles: key in the entries -> name of the axis; a key that no entry has is left out.
    """
    keys = {key for entries in series.values() for entry in entries for key in entry}
    known = {key: title for key, title in titles.items() if key in keys}

    def draw(panels: Sequence[Axes]) -> None:
        for axes, (key, title) in zip(panels, known.items(), strict=True):
            for (name, entries), (colour, mark) in zip(series.items(), _looks(), strict=False):
                points = [(entry["step"], entry[key]) for entry in entries if key in entry]
                steps, values = zip(*points, strict=True) if points else ((), ())
                shape = mark if len(points) <= MOST_MARKED else ""
                axes.plot(steps, values, color=colour, marker=shape, ms=4, lw=1.6, label=name)
            axes.set_ylabel(title)
        panels[-1].set_xlabel("step")
        if len(series) > 1:
            panels[0].legend(
                loc="lower center",
                bbox_to_anchor=(0.5, 1.0),
                ncols=min(4, len(series)),
                fontsize=9,
                frameon=False,
            )

    return _figure(draw, n_panels=len(known), size_inches=(7.2, 2.1 * len(known) + 0.5))


def scores_figure(mated: NDArray[np.float32], nonmated: NDArray[np.float32]) -> Figure:
    """Draw how the Scores of pairs are spread, each kind adding up to 100 %.

    Args:
        mated: (n,) Scores of the same person.
        nonmated: (m,) Scores of different people.
    """
    edges = np.linspace(-1, 1, round(2 / HISTOGRAM_STEP) + 1)

    def draw(panels: Sequence[Axes]) -> None:
        kinds = (("same person", mated, SAME), ("different people", nonmated, DIFFERENT))
        for name, scores, colour in kinds:
            counts = np.histogram(scores.clip(-1, 1), edges)[0]
            share = 100 * counts / max(1, counts.sum())
            panels[0].stairs(share, edges, color=colour, fill=True, alpha=0.28)
            panels[0].stairs(
                share, edges, color=colour, lw=1.4, label=f"{name} ({len(scores):,} pairs)"
            )
        panels[0].set(xlabel="Score (cosine similarity)", ylabel="share of each kind, %")
        panels[0].set_title("Held-out people, pairs within a source", fontsize=10, color=INK)
        panels[0].legend(loc="best", fontsize=9, frameon=False)

    return _figure(draw, size_inches=(7.2, 3.6))


def people_figure(vectors: NDArray[np.float32], names: Sequence[str]) -> Figure:
    """Draw embeddings in the plane of their largest variance, a colour and mark a person.

    Args:
        vectors: (M, D) unit vectors.
        names: M names.
    """
    points, shares = principal_plane(vectors)

    def draw(panels: Sequence[Axes]) -> None:
        people = np.array(names)
        for name, (colour, mark) in zip(np.unique(people), _looks(), strict=False):
            x, y = points[people == name].T
            panels[0].scatter(x, y, c=colour, marker=mark, s=34, alpha=0.8, lw=0, label=name)
        panels[0].set(
            xlabel=f"first direction ({shares[0]:.0%} of the variance)",
            ylabel=f"second direction ({shares[1]:.0%})",
        )
        panels[0].set_aspect("equal", adjustable="datalim")
        panels[0].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8, frameon=False)

    return _figure(draw, size_inches=(7.6, 4.8))


def principal_plane(
    vectors: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Project vectors (M, D), D >= 2, on their first two principal directions.

    Returns:
        (M, 2) coordinates and (2,) shares of the variance.
    """
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    variance = singular**2
    return left[:, :2] * singular[:2], variance[:2] / max(variance.sum(), np.finfo(float).tiny)


def _embedding_figures(run_dir: Path, pack: CropPack) -> dict[str, Figure]:
    held = np.flatnonzero(pack.held_out)
    names = np.array([f"{pack.items[row].source}/{pack.items[row].person}" for row in held])
    _, which, counts = np.unique(names, return_inverse=True, return_counts=True)
    held, names = (part[counts[which] >= 2][:MOST_CROPS] for part in (held, names))
    people, counts = np.unique(names, return_counts=True)
    if len(people) < 2:
        return {}
    saved = load_checkpoint(run_dir / LAST_NAME)
    net = build_net(saved.recipe.net)
    net.load_state_dict(saved.average)
    vectors = embed_rows(net, pack, held, torch.float32, torch.device("cpu"))
    sources = np.array([pack.items[row].source for row in held])
    upper = np.triu_indices(len(held), 1)
    scores, near = (vectors @ vectors.T)[upper], (sources[:, None] == sources)[upper]
    same = (names[:, None] == names)[upper]
    most = people[np.argsort(-counts, kind="stable")][: len(COLOURS)]
    shown = np.isin(names, most)
    return {
        "scores": scores_figure(scores[same], scores[near & ~same]),
        "people": people_figure(vectors[shown], names[shown].tolist()),
    }


def _looks() -> Iterator[tuple[str, str]]:
    return itertools.cycle(zip(COLOURS, MARKS, strict=True))


def _figure(
    draw: Callable[[Sequence[Axes]], None],
    *,
    size_inches: tuple[float, float],
    n_panels: int = 1,
) -> Figure:
    style: Any = {
        "font.size": 10,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": MUTED,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": GRID,
        "grid.linewidth": 0.6,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=size_inches, layout="constrained")
        panels = figure.subplots(n_panels, 1, sharex=True, squeeze=False)[:, 0]
        draw(list(panels))
    return figure
