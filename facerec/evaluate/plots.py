"""Plots of a report as SVG: DET, ROC, score histogram, CMC.

In come curves and Scores, out comes SVG text to stand inside a page. Colours are the page's own
(``var(--ink)`` and so on), so that one drawing serves light, dark and print. Knows nothing of how
the figures were measured.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from facerec.evaluate.error_rates import (
    ErrorCurve,
    Estimate,
    ScoreHistogram,
    finite,
    smallest_measurable_rate,
    thin,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    Place = Literal["lower left", "lower right"]

# Stand-ins that matplotlib writes into the SVG, and the page's colour that takes their place. The
# page's blue and vermilion are told apart by colour-blind readers too (Okabe and Ito 2008).
COLOURS = {
    "ink": "#010203",
    "muted": "#040506",
    "grid": "#070809",
    "same": "#0a0b0c",
    "different": "#0d0e0f",
    "mark": "#101112",
}
MINUS = "\N{MINUS SIGN}"
SIZE_INCHES = (5.4, 3.9)
WIDE_INCHES = (11.2, 3.6)
HISTOGRAM_STEP = 0.02
# More labels of rates down to millionths of a percent would run into each other.
MOST_TICKS = 6
# The ROC plot's upward axis begins at the hits left at this FMR (or the smallest measurable one):
# further down nearly everything is missed, and what matters would be squeezed against the top.
ROC_FLOOR_FMR = 1e-5
# Colour and dash of the curves of one plot, so that print without colour tells them apart too.
LINES = (("same", "-"), ("different", "--"), ("ink", ":"))


@dataclass(frozen=True, slots=True)
class Mark:
    """A Threshold to be marked in a plot.

    Attributes:
        label: what to call it.
        threshold: the Score.
        fmr: error rate there, on the axis of FMR (or FPIR).
        fnmr: error rate there, on the axis of FNMR (or FNIR).
    """

    label: str
    threshold: float
    fmr: float
    fnmr: float


@dataclass(frozen=True, slots=True)
class Axis:
    """What the two error rates of a plot are called.

    Attributes:
        false_match: name of the rate to the right.
        miss: name of the rate upwards.
        hit: name of one less that rate.
    """

    false_match: str
    miss: str
    hit: str


VERIFICATION = Axis(
    "False match rate (FMR)",
    "False non-match rate (FNMR)",
    f"True accept rate (TAR = 1 {MINUS} FNMR)",
)
IDENTIFICATION = Axis(
    "False positive identification rate (FPIR)",
    "False negative identification rate (FNIR)",
    f"True positive identification rate (1 {MINUS} FNIR)",
)


def det_plot(
    curves: Mapping[str, ErrorCurve], marks: Sequence[Mark] = (), axis: Axis = VERIFICATION
) -> str:
    """Draw misses over false matches, both logarithmic; down and left is better.

    Args:
        curves: name -> curve, at most three.
        marks: Thresholds to show.
        axis: what the rates are called.
    """

    def draw(axes: Axes) -> None:
        bottom = 1.0
        for (name, curve), (colour, dash) in zip(curves.items(), LINES, strict=False):
            points = thin(curve)
            some = (points.false_matches > 0) & (points.misses > 0)
            axes.plot(
                points.fmr[some], points.fnmr[some], dash, color=COLOURS[colour], label=name, lw=1.8
            )
            bottom = min(bottom, 0.5 / curve.n_mated)
        _marks(axes, [(mark, mark.fmr, mark.fnmr) for mark in marks if mark.fmr and mark.fnmr])
        axes.set(xscale="log", yscale="log", xlabel=axis.false_match, ylabel=axis.miss)
        left = min(0.5 / curve.n_nonmated for curve in curves.values())
        axes.set_xlim(left, 1.0)
        axes.set_ylim(bottom, 1.0)
        _unmeasurable(axes, next(iter(curves.values())), left)
        _legend(axes, "lower left")

    return _svg(draw, "det")


def roc_plot(
    curves: Mapping[str, ErrorCurve], marks: Sequence[Mark] = (), axis: Axis = VERIFICATION
) -> str:
    """Draw hits over false matches, the latter logarithmic; up and left is better.

    Args:
        curves: name -> curve, at most three.
        marks: Thresholds to show.
        axis: what the rates are called.
    """

    def draw(axes: Axes) -> None:
        lowest = 1.0
        left = min(0.5 / curve.n_nonmated for curve in curves.values())
        for (name, curve), (colour, dash) in zip(curves.items(), LINES, strict=False):
            points = thin(curve)
            fmr = np.maximum(points.fmr, left)
            axes.plot(fmr, 1 - points.fnmr, dash, color=COLOURS[colour], label=name, lw=1.8)
            measurable = curve.fmr >= max(smallest_measurable_rate(curve.n_nonmated), ROC_FLOOR_FMR)
            lowest = min(lowest, float((1 - curve.fnmr)[measurable].min(initial=1.0)))
        _marks(axes, [(mark, mark.fmr, 1 - mark.fnmr) for mark in marks if mark.fmr])
        axes.set(xscale="log", xlabel=axis.false_match, ylabel=axis.hit)
        axes.set_xlim(left, 1.0)
        axes.set_ylim(max(0.0, lowest - 0.15 * (1 - lowest) - 0.005), 1.0 + 0.02 * (1 - lowest))
        _unmeasurable(axes, next(iter(curves.values())), left)
        _legend(axes, "lower right")

    return _svg(draw, "roc")


def histogram_plot(
    mated: NDArray[np.floating[Any]],
    nonmated: NDArray[np.floating[Any]] | ScoreHistogram,
    marks: Sequence[Mark] = (),
    names: tuple[str, str] = ("same person", "different people"),
) -> str:
    """Draw how the Scores of both kinds are spread, each kind adding up to 100 %.

    Args:
        mated: (n,) Scores of the same Person.
        nonmated: (m,) Scores of different people, or their histogram.
        marks: Thresholds to show.
        names: of the two kinds.
    """

    def draw(axes: Axes) -> None:
        n_bins = round(2 / HISTOGRAM_STEP)
        edges = np.linspace(-1, 1, n_bins + 1)
        counts = [np.histogram(finite(mated).clip(-1, 1), edges)[0], _coarse(nonmated, edges)]
        kinds = zip(counts, names, ("same", "different"), strict=True)
        for count, name, colour in kinds:
            share = 100 * count / max(1, count.sum())
            axes.stairs(share, edges, color=COLOURS[colour], fill=True, alpha=0.28)
            axes.stairs(share, edges, color=COLOURS[colour], label=name, lw=1.4)
        used = np.flatnonzero(counts[0] + counts[1])
        axes.set_xlim(edges[used[0]] - 0.02, edges[used[-1] + 1] + 0.02)
        for mark in marks:
            # It ends below the legend.
            axes.axvline(mark.threshold, 0, 0.87, color=COLOURS["mark"], lw=1.4, label=mark.label)
        axes.set(xlabel="Score (cosine similarity)", ylabel="share of each kind, %")
        axes.set_ylim(0, 1.18 * max(float(axes.get_ylim()[1]), 1.0))
        axes.legend(
            loc="upper center", ncols=3, frameon=False, labelcolor=COLOURS["ink"], fontsize=9
        )

    return _svg(draw, "scores", WIDE_INCHES)


def cmc_plot(cmc: Mapping[int, Estimate]) -> str:
    """Draw the share of Probes whose Person stands at most at each rank (closed-set).

    Args:
        cmc: rank -> share.
    """

    def draw(axes: Axes) -> None:
        ranks = list(cmc)
        values = [100 * estimate.value for estimate in cmc.values()]
        low = [100 * estimate.low for estimate in cmc.values()]
        high = [100 * estimate.high for estimate in cmc.values()]
        axes.fill_between(ranks, low, high, color=COLOURS["same"], alpha=0.18, lw=0)
        axes.plot(ranks, values, "o-", color=COLOURS["same"], lw=1.8, ms=4)
        axes.set(xscale="log", xlabel="rank", ylabel="right person at most there, %")
        axes.set_xticks(ranks, [str(rank) for rank in ranks])
        axes.minorticks_off()
        axes.set_ylim(top=min(100.2, max(high) + 0.2 * (max(high) - min(low) + 1)))

    return _svg(draw, "cmc")


def _coarse(
    scores: NDArray[np.floating[Any]] | ScoreHistogram, edges: NDArray[np.float64]
) -> NDArray[np.int64]:
    if isinstance(scores, ScoreHistogram):
        middle = scores.edges + 1.0 / len(scores.counts)
        return np.histogram(middle, edges, weights=scores.counts)[0].astype(np.int64)
    return np.histogram(finite(scores).clip(-1, 1), edges)[0].astype(np.int64)


def _marks(axes: Axes, marks: Sequence[tuple[Mark, float, float]]) -> None:
    for mark, right, up in marks:
        axes.plot(
            [right], [up], "o", color=COLOURS["mark"], ms=7, mfc="none", mew=1.8, label=mark.label
        )


def _unmeasurable(axes: Axes, curve: ErrorCurve, left: float) -> None:
    """Shade the rates that so few comparisons cannot tell from zero."""
    floor = smallest_measurable_rate(curve.n_nonmated)
    axes.axvspan(left, floor, color=COLOURS["grid"], alpha=0.45, lw=0, label="not measurable")


def _legend(axes: Axes, place: Place) -> None:
    axes.legend(loc=place, frameon=False, labelcolor=COLOURS["ink"], fontsize=9)


def _svg(
    draw: Callable[[Axes], None], name: str, size_inches: tuple[float, float] = SIZE_INCHES
) -> str:
    # Imported here: matplotlib takes half a second, and only reports with plots need it.
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator

    style: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": name,
        "font.size": 10,
        "text.color": COLOURS["ink"],
        "axes.labelcolor": COLOURS["ink"],
        "axes.edgecolor": COLOURS["muted"],
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.formatter.use_mathtext": False,
        "grid.color": COLOURS["grid"],
        "grid.linewidth": 0.6,
        "xtick.color": COLOURS["muted"],
        "ytick.color": COLOURS["muted"],
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=size_inches, layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        draw(axes)
        for one in (axes.xaxis, axes.yaxis):
            if name in {"det", "roc"}:
                one.set_major_formatter(_percent)
                if one.get_scale() == "log":
                    one.set_major_locator(LogLocator(numticks=MOST_TICKS))
        buffer = io.StringIO()
        figure.savefig(
            buffer,
            format="svg",
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    return _for_page(buffer.getvalue())


def _percent(rate: float, place: object = None) -> str:
    """Write a rate of a logarithmic axis as percent: 0.001 -> ``0.1 %``."""
    del place
    return f"{100 * rate:.6f}".rstrip("0").rstrip(".") + " %"


def _for_page(svg: str) -> str:
    """Cut the XML head, take the page's colours and make ids unique within the page."""
    svg = svg[svg.index("<svg") :]
    name = "p" + hashlib.sha256(svg.encode()).hexdigest()[:8]
    for colour, stand_in in COLOURS.items():
        svg = svg.replace(stand_in, f"var(--{colour})")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'xlink:href="#', f'xlink:href="#{name}-', svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    svg = re.sub(r'(<svg [^>]*?)width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg [^>]*?)height="[^"]*"', r"\1", svg, count=1)
    # A white sheet behind the drawing would glare on a dark page.
    return re.sub(r"fill: #ffffff", "fill: none", svg)
