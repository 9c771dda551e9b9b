"""The report of a loss comparison: one table for each K, a plot, and what the figures say.

In come the lines of ``training.compare``, out come Markdown and SVG. A loss is told apart from
another one only where every run of the one is better than every run of the other: with three seeds
two equal losses do that in one of twenty cases each way, so few seeds show large differences only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.compare import Contender, Results, RunFigures, contenders

PLOT_SUFFIX = ".svg"
PLUS_MINUS = "\N{PLUS-MINUS SIGN}"
# Blue, vermilion, green: told apart by colour-blind readers too (Okabe and Ito 2008).
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00")


@dataclass(frozen=True, slots=True)
class Measure:
    """One column of the table.

    Attributes:
        field: of ``RunFigures``.
        title: of the column.
        words: how a sentence names it.
        unit: what one figure is multiplied by and followed with.
        higher_is_better: the sense of it.
        digits: behind the point.
    """

    field: str
    title: str
    words: str
    unit: tuple[float, str]
    higher_is_better: bool
    digits: int = 2

    def values(self, runs: Sequence[RunFigures]) -> list[float]:
        """The figure of each run that has it, in the column's unit."""
        found = [getattr(run, self.field) for run in runs]
        return [self.unit[0] * value for value in found if value is not None]

    def written(self, values: Sequence[float]) -> str:
        """Mean and standard deviation (ddof 1) over seeds; a single run has no spread."""
        if not values:
            return ""
        mean = f"{np.mean(values):.{self.digits}f}"
        if len(values) < 2:
            return mean
        return f"{mean} {PLUS_MINUS} {np.std(values, ddof=1):.{self.digits}f}"


PERCENT = (100.0, " %")
JUDGED = (
    Measure("balanced_accuracy", "balanced accuracy, %", "balanced accuracy", PERCENT, True),
    Measure("fnir", "FNIR at FPIR 1 %, %", "FNIR at an FPIR of 1 %", PERCENT, False),
    Measure("rank1", "rank-1, %", "rank-1", PERCENT, True),
    Measure("lfw", "LFW View 2, %", "LFW", PERCENT, True),
)
COST = Measure("ms_per_image", "ms an image", "time", (1.0, " ms"), False)


def write_report(out_dir: Path, report: Path) -> None:
    """Write a comparison as Markdown, with its plot beside it.

    Args:
        out_dir: folder of the comparison; it need not be finished.
        report: the Markdown file.

    Raises:
        ConfigError: there are no results.
    """
    results = Results.open(out_dir)
    report.parent.mkdir(parents=True, exist_ok=True)
    plot = report.with_suffix(PLOT_SUFFIX)
    if results.runs:
        plot.write_text(draw_plot(results.runs), encoding="utf-8")
    report.write_text(report_text(results, plot.name), encoding="utf-8")


def report_text(results: Results, plot_name: str) -> str:
    """Compose the Markdown."""
    runs = results.runs
    known = {contender.name: contender for contender in contenders()}
    parts = ["# Which loss?", _budget_text(results), "## What the figures say"]
    for k in sorted({run.per_person for run in runs}):
        some = [run for run in runs if run.per_person == k]
        parts.append("\n".join(f"* {line}" for line in verdicts(some)))
    parts.append(f"![Balanced accuracy of each loss, one mark a run]({plot_name})")
    for k in sorted({run.per_person for run in runs}):
        parts += [f"## {k} images a person", _table([r for r in runs if r.per_person == k])]
    parts += ["## Settings", _settings(runs, known)]
    return "\n\n".join(parts) + "\n"


def verdicts(runs: Sequence[RunFigures]) -> list[str]:
    """Say for each figure which loss is best at one K, and which cannot be told from it."""
    some = [verdict(runs, measure) for measure in JUDGED if measure.field != "rank1"]
    return [line for line in some if line]


def verdict(runs: Sequence[RunFigures], measure: Measure) -> str:
    """Say which loss is best by one figure, by how much, and whether the seeds bear it out.

    Args:
        runs: of one K.
        measure: the figure.

    Returns:
        A sentence; empty when no run has the figure.
    """
    values = {loss: measure.values(some) for loss, some in _by_loss(runs).items()}
    values = {loss: found for loss, found in values.items() if found}
    if not values:
        return ""
    sign = 1 if measure.higher_is_better else -1
    order = sorted(values, key=lambda loss: -sign * float(np.mean(values[loss])))
    best, unit = order[0], measure.unit[1]
    # Told apart: the best one's worst run is better than any run of the other.
    floor = min(sign * value for value in values[best])
    level = [loss for loss in order[1:] if max(sign * v for v in values[loss]) >= floor]
    text = (
        f"{runs[0].per_person} images a person, {measure.words}: {best} is best with "
        f"{measure.written(values[best])}{unit}"
    )
    if len(order) > 1:
        gap = abs(float(np.mean(values[best]) - np.mean(values[order[1]])))
        text += f", {gap:.{measure.digits}f} from {order[1]} ({measure.written(values[order[1]])})"
    if min(len(found) for found in values.values()) < 2:
        return f"{text}; one seed tells no difference from chance."
    if not level:
        return f"{text}; each of its runs is better than every run of any other loss."
    return f"{text}; the seeds do not tell it from {', '.join(level)}."


