"""Does a calibrated Threshold keep its promise? Measured on strangers it has not seen.

Of a folder of people some are enrolled with one image each and the Threshold is calibrated on them
alone; everybody else searches as a stranger, which gives the FPIR it really has. Beside it stand
fixed Thresholds on the same Scores. The same is done with made-up Scores whose FPIR is known
exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facerec.embed.base import Embedder
from facerec.errors import InputError, NotFoundError
from facerec.evaluate.acquire import BATCH
from facerec.evaluate.pairs import people_in_folder
from facerec.imaging.read import read_image
from facerec.match.calibrate import StrangerSearches, calibrate
from facerec.match.reference import calibrate_from_reference
from facerec.progress import SilentTask, Task
from facerec.services.calibrate import find_reference, find_threshold
from facerec.services.evaluation_tools import EvaluateOptions, Tools

# Size of the gallery -> rates asked for.
CASES = {100: (0.01, 0.001), 1000: (0.01, 0.001), 4000: (0.01,)}
N_SPLITS = 40
VECTORS_NAME = "vectors.npz"
# Thresholds that others ship, as cosine similarities.
RIVALS = {
    # deepface/config/threshold.py: ArcFace, cosine distance 0.68
    "DeepFace's for ArcFace, 0.32": 0.32,
    # uniface/stores: the default of FAISS.search
    "UniFace's default, 0.40": 0.40,
}
# LFW shows these people under two names, or has an image of the one filed under the other; found
# among its nineteen most alike pairs of names. Twins and siblings there are different people.
SAME_PEOPLE = (
    ("Carlos_Beltran", "Raul_Ibanez"),
    ("Emmy_Rossum", "Eva_Amurri"),
    ("Bart_Hendricks", "Ricky_Ray"),
    ("Andrew_Caldecott", "Andrew_Gilligan"),
    ("Shinya_Taniguchi", "Takahiro_Mori"),
    ("Carlos_Ruckauf", "Eduardo_Duhalde"),
    ("Chyung_Dai-chul", "Dai_Chul_Chyung"),
    ("Noer_Moeis", "Noer_Muis"),
    ("Felipe_De_Borbon", "Prince_Felipe"),
    ("Choi_Sung-hong", "Sung_Hong_Choi"),
    ("Bison_Dele", "Brian_Williams"),
    ("Hasan_Wirayuda", "Hassan_Wirajuda"),
    ("Doc_Rivers", "Glenn_Rivers"),
)
# Spread of the made-up Scores between people, and of each comparison.
WOLF_SPREAD = 0.04
NOISE_SPREAD = 0.09
_SPLIT_STAGE = "Drawing galleries"
_EMBED_STAGE = "Embedding images"


@dataclass(frozen=True, slots=True)
class RuleRow:
    """How one rule for the Threshold did over all splits of one case.

    Attributes:
        n_people: enrolled, one image each.
        requested_fpir: what was asked for.
        rule: where the Threshold came from.
        threshold: median over the splits.
        measured_fpir: mean over the splits, on strangers never seen.
        kept: share of the splits in which no more strangers than asked for were taken for somebody.
        width: median of the bound over what is expected; None where nothing is promised.
        fnir: mean share of people searched for with another image who are not found; None without
            any.
        n_splits: how many.
        n_strangers: who searched in each.
    """

    n_people: int
    requested_fpir: float
    rule: str
    threshold: float
    measured_fpir: float
    kept: float
    width: float | None
    fnir: float | None
    n_splits: int
    n_strangers: int


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Scores between people, one image each, and of other images of some of them.

    Attributes:
        scores: (P, P) float32, between the first images.
        mated: (M, P) float32, of second images with all first images.
        mate: (M,) int64, whom each second image shows.
    """

    scores: NDArray[np.float32]
    mated: NDArray[np.float32]
    mate: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Trial:
    """One rule in one split."""

    threshold: float
    measured: float
    width: float | None
    fnir: float | None


