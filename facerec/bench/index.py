"""Index benchmark: how long one search takes, what it misses, and how long a gallery takes to open.

Vectors are drawn as identities of ten each: around a random centre, so that two vectors of one
identity have a cosine of about 0.65 and of two identities about 0. Real faces lie less evenly; the
figures say what an index costs, not how well faces are told apart.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from facerec.errors import RangeError
from facerec.gallery.made_up import STAND_IN_CROP, add_made_up
from facerec.gallery.session import GalleryStore
from facerec.index.base import INDEXES, VectorIndex
from facerec.index.cache import INDEX_NAME
from facerec.index.faiss import MAX_EXACT
from facerec.progress import SilentTask, Task

DEFAULT_SIZES = (10_000, 100_000, 1_000_000)
DEFAULT_INDEXES = ("faiss-flat", "faiss-filtered")
DEFAULT_STARTUP_SIZE = 100_000
N_PROBES = 200
# Neighbours asked for in each search, as identification does.
N_NEIGHBOURS = 16
PER_IDENTITY = 10
INTRA_COSINE = 0.65
# One vector in so many is removed again before searching.
REMOVED_EVERY = 10
_ROWS_PER_STEP = 50_000
_BENCH_CONTRACT = "bench00000000000"


@dataclass(frozen=True, slots=True, eq=False)
class DrawnGallery:
    """Made-up vectors.

    Attributes:
        vectors: (N, D) float32 of unit length; row i belongs to identity i // ``PER_IDENTITY``.
        centres: (N / PER_IDENTITY, D) float32 of unit length.
    """

    vectors: NDArray[np.float32]
    centres: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class IndexFigures:
    """One index at one size, after one vector in ten was removed.

    Attributes:
        index: its name in the registry.
        n: vectors that were added.
        build_s: seconds to add all of them at once.
        remove_ms: milliseconds to remove one in ten at once.
        p50_ms: median of single searches, one thread.
        p99_ms: 99th percentile of the same.
        recall_at_1: share of probes whose nearest vector is the truly nearest one.
        identity_at_1: share of probes whose nearest vector is of their own identity.
        n_removed_found: removed vectors that were found all the same; must be 0.
        is_default: whether a gallery of this size uses this index.
    """

    index: str
    n: int
    build_s: float
    remove_ms: float
    p50_ms: float
    p99_ms: float
    recall_at_1: float
    identity_at_1: float
    n_removed_found: int
    is_default: bool


@dataclass(frozen=True, slots=True)
class StartupFigures:
    """A gallery opened in a new process, up to the answer of the first search.

    Attributes:
        n: Templates.
        from_file_s: seconds with an index file that is up to date.
        from_database_s: seconds when the index is built from the database (and saved at the end).
        import_s: seconds that loading the program took before, in neither of those.
        database_mb: size of the database, which has a short stand-in for each Crop.
    """

    n: int
    from_file_s: float
    from_database_s: float
    import_s: float
    database_mb: float


@dataclass(frozen=True, slots=True)
class IndexReport:
    """All figures.

    Attributes:
        max_exact: above this many vectors a gallery uses the filtered index.
        startup: None when that was not asked for.
    """

    max_exact: int
    dimension: int
    rows: tuple[IndexFigures, ...]
    startup: StartupFigures | None


def bench_index(
    *,
    sizes: Sequence[int] = DEFAULT_SIZES,
    indexes: Sequence[str] = DEFAULT_INDEXES,
    dimension: int = 512,
    startup_size: int | None = DEFAULT_STARTUP_SIZE,
    task: Task | None = None,
) -> IndexReport:
    """Measure indexes at several sizes, and the opening of a gallery.

    Args:
        sizes: how many vectors, multiples of ``PER_IDENTITY``.
        indexes: names in the registry.
        dimension: D.
        startup_size: Templates of the gallery to open; None leaves that out.
        task: receives progress.

    Raises:
        RangeError: a size is no multiple of ``PER_IDENTITY``.
        ConfigError: there is no such index.
    """
    import facerec.index.exact  # noqa: F401  (enters itself into the registry)

    task = task or SilentTask()
    rows: list[IndexFigures] = []
    n_steps = len(sizes) * len(indexes) + (startup_size is not None)
    for size in sizes:
        gallery = draw_gallery(size, dimension=dimension)
        probes, identities = draw_probes(gallery, N_PROBES)
        truth = nearest_rows(gallery.vectors, probes, removed_every=REMOVED_EVERY)
        task.step("index", len(rows), n_steps)
        built = [_build(name, gallery.vectors) for name in indexes]
        rows += _search_in_turns(built, size, probes, identities, truth)
    startup = None
    if startup_size is not None:
        task.step("start-up", len(rows), n_steps)
        startup = measure_startup(startup_size, dimension=dimension)
    task.step("index", n_steps, n_steps)
    return IndexReport(MAX_EXACT, dimension, tuple(rows), startup)


def draw_gallery(n: int, *, dimension: int = 512, seed: int = 0) -> DrawnGallery:
    """Draw N vectors of N / 10 identities.

    Args:
        n: N, a multiple of ``PER_IDENTITY``.
        dimension: D.
        seed: of the generator.

    Raises:
        RangeError: N is no positive multiple of ``PER_IDENTITY``.
    """
    if n < PER_IDENTITY or n % PER_IDENTITY:
        raise RangeError(f"A size is a multiple of {PER_IDENTITY}; got {n}.")
    rng = np.random.default_rng(seed)
    centres = _unit(rng, n // PER_IDENTITY, dimension)
    vectors = np.empty((n, dimension), np.float32)
    for start in range(0, n, _ROWS_PER_STEP):
        rows = np.arange(start, min(start + _ROWS_PER_STEP, n))
        vectors[rows] = _around(rng, centres[rows // PER_IDENTITY])
    return DrawnGallery(vectors, centres)


def draw_probes(
    gallery: DrawnGallery, n: int, *, seed: int = 1
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Draw new vectors of enrolled identities.

    Args:
        gallery: whose identities.
        n: B, how many.
        seed: of the generator.

    Returns:
        Vectors (B, D) of unit length, and their identities (B,).
    """
    rng = np.random.default_rng(seed)
    identities = rng.integers(0, len(gallery.centres), n)
    return _around(rng, gallery.centres[identities]), identities


