"""From image files to vectors, with every failure counted: detect, choose a Face, align, embed.

In come paths, out come unit vectors in the same order. An image in which no Face is found, or which
cannot be read, keeps its place and its reason: it is a failure to acquire, never dropped. Knows
nothing of people or error rates.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from facerec.align.warp import align_face
from facerec.detect.base import Detector, PrimaryPolicy, primary_face
from facerec.embed.base import Embedder
from facerec.errors import ConfigError, DegenerateLandmarksError, ImageReadError, ImageTooLargeError
from facerec.evaluate.so_far import Watch
from facerec.imaging.read import read_image
from facerec.progress import SilentTask, Task

# Crops embedded in one call.
BATCH = 32
STAGE = "Embedding images"
NO_FACE = "No face was found."


@dataclass(frozen=True, slots=True, eq=False)
class Acquired:
    """The vectors of a list of images.

    Attributes:
        paths: N images.
        vectors: (N, D) float32, unit length; zero where no Face was found.
        others: name -> (N, D') the same of another embedder (mirror averaging, another network).
        boxes: (N, 4) float32, left, top, right, bottom of the chosen Face in pixels.
        n_faces: (N,) int64, how many Faces were found.
        failures: row -> why there is no vector.
    """

    paths: tuple[Path, ...]
    vectors: NDArray[np.float32]
    others: Mapping[str, NDArray[np.float32]]
    boxes: NDArray[np.float32]
    n_faces: NDArray[np.int64]
    failures: dict[int, str]

    @property
    def found(self) -> NDArray[np.bool_]:
        """(N,) whether there is a vector."""
        found = np.ones(len(self.paths), dtype=np.bool_)
        found[list(self.failures)] = False
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """What is kept of one image.

    Attributes:
        vector: (D,) float32; empty when no Face was found.
        others: one (D',) float32 for each other embedder; none when no Face was found.
        box_xyxy: (4,) float32, pixels.
        n_faces: how many Faces were found.
        failure: why there is no vector; empty when there is one.
    """

    vector: NDArray[np.float32]
    others: tuple[NDArray[np.float32], ...]
    box_xyxy: NDArray[np.float32]
    n_faces: int
    failure: str = ""


@dataclass(eq=False)
class VectorCache:
    """Sightings on disk by digest of the image file, so that a second evaluation is quick.

    The file holds vectors of people's faces: it exists only when asked for, and may be deleted at
    any time.

    Attributes:
        path: the file, one per embedding contract and detector setting.
        sightings: digest -> what is kept.
    """

    path: Path
    sightings: dict[str, Sighting] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path, key: str) -> VectorCache:
        """Load the cache of ``key`` from a folder; an absent one is empty.

        Args:
            folder: where caches lie.
            key: everything the vectors depend on, in words.

        Raises:
            ConfigError: the file is damaged.
        """
        name = hashlib.sha256(key.encode()).hexdigest()[:16]
        cache = cls(folder / f"vectors-{name}.npz")
        if cache.path.is_file():
            cache._load()
        return cache

    def save(self) -> None:
        """Write the cache, whole or not at all."""
        sightings = list(self.sightings.values())
        n_others = max((len(s.others) for s in sightings), default=0)
        none = np.empty(0, dtype=np.float32)
        columns = [[s.vector for s in sightings]] + [
            [s.others[at] if s.others else none for s in sightings] for at in range(n_others)
        ]
        vectors: dict[str, Any] = {
            f"vectors_{at}": _stacked(column, max((len(v) for v in column), default=0))
            for at, column in enumerate(columns)
        }
        buffer = io.BytesIO()
        np.savez(
            buffer,
            digests=np.array(list(self.sightings), dtype="U64"),
            boxes=_stacked([s.box_xyxy for s in sightings], 4),
            n_faces=np.array([s.n_faces for s in sightings], dtype=np.int64),
            failures=np.array([s.failure for s in sightings], dtype=np.str_),
            **vectors,
        )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.path, buffer.getvalue())

    def _load(self) -> None:
        try:
            with self.path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
                columns = {name: stored[name] for name in stored.files}
            none = np.empty(0, dtype=np.float32)
            n_others = sum(name.startswith("vectors_") for name in columns) - 1
            others = [columns[f"vectors_{at + 1}"] for at in range(n_others)]
            for row, digest in enumerate(columns["digests"]):
                failure = str(columns["failures"][row])
                self.sightings[str(digest)] = Sighting(
                    none if failure else columns["vectors_0"][row],
                    () if failure else tuple(other[row] for other in others),
                    columns["boxes"][row],
                    int(columns["n_faces"][row]),
                    failure,
                )
        except (OSError, ValueError, LookupError, EOFError, BadZipFile) as exc:
            raise ConfigError(
                f"The cache {self.path} is damaged.", remedy="Delete it and start again."
            ) from exc


def acquire(
    paths: Sequence[Path],
    detector: Detector,
    embedder: Embedder,
    *,
    others: Mapping[str, Embedder] | None = None,
    policy: PrimaryPolicy = PrimaryPolicy.CENTRAL,
    cache: VectorCache | None = None,
    watch: Watch | None = None,
    task: Task | None = None,
) -> Acquired:
    """Embed the one Face that counts of each image.

    Args:
        paths: N images.
        detector: finds the Faces.
        embedder: turns Crops into vectors.
        others: name -> further embedders of the same Crops, measured beside the first.
        policy: which Face counts where there are several.
        cache: remembers images seen before; saved also when the work is stopped.
        watch: hears of the first embedder's vectors as they come.
        task: hears of progress and may stop the work.

    Returns:
        One row per image in the same order.

    Raises:
        Cancelled: the task was stopped.
    """
    others = others or {}
    worker = _Worker(
        detector, [embedder, *others.values()], policy, cache, watch, task or SilentTask()
    )
    try:
        sightings = worker.run(paths)
    finally:
        if cache is not None and worker.n_new:
            cache.save()
    none = np.empty(0, dtype=np.float32)
    return Acquired(
        tuple(paths),
        _stacked([s.vector for s in sightings], embedder.dimension),
        {
            name: _stacked([none if s.failure else s.others[at] for s in sightings], one.dimension)
            for at, (name, one) in enumerate(others.items())
        },
        _stacked([s.box_xyxy for s in sightings], 4),
        np.array([s.n_faces for s in sightings], dtype=np.int64),
        {row: s.failure for row, s in enumerate(sightings) if s.failure},
    )


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


class _Worker:
    """Goes through the images one by one and embeds their Crops in batches."""

    def __init__(
        self,
        detector: Detector,
        embedders: Sequence[Embedder],
        policy: PrimaryPolicy,
        cache: VectorCache | None,
        watch: Watch | None,
        task: Task,
    ) -> None:
        self.detector = detector
        self.embedders = embedders
        self.crop_size_px = embedders[0].crop_size_px
        self.policy = policy
        self.known = {} if cache is None else cache.sightings
        self.task = task
        self.watch = watch
        self.n_told = 0
        self.n_new = 0
        self.waiting: list[tuple[str, NDArray[np.uint8], NDArray[np.float32], int]] = []

    def run(self, paths: Sequence[Path]) -> list[Sighting]:
        digests: list[str] = []
        for path in paths:
            self.task.step(STAGE, len(digests), len(paths))
            digests.append(self._look(path))
            if len(self.waiting) == BATCH:
                self._embed()
                self._tell(digests)
        self._embed()
        self._tell(digests)
        self.task.step(STAGE, len(paths), len(paths))
        return [self.known[digest] for digest in digests]

    def _tell(self, digests: list[str]) -> None:
        """Let the one who watches have the vectors that came since the last time."""
        if self.watch is not None:
            new = [self.known[digest] for digest in digests[self.n_told :]]
            vectors = _stacked([one.vector for one in new], self.embedders[0].dimension)
            self.watch(self.n_told, vectors, np.array([not one.failure for one in new], np.bool_))
            self.n_told = len(digests)

    def _look(self, path: Path) -> str:
        try:
            content = path.read_bytes()
        except OSError as exc:
            digest = f"unreadable:{path}"
            self._fail(digest, f"It cannot be read: {exc.strerror}.")
            return digest
        digest = hashlib.sha256(content).hexdigest()
        is_waiting = any(digest == other for other, *_ in self.waiting)
        if digest not in self.known and not is_waiting:
            self.n_new += 1
            self._detect(digest, content)
        return digest

    def _detect(self, digest: str, content: bytes) -> None:
        try:
            image = read_image(content)
            faces = self.detector.detect(image)
            if not faces:
                self._fail(digest, NO_FACE)
                return
            face = primary_face(faces, (image.shape[0], image.shape[1]), self.policy)
            crop = align_face(image, face.landmarks, size=self.crop_size_px)
        except (ImageReadError, ImageTooLargeError, DegenerateLandmarksError) as exc:
            self._fail(digest, exc.message)
            return
        self.waiting.append((digest, crop, face.box_xyxy, len(faces)))

    def _fail(self, digest: str, reason: str) -> None:
        none = np.empty(0, dtype=np.float32)
        self.known[digest] = Sighting(none, (), np.zeros(4, np.float32), 0, reason)

    def _embed(self) -> None:
        if not self.waiting:
            return
        crops = np.stack([crop for _, crop, _, _ in self.waiting])
        first, *others = [embedder.embed_vectors(crops) for embedder in self.embedders]
        for row, (digest, _, box, n_faces) in enumerate(self.waiting):
            self.known[digest] = Sighting(
                first[row], tuple(other[row] for other in others), box, n_faces
            )
        self.waiting.clear()


def _stacked(rows: Sequence[NDArray[np.float32]], width: int) -> NDArray[np.float32]:
    stacked = np.zeros((len(rows), width), dtype=np.float32)
    for at, row in enumerate(rows):
        if row.size:
            stacked[at] = row
    return stacked
