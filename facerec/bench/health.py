"""How many planted faults does the health check find, and how many of its findings are right?

A gallery is made of real faces; where people are too few with several images, a second Template is
made up with the statistics measured on those who have them. Faults of four kinds are planted.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facerec.bench.calibration import embed_crops, joined_names
from facerec.bench.faults import Plan, agreeing, blurred, plan_faults, second_templates
from facerec.embed.base import Embedder, open_embedder
from facerec.evaluate.pairs import people_in_folder
from facerec.gallery.made_up import add_made_up
from facerec.imaging.read import read_image
from facerec.match.rule import DEFAULT_MARGIN, MatchRule
from facerec.progress import SilentTask, Task
from facerec.quality.checks import assess_crop
from facerec.services.calibrate import find_threshold, leave_one_out
from facerec.services.gallery import OpenGallery, open_gallery
from facerec.services.health import check_health
from facerec.services.health_types import Finding, FindingKind, HealthReport

VECTORS_NAME = "health-vectors.npz"
# Images used of each Person.
MAX_IMAGES = 4
N_PEOPLE = 4000
N_FAULTS = 40
# What the Threshold is calibrated for, before the faults are planted.
FPIR = 0.01
# An image that is worse shows a fault of its own and is not enrolled.
LEAST_QUALITY = 0.5
_QUALITY_STAGE = "Checking crops"


@dataclass(frozen=True, slots=True)
class KindRow:
    """How one kind of fault was found.

    Attributes:
        kind: of the fault.
        n_planted: how many there are.
        n_reported: findings of that kind.
        n_right: of these, planted ones.
    """

    kind: FindingKind
    n_planted: int
    n_reported: int
    n_right: int

    @property
    def precision(self) -> float | None:
        """Share of the findings that are right; None without any."""
        return self.n_right / self.n_reported if self.n_reported else None

    @property
    def recall(self) -> float | None:
        """Share of the planted faults that are found; None without any."""
        return self.n_right / self.n_planted if self.n_planted else None


@dataclass(frozen=True, slots=True)
class HealthBench:
    """What was measured.

    Attributes:
        n_people: enrolled.
        n_templates: of them.
        n_made_up: of these Templates, made up.
        n_poor: real images left out because they are poor themselves.
        n_strange: such as are left out because they look like no other image of their Person.
        threshold: calibrated before the faults were planted.
        scan_s: time of the health check, reading the gallery included.
        rows: one per kind of fault.
        n_alike_at_threshold: planted look-alikes with a Score at or above the Threshold.
    """

    n_people: int
    n_templates: int
    n_made_up: int
    n_poor: int
    n_strange: int
    threshold: float
    scan_s: float
    rows: tuple[KindRow, ...]
    n_alike_at_threshold: int


@dataclass(frozen=True, slots=True, eq=False)
class RealPeople:
    """Crops of real people, embedded.

    Attributes:
        paths: of the Crops.
        vectors: (N, D).
        quality: (N,) in [0, 1], by what can be told from a Crop.
        person: (N,) int64, whom each shows.
    """

    paths: tuple[Path, ...]
    vectors: NDArray[np.float32]
    quality: NDArray[np.float64]
    person: NDArray[np.int64]


def load_people(folder: Path, out: Path, embedder: Embedder, task: Task) -> RealPeople:
    """Embed the Crops of a folder of people, or read the vectors kept from the last time.

    Args:
        folder: one subfolder of Crops per Person, as ``facerec align`` wrote them.
        out: where vectors are kept.
        embedder: of the model.
        task: hears of progress and may stop the work.
    """
    people = people_in_folder(folder)
    paths = tuple(path for one in people for path in sorted(one.images)[:MAX_IMAGES])
    counts = [min(len(one.images), MAX_IMAGES) for one in people]
    person = joined_names(
        np.repeat(np.arange(len(people)), counts).astype(np.int64), [one.name for one in people]
    )
    file = out / VECTORS_NAME
    key = f"{embedder.contract_id} {folder.resolve()} {len(paths)}"
    if file.is_file():
        with np.load(file, allow_pickle=False) as stored:
            if str(stored["key"]) == key:
                return RealPeople(paths, stored["vectors"], stored["quality"], person)
    vectors = embed_crops(paths, embedder, task)
    quality = np.empty(len(paths))
    for at, path in enumerate(paths):
        task.step(_QUALITY_STAGE, at, len(paths))
        quality[at] = assess_crop(read_image(path)).score
    out.mkdir(parents=True, exist_ok=True)
    np.savez(file, vectors=vectors, quality=quality, key=np.array(key))
    return RealPeople(paths, vectors, quality, person)


def measure_health(
    folder: Path,
    out: Path,
    *,
    model: str = "default",
    n_people: int = N_PEOPLE,
    n_faults: int = N_FAULTS,
    seed: int = 0,
    task: Task | None = None,
) -> HealthBench:
    """Plant faults in a gallery of real people, and examine it.

    Args:
        folder: one subfolder of Crops per Person, as ``facerec align`` wrote them.
        out: folder in which vectors are kept for the next time.
        model: embedder, as in ``facerec models list``.
        n_people: to enrol.
        n_faults: of each kind.
        seed: of who is chosen.
        task: hears of progress and may stop the work.

    Raises:
        InputError: the folder has too few people.
        Cancelled: the task was stopped.
    """
    task = task or SilentTask()
    embedder = open_embedder(model)
    everybody = load_people(folder, out, embedder, task)
    order = np.argsort(everybody.person, kind="stable")
    sharp = everybody.quality >= LEAST_QUALITY
    good = np.zeros(len(sharp), bool)
    rows = order[sharp[order]]
    good[rows] = agreeing(everybody.vectors[rows], everybody.person[rows])
    real = RealPeople(
        tuple(path for path, is_good in zip(everybody.paths, good, strict=True) if is_good),
        everybody.vectors[good],
        everybody.quality[good],
        np.unique(everybody.person[good], return_inverse=True)[1].astype(np.int64),
    )
    rng = np.random.default_rng(seed)
    plan = plan_faults(real.vectors, real.person, n_people=n_people, n_faults=n_faults, rng=rng)
    made = second_templates(real.vectors, real.person, plan.alone, rng)
    rule = _calibrated(real, plan, made, embedder.contract_id)
    vectors, quality = real.vectors.copy(), real.quality.copy()
    for row in plan.blurred.tolist():
        crop = blurred(read_image(real.paths[row]))
        vectors[row] = embedder.embed_vectors(crop[None])[0]
        quality[row] = assess_crop(crop).score
    # Templates in the order of the people they are filed under.
    rows = np.flatnonzero(plan.filed >= 0)
    owner = np.concatenate([plan.filed[rows], plan.filed[plan.alone]])
    order = np.argsort(owner, kind="stable")
    template_of = np.full(len(real.vectors), -1, np.int64)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    template_of[rows] = place[: len(rows)] + 1
    stored = np.concatenate([vectors[rows], made])[order]
    stored_quality = np.concatenate([quality[rows], np.ones(len(made))])[order]
    with tempfile.TemporaryDirectory() as here, open_gallery(Path(here)) as gallery:
        with gallery.store.write() as session:
            add_made_up(
                session, stored, contract_id=embedder.contract_id,
                per_person=np.bincount(owner), at=datetime.now(UTC), quality=stored_quality,
            )  # fmt: skip
        report, scan_s = _examined(gallery, rule, task)
    return HealthBench(
        n_people=report.n_people,
        n_templates=report.n_templates,
        n_made_up=len(made),
        n_poor=int((~sharp).sum()),
        n_strange=int((sharp & ~good).sum()),
        threshold=rule.threshold,
        scan_s=scan_s,
        rows=_rows(report, plan, template_of),
        n_alike_at_threshold=int((plan.alike_scores >= rule.threshold).sum()),
    )


def _calibrated(
    real: RealPeople, plan: Plan, made: NDArray[np.float32], contract_id: str
) -> MatchRule:
    """Calibrate on the people as they are, before anything is planted."""
    rows = np.flatnonzero(plan.filed >= 0)
    vectors = np.concatenate([real.vectors[rows], made])
    person = np.concatenate([real.person[rows], real.person[plan.alone]])
    person = np.unique(person, return_inverse=True)[1].astype(np.int64)
    searches = leave_one_out(vectors, person)
    found, _ = find_threshold(searches.as_strangers(), contract_id, FPIR, len(vectors))
    return MatchRule(found.threshold, DEFAULT_MARGIN)


def _examined(gallery: OpenGallery, rule: MatchRule, task: Task) -> tuple[HealthReport, float]:
    started = time.perf_counter()
    report = check_health(gallery, rule, task=task)
    return report, time.perf_counter() - started


def _rows(report: HealthReport, plan: Plan, template_of: NDArray[np.int64]) -> tuple[KindRow, ...]:
    def names(pairs: NDArray[np.int64]) -> set[object]:
        return {frozenset(f"Person {one}" for one in pair) for pair in pairs.tolist()}

    planted: dict[FindingKind, set[object]] = {
        FindingKind.MISFILED: set(template_of[plan.misfiled].tolist()),
        FindingKind.DUPLICATE: names(plan.twice),
        FindingKind.LOOK_ALIKE: names(plan.alike),
        FindingKind.WEAK: set(template_of[plan.blurred].tolist()),
    }
    rows = []
    for kind, truth in planted.items():
        found = [_key(one) for one in _of_kind(report.findings, kind)]
        rows.append(KindRow(kind, len(truth), len(found), len(truth & set(found))))
    return tuple(rows)


def _of_kind(findings: Iterable[Finding], kind: FindingKind) -> list[Finding]:
    return [finding for finding in findings if finding.kind is kind]


def _key(finding: Finding) -> object:
    if finding.kind in (FindingKind.DUPLICATE, FindingKind.LOOK_ALIKE):
        return frozenset(finding.names)
    return finding.template_ids[0]
