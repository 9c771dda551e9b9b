"""Measure error rates on labelled images: LFW, own pairs, a folder of people.

Opens the pipeline, runs a protocol of ``facerec.evaluate`` and hands back figures and a report. The
images are only read; nothing is enrolled.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter

import numpy as np

from facerec.detect.base import Detector, PrimaryPolicy
from facerec.embed.base import EMBEDDERS, Embedder, open_embedder
from facerec.evaluate.acquire import Acquired, VectorCache, acquire
from facerec.evaluate.all_pairs import AllPairs, RatesAt, compare_all
from facerec.evaluate.error_rates import ErrorCurve, Estimate, thin
from facerec.evaluate.identification import (
    FixedFpir,
    FixedSearchThreshold,
    Identification,
    draw_split,
    identify_open_set,
)
from facerec.evaluate.pages import MIRRORED, PLAIN, Subject, pairs_page, people_page
from facerec.evaluate.pair_bins import BIN_ENDING, BinPairs, acquire_bin, read_bin
from facerec.evaluate.pairs import PairList, find_lfw, people_in_folder, people_root, read_pairs
from facerec.evaluate.report import Page, ScoreRow
from facerec.evaluate.verification import Verification, score_pairs, verify_pairs
from facerec.paths import cache_dir
from facerec.pipeline import open_pipeline
from facerec.progress import Task
from facerec.zoo import ModelCard, OperatingPoint, find_model, list_models

LFW_TITLE = "Labeled Faces in the Wild, View 2"
# What does not apply where the crops are aligned already.
OF_DETECTION = ("Detector", "Which face", "Several faces")
PACKAGES = ("facerec", "numpy", "openvino", "opencv-python", "pillow")


@dataclass(frozen=True, slots=True)
class EvaluateOptions:
    """What to measure with.

    Attributes:
        model: embedder, as in ``facerec models list``.
        detector: name of a registered detector.
        device: see ``facerec.runtime.open_session``.
        n_threads: threads of one inference; 0 leaves it to the runtime.
        min_face_px: smallest face to look for.
        policy: which Face counts where there are several.
        mirror: measure with mirror averaging too.
        use_cache: keep the vectors in the cache folder for the next time.
        with_images: put images of people into the report.
        command: what the user typed, for the report.
    """

    model: str = "default"
    detector: str = "mtcnn"
    device: str = "cpu"
    n_threads: int = 0
    min_face_px: int = 40
    policy: PrimaryPolicy = PrimaryPolicy.CENTRAL
    mirror: bool = True
    use_cache: bool = False
    with_images: bool = True
    command: str = ""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured.

    Attributes:
        payload: the figures, ``accuracy`` among them where there is one.
        page: the report.
        scores: the single comparisons, for a CSV file.
    """

    payload: Mapping[str, object]
    page: Page
    scores: tuple[ScoreRow, ...] = field(repr=False)


def evaluate_lfw(
    data: Path | None, options: EvaluateOptions, *, now: datetime, task: Task | None = None
) -> Evaluation:
    """Measure LFW View 2.

    Args:
        data: folder with ``pairs.txt``; None takes the one that FACEREC_LFW names.
        options: what to measure with.
        now: the time that goes into the report.
        task: hears of progress and may stop the work.

    Raises:
        NotFoundError: the folder, ``pairs.txt`` or an image is not there.
        InputError: ``pairs.txt`` breaks its format.
        Cancelled: the task was stopped.
    """
    folder = find_lfw(data)
    pairs = read_pairs(folder / "pairs.txt", folder)
    return _evaluate_pairs(LFW_TITLE, pairs, folder, options, now, task)


def evaluate_pairs(
    file: Path,
    images: Path | None,
    options: EvaluateOptions,
    *,
    now: datetime,
    task: Task | None = None,
) -> Evaluation:
    """Measure an own list of pairs, or InsightFace's verification sets.

    Args:
        file: the list, see ``facerec.evaluate.pairs.read_pairs``, or a ``.bin`` file of aligned
            crops, see ``facerec.evaluate.pair_bins.read_bin``.
        images: folder of the images; None takes the list's own.
        options: what to measure with.
        now: the time that goes into the report.
        task: hears of progress and may stop the work.

    Raises:
        NotFoundError: the list or an image is not there.
        InputError: the list breaks its format.
        Cancelled: the task was stopped.
    """
    if file.suffix.lower() == BIN_ENDING:
        crops = read_bin(file)
        title = f"Pairs of {file.name}"
        return _evaluate_pairs(title, crops.pair_list(), file.parent, options, now, task, crops)
    pairs = read_pairs(file, images)
    return _evaluate_pairs(
        f"Pairs of {file.name}", pairs, images or file.parent, options, now, task
    )


