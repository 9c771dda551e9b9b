"""What a report says about a measurement: figures into words, tables, plots and contact sheets.

In come results, out comes a ``Page``. Knows what the figures mean, not how a page looks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facerec.evaluate.acquire import Acquired
from facerec.evaluate.all_pairs import AllPairs, RatesAt
from facerec.evaluate.error_rates import Estimate, FixedFmr, smallest_measurable_rate
from facerec.evaluate.gain import Beside
from facerec.evaluate.identification import FixedFpir, Identification
from facerec.evaluate.pairs import PairList
from facerec.evaluate.plots import (
    IDENTIFICATION,
    Mark,
    cmc_plot,
    det_plot,
    histogram_plot,
    roc_plot,
)
from facerec.evaluate.report import Card, Failure, Headline, Page, Plot, Sheet, Table, thumbnail
from facerec.evaluate.verification import FixedThreshold, Verification, worst_pairs
from facerec.zoo import OperatingPoint

N_WORST = 24
DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
# Below one percent two significant digits say more than two decimals.
SMALL_RATE = 0.01
PLAIN, MIRRORED = "one image a face", "with mirror averaging"
INTERVAL_NOTE = "In brackets: 95 % confidence interval, "
PAIR_FAILURE_POLICY = (
    "No pair is dropped. In accuracies a pair with such an image is an error, of either kind; "
    "in FMR, FNMR and the curves it matches at no threshold, so a same-person pair is a miss and a "
    "different-person pair is not a false match. All pairs stay in the denominators."
)
FOLDER_FAILURE_POLICY = (
    "No image is dropped. In pairs it matches nobody; enrolled, its person stays in the gallery's "
    "size and cannot be found; as a mated probe it is a miss; as a stranger's probe it returns "
    "nobody. All comparisons stay in the denominators."
)
DET_CAPTION = (
    "Both errors at every threshold, on logarithmic axes; further down and left is better. "
    "Shaded: rates that so few comparisons cannot tell from zero."
)
ROC_CAPTION = (
    "How many of the right ones are accepted for each rate of wrong ones; further up and left is "
    "better. Shaded: not measurable."
)
HISTOGRAM_CAPTION = (
    "Where the scores of both kinds lie, each kind adding up to 100 %. The line is the model's own "
    "threshold: scores at or above it count as the same person."
)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is about.

    Attributes:
        title: what was measured.
        subtitle: model and data in one line.
        root: folder that file names are shown relative to.
        with_images: whether images of people go into the report.
        provenance: how it was measured, name -> value.
    """

    title: str
    subtitle: str
    root: Path
    with_images: bool
    provenance: Mapping[str, str]


def pairs_page(
    subject: Subject,
    pairs: PairList,
    acquired: Acquired,
    plain: Verification,
    beside: Sequence[Beside] = (),
) -> Page:
    """Describe the measurement of a list of pairs.

    Args:
        subject: what the report is about.
        pairs: the list.
        acquired: its images.
        plain: measured with one image a face.
        beside: measured in other ways, mirror averaging first.
    """
    both = {PLAIN: plain} | {one.name: one.result for one in beside}
    curves = {name: result.curve for name, result in both.items()}
    marks = _pair_marks(plain)
    images = _Images(subject, acquired)
    tables = [_fixed_threshold_table(plain), _fixed_fmr_table(both), _fold_table(both)]
    return Page(
        title=subject.title,
        subtitle=subject.subtitle,
        protocol=_pairs_protocol(pairs, plain),
        headlines=_pair_headlines(plain, beside),
        plots=(
            Plot(
                "Scores",
                histogram_plot(plain.pairs.mated, plain.pairs.nonmated, marks),
                HISTOGRAM_CAPTION,
                is_wide=True,
            ),
            Plot("Detection error trade-off (DET)", det_plot(curves, marks), DET_CAPTION),
            Plot("Receiver operating characteristic (ROC)", roc_plot(curves, marks), ROC_CAPTION),
        ),
        tables=tuple(table for table in tables if table is not None),
        sheets=(
            images.pair_sheet(pairs, plain, same=True),
            images.pair_sheet(pairs, plain, same=False),
        ),
        failures=images.failures(),
        failure_policy=PAIR_FAILURE_POLICY,
        provenance=tuple(subject.provenance.items()),
    )


