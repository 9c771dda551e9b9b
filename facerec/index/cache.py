"""An index kept in step with the database, in memory and in a file.

The database is the truth. Every change of a vector there draws a new random token, and an index is
right exactly when it carries the same token. In memory an older index is caught up by id (ids are
never reused, and the vector of an id does not change under one contract); only where older ids came
back, by an undo, all ids are compared. A file with another token is not trusted at all, since the
database may have been restored from a backup meanwhile, and is made again: reading all vectors of
100,000 Templates takes less than a second. What was removed from the database must not stay in the
file, so the file is deleted as soon as a vector was removed.
"""

from __future__ import annotations

import contextlib
import json
import os
import uuid
import zlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from facerec.errors import IndexCorruptError, IndexStaleError
from facerec.index.base import VectorIndex, contained
from facerec.index.faiss import fits, open_index

INDEX_NAME = "vectors.index"
# Below this many vectors, reading them from the database is as fast as reading a file of them.
MIN_SAVED = 5_000
_MAGIC = b"FACEREC-INDEX-1\n"
_MAX_HEADER_BYTES = 4096
# Bytes hashed or copied at a time.
_STEP_BYTES = 2**24


class VectorSource(Protocol):
    """The database's vectors of one contract, as one moment shows them.

    Attributes:
        gallery_uuid: which gallery.
        revision: the revision that last changed a vector.
        token: drawn at random by that change.
        returned_revision: the revision that last brought vectors of older ids back.
        contract_id: whose vectors; empty while nobody is enrolled.
    """

    gallery_uuid: str
    revision: int
    token: str
    returned_revision: int
    contract_id: str

    def dimension(self) -> int:
        """Length of the vectors; 0 when there are none."""
        ...

    def count(self, *, up_to_id: int | None = None) -> int:
        """How many vectors there are, with ids up to and including ``up_to_id``."""
        ...

    def ids(self) -> NDArray[np.int64]:
        """Ids of all vectors, (N,), rising."""
        ...

    def vectors(self, *, after_id: int = 0) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Ids (N,), rising, and vectors (N, D) with ids above ``after_id``."""
        ...


@dataclass(frozen=True, slots=True)
class IndexStamp:
    """Which vectors an index holds.

    Attributes:
        gallery_uuid: of which gallery.
        revision: as of which revision.
        token: that revision's token.
        contract_id: made under which contract.
        dimension: D.
        count: how many.
        sketch_kind: see ``VectorIndex``.
        sketch_bytes: W, bytes of one sketch.
    """

    gallery_uuid: str
    revision: int
    token: str
    contract_id: str
    dimension: int
    count: int
    sketch_kind: str = ""
    sketch_bytes: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class IndexContents:
    """What an index file holds.

    Attributes:
        ids: (N,) int64, rising.
        vectors: (N, D) float32.
        sketches: (N, W) uint8.
    """

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    sketches: NDArray[np.uint8]


class IndexCache:
    """The index of one gallery.

    Attributes:
        path: where its file lies.
        stamp: what the index in memory holds; None before the first ``refresh``.
    """

    def __init__(self, folder: Path, *, min_saved: int = MIN_SAVED) -> None:
        self.path = folder / INDEX_NAME
        self.stamp: IndexStamp | None = None
        self._min_saved = min_saved
        self._index: VectorIndex | None = None
        self._saved_token: str | None = None

    def refresh(self, source: VectorSource) -> VectorIndex | None:
        """Return an index that holds exactly the vectors of ``source``.

        Returns:
            The index; None when there are no vectors.

        Raises:
            DatabaseCorruptError: the vectors in the database are damaged.
        """
        stamp = self.stamp
        if stamp is None:
            if not self._load(source):
                self._rebuild(source)
        elif stamp.token != source.token or stamp.contract_id != source.contract_id:
            if _can_catch_up(stamp, source):
                self._catch_up(source)
            else:
                self._rebuild(source)
        return self._index

    def rebuild(self, source: VectorSource) -> VectorIndex | None:
        """Read all vectors again, whatever is there, and write the file anew.

        Returns:
            The index; None when there are no vectors.

        Raises:
            DatabaseCorruptError: the vectors in the database are damaged.
        """
        self.forget_file()
        self._rebuild(source)
        self.save(source)
        return self._index

    def forget_file(self) -> None:
        """Delete the file, because a vector in it was removed from the gallery.

        Raises:
            OSError: it is there and cannot be deleted.
        """
        self.path.unlink(missing_ok=True)
        self._saved_token = None

    def forget_unfinished_files(self) -> None:
        """Delete what a program that was killed while saving left behind; it holds vectors too.

        Raises:
            OSError: one is there and cannot be deleted.
        """
        for leftover in self.path.parent.glob(f"{self.path.name}.*.tmp"):
            leftover.unlink(missing_ok=True)

    def destroy_files(self) -> None:
        """Overwrite the file, and what is left of unfinished ones, and delete them.

        Raises:
            OSError: one is there and cannot be overwritten.
        """
        for path in (self.path, *self.path.parent.glob(f"{self.path.name}.*.tmp")):
            with contextlib.suppress(FileNotFoundError), path.open("rb+") as stream:
                size = path.stat().st_size
                for start in range(0, size, _STEP_BYTES):
                    stream.write(bytes(min(_STEP_BYTES, size - start)))
                stream.flush()
                os.fsync(stream.fileno())
        self.forget_file()
        self.forget_unfinished_files()

    def save(self, source: VectorSource) -> bool:
        """Write the file if it is not up to date and large enough to be worth it.

        The file is a cache: when it cannot be written, the gallery works without it.

        Args:
            source: the vectors as they are now; an index behind them is not written, since it may
                hold what was removed.

        Returns:
            Whether it was written.
        """
        stamp, index = self.stamp, self._index
        if stamp is None or index is None or stamp.count < self._min_saved:
            return False
        if stamp.token == self._saved_token or stamp.token != source.token:
            return False
        ids = index.ids()
        try:
            contents = IndexContents(ids, index.vectors_of(ids), index.sketches_of(ids))
            write_index_file(self.path, replace(stamp, sketch_kind=index.sketch_kind), contents)
        except OSError:
            return False
        self._saved_token = stamp.token
        return True

    def _load(self, source: VectorSource) -> bool:
        """Take the index from the file, if it is the one wanted; else delete the file."""
        try:
            stamp, contents = read_index_file(self.path, expected_token=source.token)
        except FileNotFoundError:
            return False
        except (OSError, IndexCorruptError, IndexStaleError):
            with contextlib.suppress(OSError):
                self.path.unlink()
            return False
        index = open_index(stamp.dimension, stamp.count)
        reusable = stamp.sketch_bytes and stamp.sketch_kind == index.sketch_kind
        index.add(contents.ids, contents.vectors, contents.sketches if reusable else None)
        self._index, self.stamp, self._saved_token = index, stamp, stamp.token
        return True

    def _rebuild(self, source: VectorSource) -> None:
        dimension = source.dimension()
        count = 0
        self._index = None
        if dimension:
            ids, vectors = source.vectors()
            count = int(ids.size)
            self._index = open_index(dimension, count)
            self._index.add(ids, vectors)
        self.stamp = _stamp(source, dimension, count)

    def _catch_up(self, source: VectorSource) -> None:
        """Bring in what was added and removed since the index's own revision."""
        index, stamp = self._index, self.stamp
        if index is None or stamp is None or not fits(index, source.count()):
            self._rebuild(source)
            return
        own = index.ids()
        known_up_to = int(own[-1]) if own.size else 0
        came_back = stamp.revision < source.returned_revision
        if came_back or source.count(up_to_id=known_up_to) != own.size:
            now = source.ids()
            index.remove(own[~contained(own, now)])
            missing = now[~contained(now, own)]
            known_up_to = min(known_up_to, int(missing[0]) - 1) if missing.size else known_up_to
        ids, vectors = source.vectors(after_id=known_up_to)
        is_new = ~contained(ids, index.ids())
        if is_new.any():
            index.add(ids[is_new], vectors[is_new])
        self.stamp = _stamp(source, stamp.dimension, len(index))


