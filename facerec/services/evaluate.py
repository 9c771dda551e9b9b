"""Measure error rates on labelled images: LFW, own pairs, a folder of people.

Opens the pipeline, runs a protocol of ``facerec.evaluate`` and hands back figures and a report. The
images are only read; nothing is enrolled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import perf_counter

import numpy as np

from facerec.detect.base import DETECTORS
from facerec.embed.base import Embedder
from facerec.evaluate.acquire import Acquired, acquire
from facerec.evaluate.all_pairs import compare_all
from facerec.evaluate.gain import Beside, gain_over
from facerec.evaluate.identification import draw_split, identify_open_set
from facerec.evaluate.pages import MIRRORED, PLAIN, Subject, pairs_page, people_page
from facerec.evaluate.pair_bins import BIN_ENDING, BinPairs, acquire_bin, read_bin
from facerec.evaluate.pairs import PairList, find_lfw, people_in_folder, people_root, read_pairs
from facerec.evaluate.report import Page, ScoreRow
from facerec.evaluate.so_far import PairsSoFar, PeopleSoFar, ScoresSoFar
from facerec.evaluate.verification import (
    FoldAccuracy,
    Verification,
    cross_validated_accuracy,
    score_pairs,
    verify_pairs,
)
from facerec.progress import Task
from facerec.services.evaluation_figures import (
    all_pairs_payload,
    beside_payload,
    failures,
    identification_payload,
    short,
    verification_payload,
)
from facerec.services.evaluation_tools import EvaluateOptions as EvaluateOptions
from facerec.services.evaluation_tools import Tools

LFW_TITLE = "Labeled Faces in the Wild, View 2"
# Gets the Scores so far before the first image is embedded; they grow while one looks at them.
Watcher = Callable[[ScoresSoFar], None]
# What does not apply where the crops are aligned already.
OF_DETECTION = ("Detector", "Which face", "Several faces")


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
    data: Path | None,
    options: EvaluateOptions,
    *,
    now: datetime,
    watcher: Watcher | None = None,
    task: Task | None = None,
) -> Evaluation:
    """Measure LFW View 2.

    Args:
        data: folder with ``pairs.txt``; None takes the one that FACEREC_LFW names.
        options: what to measure with.
        now: the time that goes into the report.
        watcher: sees the Scores while images are embedded.
        task: hears of progress and may stop the work.

    Raises:
        NotFoundError: the folder, ``pairs.txt`` or an image is not there.
        InputError: ``pairs.txt`` breaks its format.
        Cancelled: the task was stopped.
    """
    folder = find_lfw(data)
    pairs = read_pairs(folder / "pairs.txt", folder)
    return _evaluate_pairs(LFW_TITLE, pairs, folder, options, now, task, watcher=watcher)


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
    watcher: Watcher | None = None,
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
        watcher: sees the Scores while images are embedded.
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
    tools = Tools.open(options)
    start = perf_counter()
    acquired = tools.acquire(paths, task, _watched(PeopleSoFar(person), watcher))
    provenance = tools.provenance(folder, acquired, now, perf_counter() - start)
    # Mirror averaging, when asked for, is what is measured: one contract a gallery.
    vectors = acquired.others.get(MIRRORED, acquired.vectors)
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
        "identification": identification_payload(searched),
        "verification": all_pairs_payload(everybody),
        "failures": failures(acquired, subject.root),
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
    watcher: Watcher | None = None,
) -> Evaluation:
    tools = Tools.open(options)
    start = perf_counter()
    if crops is None:
        acquired = tools.acquire(pairs.images(), task, _watched(_pairs_so_far(pairs), watcher))
    else:
        acquired = acquire_bin(crops, tools.embedder, others=tools.others, task=task)
    provenance = tools.provenance(folder, acquired, now, perf_counter() - start)
    if crops is not None:
        provenance = {name: said for name, said in provenance.items() if name not in OF_DETECTION}
        provenance["Data"] = str(crops.file.resolve())
    plain = verify_pairs(score_pairs(pairs, acquired), tools.points)
    beside = _beside(tools, pairs, acquired, plain)
    mirrored = next((one.result for one in beside if one.name == MIRRORED), None)
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
        **verification_payload(plain),
        "with_mirror": None if mirrored is None else verification_payload(mirrored),
        "beside": [beside_payload(one) for one in beside],
        "failures": failures(acquired, root),
        "measured": provenance,
    }
    scores = tuple(
        ScoreRow(short(pair.a, root), short(pair.b, root), pair.same, float(score))
        for pair, score in zip(pairs.pairs, plain.pairs.scores, strict=True)
    )
    return Evaluation(payload, pairs_page(subject, pairs, acquired, plain, beside), scores)


def _watched(so_far: ScoresSoFar, watcher: Watcher | None) -> ScoresSoFar | None:
    """Show the Scores to come to a watcher; nobody compares anything for nobody."""
    if watcher is None:
        return None
    watcher(so_far)
    return so_far


def _pairs_so_far(pairs: PairList) -> PairsSoFar:
    place = {path: at for at, path in enumerate(pairs.images())}
    return PairsSoFar(
        np.array([place[pair.a] for pair in pairs.pairs]),
        np.array([place[pair.b] for pair in pairs.pairs]),
        np.array([pair.same for pair in pairs.pairs], dtype=np.bool_),
    )


def _beside(
    tools: Tools, pairs: PairList, acquired: Acquired, plain: Verification
) -> tuple[Beside, ...]:
    costs = tools.costs()
    found = []
    for name, vectors in acquired.others.items():
        # A card's Thresholds are for its own network, not for a mean over several.
        points = tools.points if name == MIRRORED else ()
        result = verify_pairs(score_pairs(pairs, acquired, vectors), points)
        folds = plain.folds, result.folds
        gain = None if folds[0] is None or folds[1] is None else gain_over(folds[0], folds[1])
        found.append(Beside(name, result, gain, costs.get(name)))
    return tuple(found)


def accuracies_on_lfw(
    data: Path,
    embedders: Mapping[str, Embedder],
    *,
    detector: str = "mtcnn",
    task: Task | None = None,
) -> dict[str, FoldAccuracy]:
    """Measure several embedders on LFW View 2, on the same faces.

    Args:
        data: folder with ``pairs.txt``.
        embedders: name -> embedder of one crop size.
        detector: name of a registered detector, as ``evaluate_lfw`` opens it.
        task: hears of progress and may stop the work.

    Raises:
        NotFoundError: the folder, ``pairs.txt`` or an image is not there.
        InputError: ``pairs.txt`` breaks its format.
        Cancelled: the task was stopped.
    """
    import facerec.detect.mtcnn  # noqa: F401  (enters itself into the registry)

    folder = find_lfw(data)
    pairs = read_pairs(folder / "pairs.txt", folder)
    found = DETECTORS.get(detector)(
        device="cpu", n_threads=0, min_face_px=EvaluateOptions().min_face_px
    )
    first, *rest = embedders
    others = {name: embedders[name] for name in rest}
    acquired = acquire(pairs.images(), found, embedders[first], others=others, task=task)
    return {
        name: cross_validated_accuracy(score_pairs(pairs, acquired, vectors))
        for name, vectors in {first: acquired.vectors, **acquired.others}.items()
    }