def people_page(
    subject: Subject, acquired: Acquired, everybody: AllPairs, searched: Identification
) -> Page:
    """Describe the measurement of a folder of people.

    Args:
        subject: what the report is about.
        acquired: its images.
        everybody: all pairs.
        searched: open-set identification.
    """
    images = _Images(subject, acquired)
    tables = [
        _search_threshold_table(searched),
        _fpir_table(searched),
        _cmc_table(searched),
        _all_pairs_table(everybody),
    ]
    return Page(
        title=subject.title,
        subtitle=subject.subtitle,
        protocol=_people_protocol(everybody, searched),
        headlines=_people_headlines(everybody, searched),
        plots=_people_plots(everybody, searched),
        tables=tuple(table for table in tables if table is not None),
        sheets=(
            images.stranger_sheet(searched),
            images.missed_sheet(searched),
            images.nearest_sheet(everybody),
        ),
        failures=images.failures(),
        failure_policy=FOLDER_FAILURE_POLICY,
        provenance=tuple(subject.provenance.items()),
    )


def _people_plots(everybody: AllPairs, searched: Identification) -> tuple[Plot, ...]:
    gallery = f"gallery of {searched.searches.n_enrolled:,}"
    search_marks = [
        Mark(f"threshold {at.point.score:.3f}", at.point.score, at.fpir.value, at.fnir.value)
        for at in searched.fixed_thresholds[:1]
    ]
    pair_marks = [
        Mark(f"threshold {rates.threshold:.3f}", rates.threshold, rates.fmr.value, rates.fnmr.value)
        for rates in everybody.rates[:1]
        if rates.target is None and rates.threshold is not None and rates.fmr and rates.fnmr
    ]
    return (
        Plot(
            f"Identification: scores of the searches, {gallery}",
            histogram_plot(
                searched.searches.mate_scores,
                searched.searches.nonmated_best,
                search_marks,
                ("right person", "best for a stranger"),
            ),
            HISTOGRAM_CAPTION,
            is_wide=True,
        ),
        Plot(
            f"Identification: DET, {gallery}",
            det_plot({"open-set search": searched.curve}, search_marks, IDENTIFICATION),
            DET_CAPTION,
        ),
        Plot(
            f"Closed-set ranks (CMC), {gallery}",
            cmc_plot(searched.cmc),
            "How many mated probes have their person at most at each rank, without any threshold "
            "and without strangers. Shaded: 95 % interval, by person.",
        ),
        Plot(
            "All pairs: scores",
            histogram_plot(everybody.mated.scores, everybody.nonmated, pair_marks),
            HISTOGRAM_CAPTION,
            is_wide=True,
        ),
        Plot("All pairs: DET", det_plot({"all pairs": everybody.curve}, pair_marks), DET_CAPTION),
        Plot("All pairs: ROC", roc_plot({"all pairs": everybody.curve}, pair_marks), ROC_CAPTION),
    )


def percent(rate: float) -> str:
    """Write a rate as percent, small ones with two significant digits.

    Example:
        >>> percent(0.99383), percent(0.0012345), percent(0.0)
        ('99.38 %', '0.12 %', '0 %')
    """
    if rate == 0:
        return "0 %"
    if rate >= SMALL_RATE:
        return f"{100 * rate:.2f} %"
    exponent = int(f"{100 * rate:.1e}".partition("e")[2])  # after rounding: 0.0999 is 1.0e-01
    return f"{100 * rate:.{1 - exponent}f} %"