def evaluate_people(
    folder: Path,
    options: EvaluateOptions,
    *,
    now: datetime,
    n_enrol: int | None = None,
    images_each: int = 1,
    seed: int = 0,
    task: Task | None = None,
) -> Evaluation:
    """Measure all pairs and open-set identification on a folder of people.

    Args:
        folder: one subfolder of images per person, or a folder that holds such in ``images``.
        options: what to measure with.
        now: the time that goes into the report.
        n_enrol: people to enrol; None takes half of those with images to spare.
        images_each: images to enrol of each.
        seed: decides who is enrolled and which images.
        task: hears of progress and may stop the work.

    Raises:
        NotFoundError: there is no such folder.
        InputError: too few people or images.
        Cancelled: the task was stopped.
    """
    people = people_in_folder(folder)
    person = np.array([at for at, one in enumerate(people) for _ in one.images], dtype=np.int64)
    paths = [path for one in people for path in one.images]
    # Drawn before the images are embedded, so that a wrong number is refused at once.
    split = draw_split(person, n_enrol=n_enrol, images_each=images_each, seed=seed)
    tools = _Tools.open(options)
    start = perf_counter()
    acquired = tools.acquire(paths, task)
    provenance = tools.provenance(folder, acquired, now, perf_counter() - start)
    # Mirror averaging, when asked for, is what is measured: one contract a gallery.
    vectors = acquired.vectors if acquired.mirror_vectors is None else acquired.mirror_vectors
    everybody = compare_all(
        vectors,
        person,
        acquired.found,
        thresholds=[point.score for point in tools.points],
        seed=seed,
        task=task,
    )
    searched = identify_open_set(
        vectors, person, acquired.found, split, points=tools.points, task=task
    )
    subject = Subject(
        f"People of {folder.resolve().name}",
        f"{tools.model_name}, {MIRRORED if options.mirror else PLAIN}: "
        f"{len(people):,} people, {len(paths):,} images",
        people_root(folder),
        options.with_images,
        provenance,
    )
    names = [subject_path.relative_to(subject.root).as_posix() for subject_path in paths]
    searches = searched.searches
    scores = tuple(
        ScoreRow(names[probe], names[candidate], False, float(score))
        for probe, candidate, score in zip(
            searches.nonmated_rows, searches.nonmated_candidate, searches.nonmated_best, strict=True
        )
    ) + tuple(
        ScoreRow(names[a], names[b], True, float(score))
        for a, b, score in zip(
            everybody.mated.first, everybody.mated.second, everybody.mated.scores, strict=True
        )
    )
    payload = {
        "protocol": "open-set identification and all pairs",
        "mirror": options.mirror,
        "identification": _identification_payload(searched),
        "verification": _all_pairs_payload(everybody),
        "failures": _failures(acquired, subject.root),
        "measured": provenance,
    }
    return Evaluation(payload, people_page(subject, acquired, everybody, searched), scores)


def _evaluate_pairs(
    title: str,
    pairs: PairList,
    folder: Path,
    options: EvaluateOptions,
    now: datetime,
    task: Task | None,
    crops: BinPairs | None = None,
) -> Evaluation:
    tools = _Tools.open(options)
    start = perf_counter()
    if crops is None:
        acquired = tools.acquire(pairs.images(), task)
    else:
        acquired = acquire_bin(
            crops, tools.embedder, mirror_embedder=tools.mirror_embedder, task=task
        )
    provenance = tools.provenance(folder, acquired, now, perf_counter() - start)
    if crops is not None:
        provenance = {name: said for name, said in provenance.items() if name not in OF_DETECTION}
        provenance["Data"] = str(crops.file.resolve())
    plain = verify_pairs(score_pairs(pairs, acquired), tools.points)
    mirrored = (
        None
        if acquired.mirror_vectors is None
        else verify_pairs(score_pairs(pairs, acquired, acquired.mirror_vectors), tools.points)
    )
    root = people_root(folder) if crops is None else folder
    subject = Subject(
        title,
        f"{tools.model_name}, {len(pairs.pairs):,} pairs of {len(acquired.paths):,} images",
        root,
        # The report shows images from their files, and those of a .bin have none.
        options.with_images and crops is None,
        provenance,
    )
    payload = {
        "protocol": title,
        **_verification_payload(plain),
        "with_mirror": None if mirrored is None else _verification_payload(mirrored),
        "failures": _failures(acquired, root),
        "measured": provenance,
    }
    scores = tuple(
        ScoreRow(_short(pair.a, root), _short(pair.b, root), pair.same, float(score))
        for pair, score in zip(pairs.pairs, plain.pairs.scores, strict=True)
    )
    return Evaluation(payload, pairs_page(subject, pairs, acquired, plain, mirrored), scores)