def draw_plot(runs: Sequence[RunFigures]) -> str:
    """Draw the balanced accuracy of every run, one row a loss, one colour a K; returns SVG."""
    import io

    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    measure = JUDGED[0]
    losses = _by_loss(runs)
    order = _rising(losses)
    with mpl.rc_context({"svg.hashsalt": "losses", "font.size": 9}):
        figure = Figure(figsize=(7.5, 1.2 + 0.26 * len(order)), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        for place, k in enumerate(sorted({run.per_person for run in runs})):
            colour = COLOURS[place % len(COLOURS)]
            label: str | None = f"{k} images a person"
            for row, loss in enumerate(order):
                values = measure.values([run for run in losses[loss] if run.per_person == k])
                axes.plot(
                    values, [row] * len(values), "o", color=colour, ms=4, alpha=0.7, label=label
                )
                label = None
        axes.set_yticks(range(len(order)), order)
        axes.set_xlabel(f"{measure.title} (held-out people; one mark a run)")
        axes.grid(axis="x", lw=0.5, alpha=0.5)
        axes.legend(loc="lower right")
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def _budget_text(results: Results) -> str:
    recipe, start = results.budget["recipe"], results.budget["start_from"]
    loop, net, optimizer = recipe["loop"], recipe["net"], recipe["optimizer"]
    shape = ", ".join(f"{key} {value}" for key, value in net["settings"].items())
    hours = sum(run.seconds for run in results.runs) / 3600
    seen = loop["steps"] * loop["batch_size"]
    lines = (
        (
            f"One budget for every loss: {net['name']} net ({shape}) with "
            f"{net['embedding_dim']} outputs on {net['crop_size_px']} px crops, "
            f"{'from ' + start if start else 'from scratch'}; {seen:,} images seen in "
            f"{loop['steps']:,} steps of {loop['batch_size']}, AdamW from "
            f"{optimizer['learning_rate']:g} along half a cosine, {loop['precision']}. "
            f"{len(results.runs):,} runs, {hours:.1f} hours."
        ),
        "Heads draw crops one by one; losses that compare crops draw people with several crops.",
        (
            "Every K has the same number of training images. People are chosen by a hash among "
            "those with K images or more, so each K has other people and sources: compare losses "
            "within a table, and tables only roughly."
        ),
        (
            "Judged on people held out from training: the best balanced accuracy over all pairs "
            "(mean of sources), and open-set search with one image enrolled of half of the people."
        ),
        (
            f"Figures are mean {PLUS_MINUS} standard deviation over seeds, which redraw weights, "
            "batches and augmentation, not the data."
        ),
        (
            "A short run from few images shows what a loss learns quickly, not what it reaches "
            "in the end."
        ),
    )
    return "\n".join(f"* {line}" for line in lines)


def _table(runs: Sequence[RunFigures]) -> str:
    shown = [m for m in (*JUDGED, COST) if any(m.values([run]) for run in runs)]
    losses = _by_loss(runs)
    lines = [
        "| loss | seeds | " + " | ".join(measure.title for measure in shown) + " |",
        "|---|---:|" + "---:|" * len(shown),
    ]
    for loss in reversed(_rising(losses)):
        cells = [measure.written(measure.values(losses[loss])) for measure in shown]
        diverged = len(losses[loss]) - len(JUDGED[0].values(losses[loss]))
        seeds = f"{len(losses[loss])}" + (f", {diverged} diverged" if diverged else "")
        lines.append(f"| {loss} | {seeds} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _settings(runs: Sequence[RunFigures], known: dict[str, Contender]) -> str:
    head = ["| loss | settings | from |", "|---|---|---|"]
    shown = [known[loss] for loss in sorted(_by_loss(runs)) if loss in known]
    return "\n".join([*head, *(f"| {c.name} | {c.settings} | {c.origin} |" for c in shown)])


def _by_loss(runs: Sequence[RunFigures]) -> dict[str, list[RunFigures]]:
    return {
        loss: [r for r in runs if r.loss == loss] for loss in dict.fromkeys(r.loss for r in runs)
    }


def _rising(losses: dict[str, list[RunFigures]]) -> list[str]:
    """Sort losses by their mean balanced accuracy; those whose runs all diverged come first."""
    return sorted(losses, key=lambda loss: float(np.mean(JUDGED[0].values(losses[loss]) or [0.0])))