def target_percent(rate: float) -> str:
    """Write a round rate as percent without needless digits: ``1 %``, ``0.1 %``."""
    return f"{100 * rate:.8f}".rstrip("0").rstrip(".") + " %"


def with_interval(estimate: Estimate, *, turned: bool = False) -> str:
    """Write a rate with its 95 % interval.

    Args:
        estimate: the rate.
        turned: write one less the rate (TAR for FNMR).
    """
    value, low, high = estimate.value, estimate.low, estimate.high
    if turned:
        value, low, high = 1 - value, 1 - high, 1 - low
    return f"{percent(value)} ({percent(low).removesuffix(' %')}{DASH}{percent(high)})"


def counted(estimate: Estimate) -> str:
    """Write the counts behind a rate: ``4 of 3,000``."""
    return f"{estimate.errors:,} of {estimate.trials:,}"


def _pairs_protocol(pairs: PairList, plain: Verification) -> str:
    n_same = int(plain.pairs.same.sum())
    n_different = len(plain.pairs.same) - n_same
    how = (
        f"in {pairs.n_folds} folds in file order; for each fold the threshold is the one most "
        "accurate on the other folds, and the figure is the mean over folds"
        if plain.folds is not None
        else "in one fold; the accuracy is the one at the model's own threshold"
    )
    faces = (
        "The crops are aligned already and embedded as they are; pairs with one that cannot be "
        "read are errors."
        if pairs.is_aligned
        else "Faces are found, aligned and embedded by the program itself, without a check of "
        "quality; pairs without a face are errors."
    )
    return (
        f"Verification, 1:1: {n_same:,} pairs of the same person and {n_different:,} pairs of "
        f"different people from {pairs.source.name}, {how}. {faces}"
    )


def _people_protocol(everybody: AllPairs, searched: Identification) -> str:
    split, searches = searched.split, searched.searches
    each = "one image" if split.images_each == 1 else f"{split.images_each} images"
    n_strangers = len(np.unique(searches.nonmated_person))
    return (
        f"Identification, 1:N, open-set: {searches.n_enrolled:,} people enrolled from {each} each "
        f"(drawn with seed {split.seed}), searched for with their {len(searches.mated_rows):,} "
        f"other images (mated probes) and with all {len(searches.nonmated_rows):,} images of the "
        f"{n_strangers:,} people not enrolled (non-mated probes). Verification, 1:1: all pairs of "
        f"the {everybody.n_images:,} images of {everybody.n_people:,} people."
    )


def _pair_headlines(plain: Verification, beside: Sequence[Beside]) -> tuple[Headline, ...]:
    headlines = [_accuracy_headline(plain, "Accuracy, one image a face")]
    headlines += [_beside_headline(one) for one in beside]
    headlines += [
        _tar_headline(fixed) for fixed in plain.fixed_fmrs if fixed.target in {0.01, 0.001}
    ]
    equal, n_failed = plain.equal_error, plain.n_failed_same + plain.n_failed_different
    headlines += [
        Headline(
            "Equal error rate",
            percent(equal.rate),
            f"at score {equal.threshold:.3f}; area under the ROC curve {plain.auc:.5f}",
        ),
        Headline(
            "Pairs without a face",
            f"{n_failed}",
            f"{plain.n_failed_same} same, {plain.n_failed_different} different; all counted",
        ),
    ]
    return tuple(headlines)


def _accuracy_headline(result: Verification, label: str) -> Headline:
    if result.folds is not None:
        folds = result.folds
        detail = (
            f"standard deviation over folds {100 * folds.std:.2f} %, "
            f"standard error of the mean {100 * folds.standard_error:.2f} %"
        )
        return Headline(label, percent(folds.mean), detail)
    if result.fixed_thresholds:
        fixed = result.fixed_thresholds[0]
        detail = f"at threshold {fixed.point.score:.3f}: {counted(fixed.accuracy)} pairs right"
        return Headline(label, percent(fixed.accuracy.value), detail)
    return Headline(label, DASH, "needs folds, or a threshold on the model's card")