def nearest_rows(
    vectors: NDArray[np.float32], probes: NDArray[np.float32], *, removed_every: int
) -> NDArray[np.int64]:
    """Find the truly nearest row of each probe, passing over the removed ones.

    Args:
        vectors: (N, D).
        probes: (B, D).
        removed_every: rows 0, this, twice this, ... do not count.

    Returns:
        Row numbers (B,).
    """
    best_rows = np.zeros(len(probes), np.int64)
    best_scores = np.full(len(probes), -np.inf, np.float32)
    for start in range(0, len(vectors), _ROWS_PER_STEP):
        scores = probes @ vectors[start : start + _ROWS_PER_STEP].T
        scores[:, (-start) % removed_every :: removed_every] = -np.inf
        rows = scores.argmax(axis=1)
        found = scores[np.arange(len(probes)), rows]
        better = found > best_scores
        best_rows[better], best_scores[better] = rows[better] + start, found[better]
    return best_rows


@dataclass(frozen=True, slots=True, eq=False)
class _Built:
    name: str
    index: VectorIndex
    build_s: float
    remove_s: float


def _build(name: str, vectors: NDArray[np.float32]) -> _Built:
    n, dimension = vectors.shape
    index = INDEXES.get(name)(dimension)
    ids = np.arange(1, n + 1, dtype=np.int64)
    start = time.perf_counter()
    index.add(ids, vectors)
    added = time.perf_counter()
    index.remove(ids[::REMOVED_EVERY])
    return _Built(name, index, added - start, time.perf_counter() - added)


