"""Measure false match rates by age, sex and ethnicity on images whose names carry them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from time import perf_counter

import numpy as np

from facerec.align.landmarks import template_points
from facerec.errors import ImageReadError, InputError
from facerec.evaluate.groups import (
    Groups,
    age_of,
    bare_name,
    group_rates,
    groupings_of,
    has_labels,
    listed_names,
    sizes_of,
)
from facerec.evaluate.groups_page import groups_page
from facerec.evaluate.pages import MIRRORED, Subject
from facerec.evaluate.report import Failure, ScoreRow
from facerec.imaging.read import list_images
from facerec.progress import Task
from facerec.services.evaluate import Evaluation
from facerec.services.evaluation_figures import estimate_payload, failures
from facerec.services.evaluation_tools import EvaluateOptions, Tools
from facerec.types import Face, ImageRGB
from facerec.zoo import OperatingPoint

# Of the false matches, the highest ones go into the CSV file.
MOST_ROWS = 10_000


def evaluate_groups(
    folder: Path,
    options: EvaluateOptions,
    *,
    now: datetime,
    only: Path | None = None,
    min_age: int = 0,
    are_crops: bool = False,
    fmr: float | None = None,
    seed: int = 0,
    task: Task | None = None,
) -> Evaluation:
    """Measure false matches within and between groups of people.

    Args:
        folder: images named as UTKFace's; of files with the same content one is taken.
        options: what to measure with.
        now: the time that goes into the report.
        only: list of the images to take, those that nothing was trained on; None takes all.
        min_age: take nobody younger, in years.
        are_crops: the images are aligned Crops already (``facerec align``).
        fmr: take the card's Threshold for at most this rate; None takes its first.
        seed: of the bootstrap.
        task: hears of progress and may stop the work.

    Raises:
        ImageReadError: there is no such folder.
        NotFoundError: the list cannot be read, or the card has no Threshold that strict.
        InputError: fewer than two images are left, or the model has no card with a Threshold.
        Cancelled: the task was stopped.
    """
    paths, remarks = _chosen(folder, only, min_age)
    tools = Tools.open(options)
    point = _point(tools, fmr)
    if are_crops:
        crops = _AlignedCrops(tools.embedder.crop_size_px)
        tools = replace(tools, detector=crops, options=replace(options, detector=crops.device))
    start = perf_counter()
    acquired = tools.acquire(paths, task)
    provenance = tools.provenance(folder, acquired, now, perf_counter() - start)
    groupings = groupings_of(paths)
    groups = group_rates(
        acquired.others.get(MIRRORED, acquired.vectors),
        acquired.found,
        groupings,
        point.score,
        seed=seed,
        task=task,
    )
    sizes = sizes_of(groupings, acquired.found)
    failed = failures(acquired, folder)
    subject = Subject(
        f"Groups of {folder.resolve().name}",
        f"{tools.model_name}: {len(paths):,} images",
        folder,
        options.with_images,
        provenance,
    )
    page = groups_page(
        subject,
        groups,
        sizes,
        point,
        remarks,
        tuple(Failure(one["image"], one["reason"]) for one in failed),
    )
    payload = {
        "protocol": "false match rate by group",
        "threshold": {"score": point.score, "set_at_fmr": point.fmr, "set_on": point.dataset},
        "images": len(paths),
        "only": None if only is None else str(only),
        "remarks": remarks,
        "mirror": options.mirror,
        "seed": seed,
        "overall": estimate_payload(groups.overall.fmr),
        "sizes": [
            {"attribute": attribute, "group": name, "images": n, "without_face": n_failed}
            for (attribute, name), (n, n_failed) in sizes.items()
        ],
        "rates": _rates_payload(groups),
        "failures": failed,
        "measured": provenance,
    }
    return Evaluation(payload, page, _false_matches(groups, paths))


def _rates_payload(groups: Groups) -> list[dict[str, object]]:
    return [
        {
            "attribute": rate.attribute,
            "group": rate.first,
            "with": rate.second,
            "fmr": estimate_payload(rate.fmr),
        }
        for rate in groups.rates
    ]


def _false_matches(groups: Groups, paths: Sequence[Path]) -> tuple[ScoreRow, ...]:
    order = np.argsort(-groups.scores, kind="stable")[:MOST_ROWS]
    return tuple(
        ScoreRow(paths[a].name, paths[b].name, False, float(score))
        for a, b, score in zip(
            groups.first[order], groups.second[order], groups.scores[order], strict=True
        )
    )


def _chosen(folder: Path, only: Path | None, min_age: int) -> tuple[list[Path], str]:
    """The images to compare, and in sentences which they are."""
    images = list_images(folder)
    labelled = [path for path in images if has_labels(path)]
    if only is None:
        listed = labelled
        remarks = "No list was given (--only): the model may have been trained on these images. "
    else:
        names = listed_names(only)
        listed = [path for path in labelled if bare_name(path) in names]
        remarks = f"Only images of the list {only.name} were taken. "
    if min_age:
        listed = [path for path in listed if age_of(path) >= min_age]
        remarks += f"Nobody younger than {min_age} was taken. "
    once: dict[str, Path] = {}
    for path in listed:
        once.setdefault(hashlib.sha256(path.read_bytes()).hexdigest(), path)
    if len(once) < 2:
        raise InputError(
            f"{len(images):,} images are in {folder}, {len(labelled):,} are named "
            f"age_sex_ethnicity_date, and {len(once):,} of these can be taken; two are needed.",
            remedy="Name a folder of UTKFace's images, and a list of their names.",
        )
    return list(once.values()), remarks + (
        f"{len(images):,} images were found, {len(images) - len(labelled):,} of them without "
        f"labels in their names and {len(listed) - len(once):,} the same file again."
    )


def _point(tools: Tools, fmr: float | None) -> OperatingPoint:
    if tools.card is None or not tools.points:
        raise InputError(
            f"The model {tools.model_name} has no threshold on a card.",
            remedy="Choose a model with one: `facerec models list`.",
        )
    return tools.points[0] if fmr is None else tools.card.threshold_at(fmr)


class _AlignedCrops:
    """A detector for Crops: the landmarks lie where alignment has put them."""

    device = "none, the images are aligned crops"

    def __init__(self, size_px: int) -> None:
        self._size_px = size_px

    def detect(self, image: ImageRGB) -> list[Face]:
        """See ``Detector.detect``."""
        side = self._size_px
        if image.shape != (side, side, 3):
            raise ImageReadError(f"It is no aligned crop of {side} pixels a side.")
        box = np.array([0, 0, side, side], dtype=np.float32)
        return [Face(box, template_points(side).astype(np.float32), 1.0)]