def _beside_headline(beside: Beside) -> Headline:
    label = "Accuracy with mirror averaging" if beside.name == MIRRORED else beside.name
    headline = _accuracy_headline(beside.result, label)
    details = [headline.detail]
    if beside.gain is not None:
        gain = beside.gain
        details.append(
            f"{100 * gain.mean:+.2f} points against {PLAIN} (standard deviation of the difference "
            f"over folds {100 * gain.std:.2f}, standard error {100 * gain.standard_error:.2f})"
        )
    if beside.cost is not None:
        cost = beside.cost
        details.append(
            f"{cost.ratio:.2f} times the time (quartiles {cost.ratio_low:.2f} to "
            f"{cost.ratio_high:.2f}), {cost.ms_per_face:.2f} ms a face"
        )
    return Headline(label, headline.value, "; ".join(details))


def _tar_headline(fixed: FixedFmr) -> Headline:
    label = f"TAR at FMR {target_percent(fixed.target)}"
    if fixed.fnmr is None:
        return Headline(label, DASH, fixed.reason)
    return Headline(
        label,
        percent(1 - fixed.fnmr.value),
        f"95 %: {percent(1 - fixed.fnmr.high)} to {percent(1 - fixed.fnmr.low)}; "
        f"threshold {fixed.threshold:.3f}",
    )


def _people_headlines(everybody: AllPairs, searched: Identification) -> tuple[Headline, ...]:
    n = searched.searches.n_enrolled
    headlines = [
        Headline(
            f"FNIR at FPIR {target_percent(fixed.target)}",
            DASH if fixed.fnir is None else percent(fixed.fnir.value),
            fixed.reason if fixed.fnir is None else f"{_range(fixed.fnir)}; gallery of {n:,}",
        )
        for fixed in searched.fixed_fpirs
        if fixed.target in {0.01, 0.001}
    ]
    each = searched.split.images_each
    headlines.append(
        Headline(
            "Gallery",
            f"{n:,} people",
            f"enrolled from {'one image' if each == 1 else f'{each} images'} each; "
            f"{searched.searches.n_failed_enrolments} could not be enrolled",
        )
    )
    rank_1 = searched.cmc[1]
    headlines.append(
        Headline(
            "Rank 1 (closed-set)",
            percent(rank_1.value),
            f"{_range(rank_1)}; gallery of {n:,}",
        )
    )
    headlines += [
        Headline(
            f"FPIR at the model's threshold {at.point.score:.3f}",
            percent(at.fpir.value),
            f"{_range(at.fpir)}; its FMR of {target_percent(at.point.fmr)} predicts "
            f"{percent(at.predicted_fpir)}",
        )
        for at in searched.fixed_thresholds[:1]
    ]
    headlines += [_all_pairs_headline(rates) for rates in everybody.rates if rates.target == 0.001]
    return tuple(headlines)


def _all_pairs_headline(rates: RatesAt) -> Headline:
    label = "FNMR at FMR 0.1 %, all pairs"
    if rates.fnmr is None:
        return Headline(label, DASH, rates.reason)
    return Headline(
        label, percent(rates.fnmr.value), f"{_range(rates.fnmr)}; threshold {rates.threshold:.3f}"
    )


def _range(estimate: Estimate) -> str:
    return f"95 %: {percent(estimate.low)} to {percent(estimate.high)}"


def _point_name(point: OperatingPoint) -> str:
    return f"{point.score:.4f}, set at FMR {target_percent(point.fmr)} on {point.dataset}"


def _fixed_threshold_table(result: Verification) -> Table | None:
    if not result.fixed_thresholds:
        return None
    return Table(
        "At the model's own thresholds",
        ("threshold", "FMR here", "false matches", "FNMR here", "misses", "accuracy"),
        tuple(_fixed_threshold_row(fixed) for fixed in result.fixed_thresholds),
        INTERVAL_NOTE + "Wilson's, taking pairs as independent. Scores at the threshold match.",
    )