def measure_calibration(
    folder: Path,
    out: Path,
    *,
    model: str = "default",
    aligned: bool = False,
    join_names: bool = True,
    sizes: Sequence[int] = tuple(CASES),
    n_splits: int = N_SPLITS,
    task: Task | None = None,
) -> list[RuleRow]:
    """Measure all cases on the images of a folder of people.

    Args:
        folder: one subfolder of images per Person.
        out: folder in which vectors are kept for the next time.
        model: embedder, as in ``facerec models list``.
        aligned: the images are Crops that ``facerec align`` wrote.
        join_names: take those whom LFW has under two names for one Person.
        sizes: how many people to enrol, of ``CASES``.
        n_splits: galleries drawn of each size.
        task: hears of progress and may stop the work.

    Raises:
        NotFoundError: there is no such folder or model.
        InputError: too few people.
        Cancelled: the task was stopped.
    """
    task = task or SilentTask()
    tools = Tools.open(EvaluateOptions(model=model, mirror=False))
    vectors, person = _vectors(folder, out, tools, task, aligned=aligned)
    if join_names:
        person = joined_names(person, [one.name for one in people_in_folder(folder)])
    faces = faces_of(vectors, person)
    fixed = {f"the model's card, {p.score:.2f}": p.score for p in tools.points[:1]} | RIVALS
    rows = []
    for size in sizes:
        if size >= len(faces.scores):
            raise InputError(f"The folder has {len(faces.scores):,} people; {size:,} are too many.")
        splits = [np.random.default_rng(seed).permutation(len(faces.scores)) for seed in
                  range(n_splits)]  # fmt: skip
        rows += _measure_size(faces, size, splits, fixed, tools.embedder.contract_id, task)
    return rows


def measure_made_up(
    sizes: Sequence[int] = tuple(CASES), *, n_splits: int = N_SPLITS, task: Task | None = None
) -> list[RuleRow]:
    """Measure all cases on made-up Scores, with the FPIR known exactly.

    The Score of two people is the sum of what each brings along to any comparison and of noise, all
    normal: some resemble many.

    Args:
        sizes: how many people to enrol, of ``CASES``.
        n_splits: galleries drawn of each size.
        task: hears of progress and may stop the work.

    Raises:
        Cancelled: the task was stopped.
    """
    task = task or SilentTask()
    rows = []
    for size in sizes:
        trials: dict[float, list[_Trial]] = {fpir: [] for fpir in CASES[size]}
        for seed in range(n_splits):
            task.step(_SPLIT_STAGE, seed, n_splits)
            scores, traits = made_up_scores(size, seed)
            searches = _among_themselves(scores)
            for fpir, done in trials.items():
                found = calibrate(searches, fpir, seed=seed)
                truth = known_fpir(found.threshold, traits)
                done.append(_Trial(found.threshold, truth, fpir / found.fpir, None))
        rows += [_row(size, fpir, "made-up scores", done, 0) for fpir, done in trials.items()]
    return rows


