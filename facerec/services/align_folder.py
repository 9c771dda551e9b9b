"""Cut the aligned face from every image of a folder, in parallel, resumable.

Each finished image is a line in ``aligned.jsonl`` in the output folder: a second run goes on where
the first one stopped, and refused images keep their reason.
"""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

from facerec.align.warp import align_face
from facerec.detect.base import Detector, PrimaryPolicy, primary_face
from facerec.errors import ConfigError, FacerecError, ManyFacesError, NoFaceError, RangeError
from facerec.imaging.draw import write_image
from facerec.imaging.read import list_images, read_image
from facerec.progress import SilentTask, Task
from facerec.services.detect import open_detector
from facerec.types import Crop, ImageRGB

JOURNAL = "aligned.jsonl"
REFUSE = "refuse"
# Images a worker takes at once: enough to hide the hand-over, few enough to stop quickly.
_CHUNK = 4
_MAX_ENLARGE = 8.0
_MAX_PAD = 4.0


@dataclass(frozen=True, slots=True)
class AlignOptions:
    """How images become crops.

    Attributes:
        size_px: side of the crop.
        suffix: ``.png``, ``.jpg`` or ``.webp``.
        faces: which face of several: ``refuse``, ``largest``, ``central`` or ``certain``.
        enlarge: factor by which an image is enlarged before detection, for faces that are too small
            to be found; the crop is cut from the original pixels.
        pad: border added on each side before detection, in parts of the image's side, for crops
            that a face fills; landmarks on such crops come out too wide without it.
        detector: name of the detector.
        min_face_px: smallest face, in pixels of the enlarged image.
        device: what to compute on.
    """

    size_px: int = 112
    suffix: str = ".png"
    faces: str = PrimaryPolicy.LARGEST.value
    enlarge: float = 1.0
    pad: float = 0.0
    detector: str = "mtcnn"
    min_face_px: int = 40
    device: str = "cpu"

    def __post_init__(self) -> None:
        if not 1.0 <= self.enlarge <= _MAX_ENLARGE:
            raise RangeError(f"The enlargement lies in [1, {_MAX_ENLARGE:g}]; got {self.enlarge}.")
        if not 0.0 <= self.pad <= _MAX_PAD:
            raise RangeError(f"The border lies in [0, {_MAX_PAD:g}]; got {self.pad}.")
        if self.faces not in {REFUSE, *PrimaryPolicy}:
            raise RangeError(f"There is no way to choose a face called {self.faces!r}.")


@dataclass(frozen=True, slots=True)
class AlignSummary:
    """What became of a folder.

    Attributes:
        n_done: images that gave a crop, in this run and earlier ones.
        n_refused: images that gave none.
        n_skipped: how many of both an earlier run had finished.
        refusals: path within the folder -> the reason, for all refused images.
    """

    n_done: int
    n_refused: int
    n_skipped: int
    refusals: dict[str, str]


def align_folder(
    source: Path,
    target: Path,
    options: AlignOptions,
    *,
    n_processes: int = 0,
    task: Task | None = None,
) -> AlignSummary:
    """Write one crop for each image below ``source`` to the same relative path below ``target``.

    Args:
        source: folder of images, searched to any depth.
        target: folder for the crops; it is created. An earlier run with the same options goes on.
        options: how images become crops.
        n_processes: how many processes work; 0 means one per core.
        task: receives progress; stopping it loses nothing that was finished.

    Raises:
        ConfigError: ``source`` holds no image, or ``target`` holds crops made with other options.
        Cancelled: the task was stopped.
    """
    task = task or SilentTask()
    names = [path.relative_to(source) for path in list_images(source)]
    if not names:
        raise ConfigError(f"There is no image in the folder {source}.", remedy="Name another one.")
    target.mkdir(parents=True, exist_ok=True)
    finished = _read_journal(target / JOURNAL, options)
    todo = [name for name in names if name.as_posix() not in finished]
    n_skipped = len(names) - len(todo)
    task.step("images", n_skipped, len(names))
    workers = min(n_processes or os.cpu_count() or 1, max(len(todo), 1))
    work = [
        (name.as_posix(), crop.as_posix()) for name, crop in _crops(names, options.suffix, todo)
    ]
    with _journal(target / JOURNAL, options) as journal:
        for done, (name, error) in enumerate(_results(source, target, work, options, workers)):
            finished[name] = error
            _append(journal, {"image": name, "error": error})
            task.step("images", n_skipped + done + 1, len(names))
    here = {name.as_posix() for name in names}
    refusals = {name: why for name, why in finished.items() if why and name in here}
    return AlignSummary(len(names) - len(refusals), len(refusals), n_skipped, refusals)