def _fixed_threshold_row(fixed: FixedThreshold) -> tuple[str, ...]:
    return (
        _point_name(fixed.point),
        with_interval(fixed.fmr),
        counted(fixed.fmr),
        with_interval(fixed.fnmr),
        counted(fixed.fnmr),
        percent(fixed.accuracy.value),
    )


def _fixed_fmr_table(both: Mapping[str, Verification]) -> Table:
    columns = ["FMR at most"]
    rows = [[target_percent(fixed.target)] for fixed in next(iter(both.values())).fixed_fmrs]
    for name, result in both.items():
        columns += [f"TAR, {name}", "misses", "threshold"]
        for row, fixed in zip(rows, result.fixed_fmrs, strict=True):
            row += _fixed_fmr_cells(fixed)
    floor = smallest_measurable_rate(next(iter(both.values())).curve.n_nonmated)
    return Table(
        "True accept rate with the false match rate held",
        tuple(columns),
        tuple(tuple(row) for row in rows),
        "The threshold is the smallest score that keeps the rate, without interpolation, chosen on "
        f"these very pairs. No rate below {percent(floor)} can be told from zero here (rule of "
        "three). " + INTERVAL_NOTE + "Wilson's, taking pairs as independent.",
    )


def _fixed_fmr_cells(fixed: FixedFmr) -> list[str]:
    if fixed.fnmr is None or fixed.threshold is None:
        return ["not measurable", DASH, DASH]
    return [
        with_interval(fixed.fnmr, turned=True),
        counted(fixed.fnmr),
        f"{fixed.threshold:.4f}",
    ]


def _fold_table(both: Mapping[str, Verification]) -> Table | None:
    folded = {name: result.folds for name, result in both.items() if result.folds is not None}
    if not folded:
        return None
    n_folds = len(next(iter(folded.values())).accuracies)
    rows = [
        (
            f"fold {fold + 1}",
            *(
                text
                for folds in folded.values()
                for text in (percent(folds.accuracies[fold]), f"{folds.thresholds[fold]:.3f}")
            ),
        )
        for fold in range(n_folds)
    ]
    summary = {
        "mean": [folds.mean for folds in folded.values()],
        "standard deviation (ddof 0)": [folds.std for folds in folded.values()],
        "standard error of the mean (ddof 1)": [f.standard_error for f in folded.values()],
        "mean, if a different-person pair without a face counted as refused": [
            folds.mean_if_refused for folds in folded.values()
        ],
    }
    rows += [
        (label, *(text for value in values for text in (f"{100 * value:.3f} %", "")))
        for label, values in summary.items()
    ]
    columns = ["", *(text for name in folded for text in (f"accuracy, {name}", "threshold"))]
    return Table(
        "Folds",
        tuple(columns),
        tuple(rows),
        "Each threshold is chosen on the other folds, on a grid of squared distances 0, 0.01 … "
        "3.99 of unit vectors; at equal accuracy the strictest is taken.",
    )


def _search_threshold_table(searched: Identification) -> Table | None:
    if not searched.fixed_thresholds:
        return None
    n_images = len(searched.split.gallery_rows)
    rows = tuple(
        (
            _point_name(at.point),
            with_interval(at.fpir),
            percent(at.predicted_fpir),
            percent(at.predicted_from_fmr_here),
            with_interval(at.fnir),
        )
        for at in searched.fixed_thresholds
    )
    return Table(
        "Identification at the model's own thresholds",
        ("threshold", "FPIR measured", "FPIR predicted", "… from the FMR here", "FNIR"),
        rows,
        f"Predicted: 1 {MINUS} (1 {MINUS} FMR)^N with N = {n_images:,} enrolled images, from the "
        "FMR on the model's card, and from the FMR of these very comparisons. The threshold alone "
        "decides here; the program also asks for a margin to the second person and for quality, "
        f"and so names fewer strangers. {INTERVAL_NOTE}by person.",
    )