def made_up_scores(n_people: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return Scores (P, P) between made-up people, and what each brings along, (P,)."""
    rng = np.random.default_rng(seed)
    traits = rng.normal(0.0, WOLF_SPREAD, n_people)
    noise = rng.standard_normal((n_people, n_people), np.float32) * np.float32(NOISE_SPREAD)
    upper = np.triu(noise, 1)
    both = (traits[:, None] + traits[None, :]).astype(np.float32)
    return both + upper + upper.T, traits


def known_fpir(threshold: float, traits: NDArray[np.float64]) -> float:
    """Return the FPIR of a gallery of made-up people, by integrating over the stranger's trait.

    Args:
        threshold: smallest Score that counts.
        traits: (P,) of those enrolled.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(41)
    grid, log_below = _log_normal_cdf()
    heights = (threshold - traits[None, :] - WOLF_SPREAD * nodes[:, None]) / NOISE_SPREAD
    refused = np.exp(np.interp(heights, grid, log_below).sum(axis=1))
    return float(weights @ (1.0 - refused) / weights.sum())


@cache
def _log_normal_cdf() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    grid = np.linspace(-9.0, 9.0, 18_001)
    return grid, np.log([math.erfc(-x / math.sqrt(2.0)) / 2.0 for x in grid])


def faces_of(vectors: NDArray[np.float32], person: NDArray[np.int64]) -> Faces:
    """Compare the first image of each Person with each other, and second ones with all.

    Args:
        vectors: (N, D) float32 of unit length.
        person: (N,) int64, whom each shows.
    """
    _, first, index = np.unique(person, return_index=True, return_inverse=True)
    later = np.setdiff1d(np.arange(len(person)), first)
    second = later[np.unique(person[later], return_index=True)[1]]
    gallery = vectors[first]
    return Faces(gallery @ gallery.T, vectors[second] @ gallery.T, index[second])


def joined_names(person: NDArray[np.int64], names: Sequence[str]) -> NDArray[np.int64]:
    """Return whom images show, (N,), with those whom LFW has under two names as one Person.

    Args:
        person: (N,) number of each image's folder.
        names: of the folders.
    """
    joined = person.copy()
    for one, other in SAME_PEOPLE:
        if one in names and other in names:
            joined[person == names.index(other)] = names.index(one)
    return joined


def _measure_size(
    faces: Faces,
    size: int,
    splits: Sequence[NDArray[np.int64]],
    fixed: dict[str, float],
    contract_id: str,
    task: Task,
) -> list[RuleRow]:
    trials: dict[tuple[float, str], list[_Trial]] = {}
    for number, order in enumerate(splits):
        task.step(_SPLIT_STAGE, number, len(splits))
        enrolled, strangers = np.sort(order[:size]), np.sort(order[size:])
        best = faces.scores[np.ix_(strangers, enrolled)].max(axis=1)
        searches = _among_themselves(faces.scores[np.ix_(enrolled, enrolled)])
        mates = _mates(faces, enrolled)
        for fpir in CASES[size]:
            found = _calibrated(searches, fpir, contract_id)
            found |= {name: (score, None) for name, score in fixed.items()}
            for name, (threshold, width) in found.items():
                trial = _Trial(
                    threshold, float((best >= threshold).mean()), width, _fnir(mates, threshold)
                )
                trials.setdefault((fpir, name), []).append(trial)
    return [
        _row(size, fpir, name, done, len(faces.scores) - size)
        for (fpir, name), done in sorted(trials.items(), reverse=True)
    ]


def _calibrated(
    searches: StrangerSearches, fpir: float, contract_id: str
) -> dict[str, tuple[float, float | None]]:
    own = calibrate(searches, fpir)
    found: dict[str, tuple[float, float | None]] = {
        "own people alone": (own.threshold, fpir / own.fpir),
        "own people, no bound": (own.expected_threshold, None),
    }
    try:
        used, _ = find_threshold(searches, contract_id, fpir, searches.n_people)
        reference = find_reference(contract_id)
    except NotFoundError:
        return found
    other = calibrate_from_reference(reference, fpir, searches.n_people)
    return found | {
        "calibrated": (used.threshold, fpir / used.fpir),
        "reference alone": (other.threshold, fpir / other.fpir),
    }


def _among_themselves(scores: NDArray[np.float32]) -> StrangerSearches:
    np.fill_diagonal(scores, -np.inf)
    return StrangerSearches(
        scores.max(axis=1), np.arange(len(scores)), scores.argmax(axis=1), len(scores)
    )


def _mates(
    faces: Faces, enrolled: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Scores (m,) of second images with their own Person, and the best with anybody else."""
    chosen = np.flatnonzero(np.isin(faces.mate, enrolled))
    scores = faces.mated[np.ix_(chosen, enrolled)]
    at = np.arange(len(chosen)), np.searchsorted(enrolled, faces.mate[chosen])
    own = scores[at]
    scores[at] = -np.inf
    return own, scores.max(axis=1)


def _fnir(mates: tuple[NDArray[np.float32], NDArray[np.float32]], threshold: float) -> float | None:
    own, other = mates
    return float(((own < threshold) | (own <= other)).mean()) if len(own) else None


def _row(size: int, fpir: float, rule: str, trials: list[_Trial], n_strangers: int) -> RuleRow:
    widths = [trial.width for trial in trials if trial.width is not None]
    fnirs = [trial.fnir for trial in trials if trial.fnir is not None]
    return RuleRow(
        n_people=size,
        requested_fpir=fpir,
        rule=rule,
        threshold=float(np.median([trial.threshold for trial in trials])),
        measured_fpir=float(np.mean([trial.measured for trial in trials])),
        kept=float(np.mean([trial.measured <= fpir for trial in trials])),
        width=float(np.median(widths)) if widths else None,
        fnir=float(np.mean(fnirs)) if fnirs else None,
        n_splits=len(trials),
        n_strangers=n_strangers,
    )


def _vectors(
    folder: Path, out: Path, tools: Tools, task: Task, *, aligned: bool
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Vectors (N, D) of the images that show a Face, and whom they show, (N,)."""
    file = out / VECTORS_NAME
    key = f"{tools.embedder.contract_id} {folder.resolve()} {aligned}"
    if file.is_file():
        with np.load(file, allow_pickle=False) as stored:
            if str(stored["key"]) == key:
                return stored["vectors"], stored["person"]
    people = people_in_folder(folder)
    person = np.array([at for at, one in enumerate(people) for _ in one.images], dtype=np.int64)
    paths = [path for one in people for path in one.images]
    if aligned:
        vectors = embed_crops(paths, tools.embedder, task)
    else:
        acquired = tools.acquire(paths, task)
        vectors, person = acquired.vectors[acquired.found], person[acquired.found]
    out.mkdir(parents=True, exist_ok=True)
    np.savez(file, vectors=vectors, person=person, key=np.array(key))
    return vectors, person


def embed_crops(paths: Sequence[Path], embedder: Embedder, task: Task) -> NDArray[np.float32]:
    """Return the vectors (N, D) of Crops that ``facerec align`` wrote."""
    parts = []
    for at in range(0, len(paths), BATCH):
        task.step(_EMBED_STAGE, at, len(paths))
        crops = np.stack([read_image(path) for path in paths[at : at + BATCH]])
        parts.append(embedder.embed_vectors(crops))
    return np.concatenate(parts)