def read_index_file(
    path: Path, *, expected_token: str | None = None
) -> tuple[IndexStamp, IndexContents]:
    """Read and verify an index file.

    Args:
        path: of the file.
        expected_token: refuse another one before reading on.

    Returns:
        Which vectors it holds, and they themselves.

    Raises:
        FileNotFoundError: it is not there.
        IndexCorruptError: it is damaged: cut off, too long, or its checksum differs.
        IndexStaleError: it has another token.
    """
    with path.open("rb") as stream:
        stamp, checksum = _read_header(stream)
        if expected_token is not None and stamp.token != expected_token:
            raise IndexStaleError("The index file belongs to another revision of the gallery.")
        start = stream.tell()
        n, n_values = stamp.count, stamp.count * stamp.dimension
        n_sketch_bytes = n * stamp.sketch_bytes
        if path.stat().st_size != start + 8 * n + 4 * n_values + n_sketch_bytes:
            raise _damaged()
        ids = np.fromfile(stream, "<i8", n)
        vectors = np.fromfile(stream, "<f4", n_values)
        sketches = np.fromfile(stream, np.uint8, n_sketch_bytes)
    if (ids.size, vectors.size, sketches.size) != (n, n_values, n_sketch_bytes):
        raise _damaged()
    if _checksum(ids, vectors, sketches) != checksum or (np.diff(ids) <= 0).any():
        raise _damaged()
    return stamp, IndexContents(
        ids,
        vectors.reshape(n, stamp.dimension),
        sketches.reshape(n, stamp.sketch_bytes),
    )