def _fpir_table(searched: Identification) -> Table:
    return Table(
        "FNIR with the false positive identification rate held",
        ("FPIR at most", "threshold", "FPIR reached", "strangers named", "FNIR", "missed"),
        tuple(_fpir_row(fixed) for fixed in searched.fixed_fpirs),
        "FNIR: mated probes whose person does not come first with a score at or above the "
        "threshold. People of equal score stand before the right one. "
        + INTERVAL_NOTE
        + "bootstrap by person, for FNIR with the threshold chosen anew in each draw.",
    )


def _fpir_row(fixed: FixedFpir) -> tuple[str, ...]:
    label = target_percent(fixed.target)
    if fixed.threshold is None or fixed.fpir is None or fixed.fnir is None:
        return label, DASH, DASH, DASH, "not measurable", DASH
    return (
        label,
        f"{fixed.threshold:.4f}",
        with_interval(fixed.fpir),
        counted(fixed.fpir),
        with_interval(fixed.fnir),
        counted(fixed.fnir),
    )


def _cmc_table(searched: Identification) -> Table:
    return Table(
        "Closed-set ranks (CMC)",
        ("rank at most", "mated probes"),
        tuple((str(rank), with_interval(share)) for rank, share in searched.cmc.items()),
        f"Without a threshold and without strangers. {INTERVAL_NOTE}bootstrap by person.",
    )


def _all_pairs_table(everybody: AllPairs) -> Table:
    n_mated, n_nonmated = len(everybody.mated.scores), everybody.nonmated.total
    return Table(
        "All pairs",
        ("threshold", "FMR", "false matches", "FNMR", "misses"),
        tuple(_all_pairs_row(rates) for rates in everybody.rates),
        f"All {n_mated:,} same-person and {n_nonmated:,} different-person pairs; people with many "
        f"images weigh more. Equal error rate {percent(everybody.equal_error.rate)}, area under "
        f"the ROC curve {everybody.auc:.6f}. {INTERVAL_NOTE}by person: FMR by jackknife, FNMR by "
        "bootstrap with the threshold held fixed.",
    )


def _all_pairs_row(rates: RatesAt) -> tuple[str, ...]:
    held = "" if rates.target is None else f"FMR at most {target_percent(rates.target)}"
    if rates.threshold is None or rates.fmr is None or rates.fnmr is None:
        return held, DASH, DASH, "not measurable", DASH
    name = f"{rates.threshold:.4f}" + (f", {held}" if held else ", the model's own")
    return (
        name,
        with_interval(rates.fmr),
        counted(rates.fmr),
        with_interval(rates.fnmr),
        counted(rates.fnmr),
    )


def _pair_marks(result: Verification) -> list[Mark]:
    if result.fixed_thresholds:
        fixed = result.fixed_thresholds[0]
        label = f"threshold {fixed.point.score:.3f}"
        return [Mark(label, fixed.point.score, fixed.fmr.value, fixed.fnmr.value)]
    return []