@dataclass(frozen=True, slots=True)
class _Tools:
    """The nets that are measured, and what there is to say about them."""

    options: EvaluateOptions
    detector: Detector
    embedder: Embedder
    mirror_embedder: Embedder | None
    card: ModelCard | None

    @classmethod
    def open(cls, options: EvaluateOptions) -> _Tools:
        pipeline = open_pipeline(
            model=options.model,
            detector=options.detector,
            device=options.device,
            n_threads=options.n_threads,
            min_face_px=options.min_face_px,
        )
        mirror_embedder = None
        if options.mirror:
            mirror_embedder = open_embedder(
                options.model, device=options.device, n_threads=options.n_threads, mirror=True
            )
        card = None if options.model in EMBEDDERS.names() else find_model(options.model)
        return cls(options, pipeline.detector, pipeline.embedder, mirror_embedder, card)

    @property
    def points(self) -> tuple[OperatingPoint, ...]:
        return () if self.card is None else self.card.thresholds

    @property
    def model_name(self) -> str:
        return self.options.model if self.card is None else f"{self.card.name} {self.card.version}"

    def acquire(self, paths: tuple[Path, ...] | list[Path], task: Task | None) -> Acquired:
        return acquire(
            paths,
            self.detector,
            self.embedder,
            mirror_embedder=self.mirror_embedder,
            policy=self.options.policy,
            cache=self._cache(),
            task=task,
        )

    def provenance(
        self, folder: Path, acquired: Acquired, now: datetime, seconds: float
    ) -> dict[str, str]:
        options, card = self.options, self.card
        several = int((acquired.n_faces > 1).sum())
        said = {
            "Command": options.command,
            "Date": now.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "Data": str(folder.resolve()),
            "Model": self.model_name,
            "Contract id": self.embedder.contract_id,
        }
        if self.mirror_embedder is not None:
            said["Contract id, mirror"] = self.mirror_embedder.contract_id
        if card is not None:
            said["Model file, SHA-256"] = card.files[0].sha256
            said["Training data"] = card.training_data
            said["Licence of the model"] = card.licence
        said |= {
            "Detector": f"{options.detector}, smallest face {options.min_face_px} pixels",
            "Which face": f"the most {options.policy.value} one"
            if options.policy is not PrimaryPolicy.LARGEST
            else "the largest one",
            "Several faces": f"found in {several:,} of {len(acquired.paths):,} images",
            "Device": self.embedder.device,
            "Images": f"{len(acquired.paths):,} in {seconds:.0f} s",
            "Versions": ", ".join(_versions()),
            "System": platform.platform(),
        }
        return {name: value for name, value in said.items() if value}

    def _cache(self) -> VectorCache | None:
        if not self.options.use_cache:
            return None
        options = self.options
        mirrored = "" if self.mirror_embedder is None else self.mirror_embedder.contract_id
        detector = [
            file.sha256
            for card in list_models()
            if card.task == "detect" and card.name == options.detector
            for file in card.files
        ]
        key = (
            f"{self.embedder.contract_id} {mirrored} {options.detector} {detector} "
            f"{options.min_face_px} {options.policy} {_version('facerec')}"
        )
        return VectorCache.open(cache_dir() / "evaluate", key)