def write_index_file(path: Path, stamp: IndexStamp, contents: IndexContents) -> None:
    """Write an index file in one step: whoever reads sees the old one or the new one, whole.

    Args:
        path: of the file.
        stamp: which vectors it holds; its ``sketch_bytes`` is taken from the contents.
        contents: the vectors.

    Raises:
        OSError: it cannot be written; an older file is still there.
    """
    ids = np.ascontiguousarray(contents.ids, "<i8")
    vectors = np.ascontiguousarray(contents.vectors, "<f4")
    sketches = np.ascontiguousarray(contents.sketches)
    fields = asdict(replace(stamp, sketch_bytes=sketches.shape[1]))
    header = json.dumps({**fields, "crc32": _checksum(ids, vectors, sketches)}).encode()
    making = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with making.open("wb") as stream:
            stream.write(_MAGIC + header + b"\n")
            ids.tofile(stream)
            vectors.tofile(stream)
            sketches.tofile(stream)
            stream.flush()
            os.fsync(stream.fileno())
        making.replace(path)
    finally:
        making.unlink(missing_ok=True)


def _read_header(stream: BinaryIO) -> tuple[IndexStamp, int]:
    if stream.read(len(_MAGIC)) != _MAGIC:
        raise _damaged()
    try:
        fields = json.loads(stream.readline(_MAX_HEADER_BYTES))
        checksum = fields.pop("crc32")
        stamp = IndexStamp(**fields)
    except (ValueError, TypeError, KeyError, AttributeError) as exc:
        raise _damaged() from exc
    numbers = (stamp.revision, stamp.dimension, stamp.count, stamp.sketch_bytes, checksum)
    if not all(isinstance(number, int) and number >= 0 for number in numbers):
        raise _damaged()
    return stamp, checksum


def _checksum(*arrays: NDArray[Any]) -> int:
    total = 0
    for array in arrays:
        flat = array.reshape(-1).view(np.uint8)
        for start in range(0, flat.size, _STEP_BYTES):
            total = zlib.crc32(flat[start : start + _STEP_BYTES].data, total)
    return total


def _can_catch_up(stamp: IndexStamp, source: VectorSource) -> bool:
    """Say whether ``source`` is a later state of what the index holds, under the same contract."""
    same = (stamp.gallery_uuid, stamp.contract_id) == (source.gallery_uuid, source.contract_id)
    return same and source.revision > stamp.revision


def _stamp(source: VectorSource, dimension: int, count: int) -> IndexStamp:
    return IndexStamp(
        source.gallery_uuid, source.revision, source.token, source.contract_id, dimension, count
    )


def _damaged() -> IndexCorruptError:
    return IndexCorruptError(
        "The index file is damaged.", remedy="It is made anew: facerec gallery reindex."
    )