class _Images:
    """Contact sheets, with images or without."""

    def __init__(self, subject: Subject, acquired: Acquired) -> None:
        self._subject = subject
        self._acquired = acquired
        self._row = {path: row for row, path in enumerate(acquired.paths)}

    def pair_sheet(self, pairs: PairList, result: Verification, *, same: bool) -> Sheet:
        places = worst_pairs(result.pairs, same=same, n=N_WORST)
        threshold = _wrong_from(result)
        cards = [
            self._card(
                float(result.pairs.scores[place]),
                self._row[pairs.pairs[place].a],
                self._row[pairs.pairs[place].b],
                same=same,
                threshold=threshold,
            )
            for place in places
        ]
        if same:
            title, order = "Same person, lowest scores", "lowest first"
        else:
            title, order = "Different people, highest scores", "highest first"
        note = f"The {len(cards)} pairs scored worst, {order}. {_judged_at(threshold)}"
        return Sheet(title, note, tuple(cards))

    def stranger_sheet(self, searched: Identification) -> Sheet:
        searches = searched.searches
        order = np.argsort(-searches.nonmated_best, kind="stable")[:N_WORST]
        order = order[np.isfinite(searches.nonmated_best[order])]
        threshold = _search_threshold(searched)
        cards = tuple(
            self._card(
                float(searches.nonmated_best[at]),
                int(searches.nonmated_rows[at]),
                int(searches.nonmated_candidate[at]),
                same=False,
                threshold=threshold,
            )
            for at in order
        )
        note = "Left the probe, right the enrolled image it resembles most. "
        return Sheet("Strangers most like somebody enrolled", note + _judged_at(threshold), cards)

    def missed_sheet(self, searched: Identification) -> Sheet:
        searches, split = searched.searches, searched.split
        order = np.argsort(searches.mate_scores, kind="stable")
        order = order[np.isfinite(searches.mate_scores[order])][:N_WORST]
        threshold = _search_threshold(searched)
        enrolled = split.gallery_rows.reshape(len(split.enrolled), split.images_each)[:, 0]
        mate = enrolled[np.searchsorted(split.enrolled, searches.mated_person)]
        cards = tuple(
            self._card(
                float(searches.mate_scores[at]),
                int(searches.mated_rows[at]),
                int(mate[at]),
                same=True,
                threshold=threshold,
            )
            for at in order
        )
        note = "Left the probe, right the image its person is enrolled with. "
        return Sheet("Enrolled people least like themselves", note + _judged_at(threshold), cards)

    def nearest_sheet(self, everybody: AllPairs) -> Sheet:
        nearest = everybody.nearest
        threshold = everybody.rates[0].threshold if everybody.rates[0].target is None else None
        cards = tuple(
            self._card(float(score), int(a), int(b), same=False, threshold=threshold)
            for a, b, score in zip(nearest.first, nearest.second, nearest.scores, strict=True)
        )
        note = (
            "Of all different-person pairs those of the highest score; often one person under two "
            "names, or twins. "
        )
        return Sheet(
            "All pairs: different people, highest scores", note + _judged_at(threshold), cards
        )

    def failures(self) -> tuple[Failure, ...]:
        return tuple(
            Failure(
                self._name(row),
                reason,
                thumbnail(self._acquired.paths[row]) if self._subject.with_images else "",
            )
            for row, reason in sorted(self._acquired.failures.items())
        )

    def _card(self, score: float, a: int, b: int, *, same: bool, threshold: float | None) -> Card:
        is_error = None if threshold is None else (score >= threshold) != same
        return Card(
            f"{score:.3f}",
            (self._short_name(a), self._short_name(b)),
            (self._thumbnail(a), self._thumbnail(b)),
            is_error,
        )

    def _name(self, row: int) -> str:
        path = self._acquired.paths[row]
        root = self._subject.root
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)

    def _short_name(self, row: int) -> str:
        """The file name alone where it says whose folder it lies in, as LFW's do."""
        path = self._acquired.paths[row]
        return path.name if path.name.startswith(path.parent.name) else self._name(row)

    def _thumbnail(self, row: int) -> str:
        if not self._subject.with_images:
            return ""
        return thumbnail(self._acquired.paths[row], self._acquired.boxes[row])


def _wrong_from(result: Verification) -> float | None:
    """The Threshold that judges the sheets: the card's, else the folds' middle one."""
    if result.fixed_thresholds:
        return result.fixed_thresholds[0].point.score
    if result.folds is not None:
        return float(np.median(result.folds.thresholds))
    return None


def _search_threshold(searched: Identification) -> float | None:
    return searched.fixed_thresholds[0].point.score if searched.fixed_thresholds else None


def _judged_at(threshold: float | None) -> str:
    return "" if threshold is None else f"Right or wrong at the threshold {threshold:.3f}."