def _verification_payload(result: Verification) -> dict[str, object]:
    folds = result.folds
    return {
        "accuracy": result.accuracy,
        "accuracy_std": None if folds is None else folds.std,
        "accuracy_standard_error": None if folds is None else folds.standard_error,
        "accuracy_if_failed_different_pairs_count_as_refused": (
            None if folds is None else folds.mean_if_refused
        ),
        "folds": None
        if folds is None
        else [
            {"accuracy": accuracy, "threshold": threshold}
            for accuracy, threshold in zip(folds.accuracies, folds.thresholds, strict=True)
        ],
        "n_same": result.curve.n_mated,
        "n_different": result.curve.n_nonmated,
        "n_failed_same": result.n_failed_same,
        "n_failed_different": result.n_failed_different,
        "eer": result.equal_error.rate,
        "eer_threshold": result.equal_error.threshold,
        "auc": result.auc,
        "at_thresholds": [
            {
                "threshold": fixed.point.score,
                "set_at_fmr": fixed.point.fmr,
                "set_on": fixed.point.dataset,
                "fmr": _estimate(fixed.fmr),
                "fnmr": _estimate(fixed.fnmr),
                "accuracy": fixed.accuracy.value,
            }
            for fixed in result.fixed_thresholds
        ],
        "at_fmr": [
            {
                "target": fixed.target,
                "threshold": fixed.threshold,
                "fmr": _estimate(fixed.fmr),
                "fnmr": _estimate(fixed.fnmr),
                "tar": None if fixed.fnmr is None else 1 - fixed.fnmr.value,
                "reason": fixed.reason or None,
            }
            for fixed in result.fixed_fmrs
        ],
        "curve": _curve(result.curve),
    }


def _identification_payload(result: Identification) -> dict[str, object]:
    searches = result.searches
    return {
        "gallery_size": searches.n_enrolled,
        "images_per_person": result.split.images_each,
        "seed": result.split.seed,
        "n_mated_probes": len(searches.mated_rows),
        "n_nonmated_probes": len(searches.nonmated_rows),
        "n_nonmated_people": len(np.unique(searches.nonmated_person)),
        "n_failed_enrolments": searches.n_failed_enrolments,
        "n_failed_mated": result.n_failed_mated,
        "n_failed_nonmated": result.n_failed_nonmated,
        "rank_1_closed_set": _estimate(result.cmc[1]),
        "cmc_closed_set": {str(rank): _estimate(share) for rank, share in result.cmc.items()},
        "at_fpir": [_fixed_fpir(fixed) for fixed in result.fixed_fpirs],
        "at_thresholds": [_fixed_search(at) for at in result.fixed_thresholds],
        "curve": _curve(result.curve, "fpir", "fnir"),
    }


def _fixed_fpir(fixed: FixedFpir) -> dict[str, object]:
    return {
        "target": fixed.target,
        "threshold": fixed.threshold,
        "fpir": _estimate(fixed.fpir),
        "fnir": _estimate(fixed.fnir),
        "reason": fixed.reason or None,
    }


def _fixed_search(at: FixedSearchThreshold) -> dict[str, object]:
    return {
        "threshold": at.point.score,
        "set_at_fmr": at.point.fmr,
        "set_on": at.point.dataset,
        "fpir": _estimate(at.fpir),
        "predicted_fpir": at.predicted_fpir,
        "fmr_here": _estimate(at.fmr_here),
        "predicted_fpir_from_fmr_here": at.predicted_from_fmr_here,
        "fnir": _estimate(at.fnir),
    }


def _all_pairs_payload(result: AllPairs) -> dict[str, object]:
    return {
        "n_people": result.n_people,
        "n_images": result.n_images,
        "n_same": len(result.mated.scores),
        "n_different": result.nonmated.total,
        "eer": result.equal_error.rate,
        "auc": result.auc,
        "at": [_rates_at(rates) for rates in result.rates],
        "curve": _curve(result.curve),
    }


def _rates_at(rates: RatesAt) -> dict[str, object]:
    return {
        "threshold": rates.threshold,
        "target_fmr": rates.target,
        "fmr": _estimate(rates.fmr),
        "fnmr": _estimate(rates.fnmr),
        "reason": rates.reason or None,
    }


def _estimate(estimate: Estimate | None) -> dict[str, object] | None:
    if estimate is None:
        return None
    return {
        "rate": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "errors": estimate.errors,
        "trials": estimate.trials,
        "interval": estimate.method,
    }


def _curve(
    curve: ErrorCurve, false_match: str = "fmr", miss: str = "fnmr"
) -> dict[str, list[float]]:
    points = thin(curve)
    return {
        "threshold": points.thresholds[1:].tolist(),
        false_match: points.fmr[1:].tolist(),
        miss: points.fnmr[1:].tolist(),
    }


def _failures(acquired: Acquired, root: Path) -> list[dict[str, str]]:
    return [
        {"image": _short(acquired.paths[row], root), "reason": reason}
        for row, reason in sorted(acquired.failures.items())
    ]


def _short(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _versions() -> list[str]:
    found = [f"{name} {_version(name)}" for name in PACKAGES]
    return [f"Python {platform.python_version()}", *found]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
