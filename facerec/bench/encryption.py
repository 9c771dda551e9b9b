"""What encryption costs: enrolling, searching and starting up, with and without, in turns.

The galleries are equal: made-up people of ten Templates each, all with a Crop of random pixels, as
large as a real one or somewhat larger. Starting up is opening the gallery and one search, in this
process; a passphrase is turned into a key each time, a key from the keyring is not. Beside the time
on the wall stands the processor's, which says what encryption itself costs on a busy machine.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from facerec.bench.harness import Ratio, ratio_of_medians
from facerec.bench.index import PER_IDENTITY, draw_gallery, draw_probes, fill_gallery
from facerec.errors import RangeError
from facerec.gallery.backends.sqlcipher import key_of, new_secret
from facerec.gallery.crops import png_from_crop
from facerec.match.rule import MatchRule
from facerec.progress import SilentTask, Task
from facerec.services.encrypt import encrypt
from facerec.services.enroll import EnrollOptions, SeenFace, enroll_seen
from facerec.services.gallery import OpenGallery, open_gallery
from facerec.types import Embedding

PLAIN, PASSPHRASE, KEYRING = "plain", "passphrase", "random key"
_JOBS = ("start up", "search", "enrol")
_CROP_SIDE_PX = 112
_SEARCHES = 10
# (job, gallery) -> seconds on the wall and of the processor, per round
_Seconds = dict[tuple[str, str], list[tuple[float, float]]]
_CONTRACT = "bench00000000000"


@dataclass(frozen=True, slots=True)
class EncryptionFigures:
    """One job.

    Attributes:
        job: ``start up``, ``search`` or ``enrol``.
        gallery: how it is encrypted.
        median_ms: of one, on the wall.
        ratio: to the plain gallery, round against round; None for that itself.
        cpu_ms: median of one, of the processor.
        cpu_ratio: likewise.
    """

    job: str
    gallery: str
    median_ms: float
    ratio: Ratio | None
    cpu_ms: float
    cpu_ratio: Ratio | None


@dataclass(frozen=True, slots=True)
class EncryptionReport:
    """All figures.

    Attributes:
        n: Templates in each gallery.
        n_rounds: how often each job was done on each.
        plain_mb, encrypted_mb: size of the database file.
    """

    n: int
    n_rounds: int
    plain_mb: float
    encrypted_mb: float
    rows: tuple[EncryptionFigures, ...]


def bench_encryption(
    *, n: int = 10_000, n_rounds: int = 20, dimension: int = 512, task: Task | None = None
) -> EncryptionReport:
    """Do the same jobs on equal galleries in turns.

    Args:
        n: Templates in each, a multiple of ten.
        n_rounds: of each job.
        dimension: of the vectors.
        task: receives progress.

    Raises:
        RangeError: a number is too small.
        DependencyError: SQLCipher is not installed.
    """
    if n < 3 * PER_IDENTITY or n % PER_IDENTITY or n_rounds < 1:
        raise RangeError(
            f"At least {3 * PER_IDENTITY} templates, a multiple of {PER_IDENTITY}, and one round."
        )
    task = task or SilentTask()
    seconds: _Seconds = {}
    with tempfile.TemporaryDirectory(prefix="facerec-bench-") as scratch, ExitStack() as stack:
        folders = _equal_galleries(Path(scratch), n, dimension)
        sizes = {name: (path / "gallery.db").stat().st_size / 1e6 for name, path in folders.items()}
        jobs = _Jobs(n, dimension)
        for folder in folders.values():  # fills the page cache; not counted
            jobs.start_up(folder)
        opened = {name: stack.enter_context(open_gallery(path)) for name, path in folders.items()}
        for gallery in opened.values():
            jobs.search(gallery)
        for done in range(n_rounds):
            task.step("rounds", done, n_rounds)
            for name in _turn(list(folders), done):
                calls = {
                    "start up": partial(jobs.start_up, folders[name]),
                    "search": partial(jobs.search, opened[name]),
                    "enrol": partial(jobs.enrol, opened[name], done),
                }
                for job, call in calls.items():
                    seconds.setdefault((job, name), []).append(_timed(call))
        task.step("rounds", n_rounds, n_rounds)
    rows = tuple(_figures(job, name, seconds) for job in _JOBS for name in folders)
    return EncryptionReport(n, n_rounds, sizes[PLAIN], sizes[PASSPHRASE], rows)


def _timed(call: Callable[[], None]) -> tuple[float, float]:
    """Seconds on the wall and of the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


def _equal_galleries(scratch: Path, n: int, dimension: int) -> dict[str, Path]:
    plain = scratch / PLAIN
    fill_gallery(plain, draw_gallery(n, dimension=dimension).vectors, crop_png=_random_png(0))
    secrets = {PASSPHRASE: "several words for a benchmark", KEYRING: new_secret()}
    folders = {PLAIN: plain}
    for name, secret in secrets.items():
        folders[name] = Path(shutil.copytree(plain, scratch / name))
        encrypt(folders[name], secret)
    return folders


class _Jobs:
    """What is measured; the same faces for every gallery."""

    def __init__(self, n: int, dimension: int) -> None:
        self._probes, _ = draw_probes(draw_gallery(n, dimension=dimension), _SEARCHES)
        self._dimension = dimension

    def start_up(self, folder: Path) -> None:
        """Open a gallery and search once, as a program does that begins."""
        key_of.cache_clear()
        with open_gallery(folder, create=False) as gallery, gallery.store.read() as session:
            gallery.candidates(session, self._probes[:1], _CONTRACT)

    def search(self, gallery: OpenGallery) -> None:
        """Search several times, a face at a time."""
        for probe in self._probes:
            with gallery.store.read() as session:
                gallery.candidates(session, probe[None], _CONTRACT)

    def enrol(self, gallery: OpenGallery, number: int) -> None:
        """Enrol a new Person with one face."""
        rng = np.random.default_rng(10_000 + number)
        vector = rng.standard_normal(self._dimension).astype(np.float32)
        crop = rng.integers(0, 256, (_CROP_SIDE_PX, _CROP_SIDE_PX, 3), np.uint8)
        face = SeenFace(crop, Embedding(vector / np.linalg.norm(vector), _CONTRACT), 1.0)
        outcome = enroll_seen(
            gallery,
            f"New {number}",
            [face],
            rule=MatchRule(0.9),
            options=EnrollOptions(allow_conflict=True),
        )
        if not outcome.is_done:
            raise RuntimeError("A made-up face was refused.")


def _random_png(seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    return png_from_crop(rng.integers(0, 256, (_CROP_SIDE_PX, _CROP_SIDE_PX, 3), np.uint8))


def _turn(names: list[str], done: int) -> list[str]:
    """Begin each round with another one, so that no one always profits from the one before."""
    first = done % len(names)
    return names[first:] + names[:first]


def _figures(job: str, name: str, seconds: _Seconds) -> EncryptionFigures:
    per = _SEARCHES if job == "search" else 1
    medians, ratios = [], []
    for own, plain in zip(
        zip(*seconds[job, name], strict=True), zip(*seconds[job, PLAIN], strict=True), strict=True
    ):
        medians.append(float(np.median(own)) * 1000 / per)
        ratios.append(None if name == PLAIN else ratio_of_medians(own, plain))
    return EncryptionFigures(job, name, medians[0], ratios[0], medians[1], ratios[1])