def align_image(image: ImageRGB, detector: Detector, options: AlignOptions) -> Crop:
    """Cut the face from one image.

    Args:
        image: (H, W, 3) uint8.
        detector: what detects.
        options: how.

    Returns:
        (S, S, 3) uint8.

    Raises:
        NoFaceError: none was found.
        ManyFacesError: several were found and ``options.faces`` refuses that.
    """
    prepared, offset_xy = _prepared(image, options)
    faces = detector.detect(prepared)
    if not faces:
        raise NoFaceError("No face was found.", remedy="Try a larger --enlarge or --pad.")
    if options.faces == REFUSE:
        if len(faces) > 1:
            raise ManyFacesError(
                f"{len(faces)} faces were found.", remedy="Choose one with --faces."
            )
        face = faces[0]
    else:
        height, width = prepared.shape[:2]
        face = primary_face(faces, (height, width), PrimaryPolicy(options.faces))
    # Pixel centres are whole numbers, so half a pixel takes part in the change of scale.
    landmarks = (face.landmarks + 0.5) / options.enlarge - 0.5 - offset_xy
    return align_face(image, landmarks, size=options.size_px)


def _prepared(image: ImageRGB, options: AlignOptions) -> tuple[ImageRGB, np.ndarray]:
    """Pad, then enlarge; returns the image and the padding (x, y) in pixels before enlarging."""
    height, width = image.shape[:2]
    pad_y, pad_x = round(height * options.pad), round(width * options.pad)
    padded = np.pad(image, ((pad_y, pad_y), (pad_x, pad_x), (0, 0)))
    if options.enlarge > 1.0:
        size = (
            round(padded.shape[1] * options.enlarge),
            round(padded.shape[0] * options.enlarge),
        )
        padded = np.asarray(Image.fromarray(padded).resize(size, Image.Resampling.BICUBIC))
    return np.ascontiguousarray(padded), np.array([pad_x, pad_y], dtype=np.float64)


def _results(
    source: Path,
    target: Path,
    work: list[tuple[str, str]],
    options: AlignOptions,
    workers: int,
) -> Iterator[tuple[str, str | None]]:
    if not work:
        return
    # Spawned, not forked: the parent may have started inference threads.
    with ProcessPoolExecutor(
        workers,
        mp_context=get_context("spawn"),
        initializer=_start_worker,
        initargs=(source, target, options),
    ) as pool:
        try:
            yield from pool.map(_work, work, chunksize=_CHUNK)
        finally:
            pool.shutdown(cancel_futures=True)


class _Worker:
    """What one process keeps between images."""

    current: _Worker | None = None

    def __init__(self, source: Path, target: Path, options: AlignOptions) -> None:
        self.source = source
        self.target = target
        self.options = options
        self.detector = open_detector(
            options.detector,
            device=options.device,
            n_threads=1,
            min_face_px=options.min_face_px,
        )


def _start_worker(source: Path, target: Path, options: AlignOptions) -> None:
    # Ctrl-C reaches every process; the parent alone decides, so that finished work is recorded.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _Worker.current = _Worker(source, target, options)


def _work(names: tuple[str, str]) -> tuple[str, str | None]:
    name, crop_name = names
    worker = _Worker.current
    if worker is None:
        raise RuntimeError("The worker was not started.")
    try:
        crop = align_image(read_image(worker.source / name), worker.detector, worker.options)
        path = worker.target / crop_name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_image(path, crop)
    except FacerecError as exc:
        return name, exc.message
    return name, None


def _crops(names: list[Path], suffix: str, todo: list[Path]) -> list[tuple[Path, Path]]:
    """Name the crops; where only suffixes differ they are kept, so that none is overwritten."""
    n_of_stem = Counter(name.with_suffix("") for name in names)
    return [
        (
            name,
            name.with_suffix(suffix)
            if n_of_stem[name.with_suffix("")] == 1
            else name.with_name(name.name + suffix),
        )
        for name in todo
    ]


@contextmanager
def _journal(path: Path, options: AlignOptions) -> Iterator[IO[str]]:
    """Open the journal; a line cut short by a kill is ended, so that the next one is whole."""
    content = path.read_bytes() if path.exists() else b""
    with path.open("a", encoding="utf-8") as journal:
        if not content:
            _append(journal, {"options": asdict(options)})
        elif not content.endswith(b"\n"):
            journal.write("\n")
        yield journal


def _append(journal: IO[str], line: dict[str, object]) -> None:
    journal.write(json.dumps(line) + "\n")
    journal.flush()


def _read_journal(path: Path, options: AlignOptions) -> dict[str, str | None]:
    """Return what earlier runs finished; a last line cut short by a kill is done again."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    entries = []
    for line in lines:
        try:
            entries.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    if entries and entries[0].get("options") != asdict(options):
        raise ConfigError(
            f"The folder {path.parent} holds crops made with other options.",
            remedy=f"Use another folder, or delete {path} to begin anew.",
        )
    return {entry["image"]: entry["error"] for entry in entries[1:]}