def _search_in_turns(
    built: Sequence[_Built],
    n: int,
    probes: NDArray[np.float32],
    identities: NDArray[np.int64],
    truth: NDArray[np.int64],
) -> list[IndexFigures]:
    """Give every index its turn at each probe, so that a busy moment of the machine hits all."""
    seconds = np.zeros((len(built), len(probes)))
    found = np.zeros((len(built), len(probes)), np.int64)
    n_removed_found = [0] * len(built)
    for each in built:
        each.index.search(probes[:1], N_NEIGHBOURS)
    for column in range(len(probes)):
        for row, each in enumerate(built):
            start = time.perf_counter()
            result = each.index.search(probes[column : column + 1], N_NEIGHBOURS)
            seconds[row, column] = time.perf_counter() - start
            rows = result.ids[0] - 1
            found[row, column] = rows[0]
            n_removed_found[row] += int((rows % REMOVED_EVERY == 0).sum())
    return [
        IndexFigures(
            index=each.name,
            n=n,
            build_s=each.build_s,
            remove_ms=1e3 * each.remove_s,
            p50_ms=1e3 * float(np.percentile(seconds[row], 50)),
            p99_ms=1e3 * float(np.percentile(seconds[row], 99)),
            recall_at_1=float((found[row] == truth).mean()),
            identity_at_1=float((found[row] // PER_IDENTITY == identities).mean()),
            n_removed_found=n_removed_found[row],
            is_default=each.name == ("faiss-flat" if n <= MAX_EXACT else "faiss-filtered"),
        )
        for row, each in enumerate(built)
    ]


def measure_startup(n: int, *, dimension: int = 512, n_runs: int = 5) -> StartupFigures:
    """Open a gallery of N Templates in new processes, with and without an index file.

    Args:
        n: N, a multiple of ``PER_IDENTITY``.
        dimension: D.
        n_runs: processes for each of the two; their medians count.
    """
    with tempfile.TemporaryDirectory(prefix="facerec-bench-") as name:
        folder = Path(name)
        fill_gallery(folder, draw_gallery(n, dimension=dimension).vectors)
        _open_once(folder, dimension)  # so that every run finds the files in memory
        from_file = [_open_once(folder, dimension) for _ in range(n_runs)]
        from_database = []
        for _ in range(n_runs):
            (folder / INDEX_NAME).unlink(missing_ok=True)
            from_database.append(_open_once(folder, dimension))
        database_mb = (folder / "gallery.db").stat().st_size / 1e6
    return StartupFigures(
        n=n,
        from_file_s=median(run["open_s"] for run in from_file),
        from_database_s=median(run["open_s"] for run in from_database),
        import_s=median(run["import_s"] for run in from_file),
        database_mb=database_mb,
    )


def fill_gallery(
    folder: Path, vectors: NDArray[np.float32], *, crop_png: bytes = STAND_IN_CROP
) -> None:
    """Write a gallery of made-up people, ten Templates each, in one transaction.

    Args:
        folder: a new one.
        vectors: (N, D) float32 of unit length.
        crop_png: stored as every Template's Crop.
    """
    with GalleryStore.open(folder) as store, store.write() as session:
        add_made_up(
            session,
            vectors,
            contract_id=_BENCH_CONTRACT,
            per_person=PER_IDENTITY,
            at=datetime.now(UTC),
            crop_png=crop_png,
        )


# What a new process does: load, open, search once; then say how long each took.
_OPENING = """
import json, sys, time
from pathlib import Path
start = time.perf_counter()
import numpy as np
from facerec.services.gallery import open_gallery
loaded = time.perf_counter()
gallery = open_gallery(Path(sys.argv[1]), create=False)
query = np.zeros((1, int(sys.argv[2])), np.float32)
query[0, 0] = 1
with gallery.store.read() as session:
    found = gallery.candidates(session, query, sys.argv[3])
answered = time.perf_counter()
assert len(found[0]) == 3
gallery.close()
print(json.dumps({"import_s": loaded - start, "open_s": answered - loaded}))
"""


def _open_once(folder: Path, dimension: int) -> dict[str, float]:
    command = [sys.executable, "-c", _OPENING, str(folder), str(dimension), _BENCH_CONTRACT]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _unit(rng: np.random.Generator, n: int, dimension: int) -> NDArray[np.float32]:
    vectors = rng.standard_normal((n, dimension), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def _around(rng: np.random.Generator, centres: NDArray[np.float32]) -> NDArray[np.float32]:
    """Draw one vector near each centre; two near the same one have ``INTRA_COSINE`` on average."""
    noise = _unit(rng, *centres.shape)
    vectors = (
        np.float32(INTRA_COSINE**0.5) * centres + np.float32((1 - INTRA_COSINE) ** 0.5) * noise
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32)
