"""InsightFace's verification sets (``lfw.bin``, ``cfp_fp.bin`` ...): aligned crops and their pairs.

Such a file is a pickle of two lists: the encoded images, two a pair, and whether each pair shows
one Person. A pickle can run any program, so this one is looked through before it is read: only
opcodes that make lists, tuples, bytes, booleans and integers pass, and the two functions by which
old protocols write bytes are replaced by one that can do nothing else.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facerec.embed.base import Embedder
from facerec.errors import ImageReadError, ImageTooLargeError, InputError, NotFoundError
from facerec.evaluate.acquire import BATCH, STAGE, Acquired
from facerec.evaluate.pairs import Pair, PairList
from facerec.imaging.read import read_image
from facerec.progress import SilentTask, Task

BIN_ENDING = ".bin"
# As InsightFace and LFW View 2 divide them: ten parts in the order of the file.
N_FOLDS = 10
MAX_BIN_BYTES = 2**31
# A crop is small; what is far larger is none.
MAX_CROP_PIXELS = 16_000_000
# Far more than a million images need.
MAX_OPCODES = 20_000_000
_OPCODES = re.compile(
    "PROTO|FRAME|STOP|MARK|(EMPTY_)?(LIST|TUPLE)|TUPLE[123]|APPENDS?"
    "|INT|BININT[12]?|LONG1?|NEWTRUE|NEWFALSE"
    "|(SHORT_)?BINBYTES|BINBYTES8|(SHORT_)?BINSTRING|STRING"
    "|(SHORT_)?BINUNICODE|UNICODE|(STACK_)?GLOBAL|REDUCE"
    "|MEMOIZE|PUT|GET|(LONG_)?BIN(PUT|GET)"
)
_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
# How protocols 0 to 2 write bytes: as text, encoded when it is read, and empty ones by the type.
_BYTES_MAKERS = frozenset({("_codecs", "encode"), ("builtins", "bytes"), ("__builtin__", "bytes")})
_LATIN_1 = frozenset({"latin1", "latin-1"})
# What the unpickler raises on damaged files.
_FAULTS = (
    pickle.UnpicklingError,
    EOFError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    OverflowError,
    RuntimeError,
    MemoryError,
    AssertionError,
)


@dataclass(frozen=True, slots=True, eq=False)
class BinPairs:
    """Images and pairs of a verification set.

    Attributes:
        file: where they were read from.
        images: encoded images, 2P of them; pair p compares images 2p and 2p + 1.
        same: (P,) bool, whether a pair shows the same Person.
    """

    file: Path
    images: tuple[bytes, ...]
    same: NDArray[np.bool_]

    def pair_list(self) -> PairList:
        """Return the pairs in ten folds of the file's order, as a list read elsewhere would be."""
        n_folds = N_FOLDS if len(self.same) >= N_FOLDS else 1
        folds = np.array_split(np.arange(len(self.same)), n_folds)
        pairs = tuple(
            Pair(self._name(2 * row), self._name(2 * row + 1), bool(self.same[row]), fold, row + 1)
            for fold, rows in enumerate(folds)
            for row in rows.tolist()
        )
        return PairList(self.file, pairs, n_folds, is_aligned=True)

    def names(self) -> tuple[Path, ...]:
        """Name the images, ``lfw.bin/image 1`` the first; no such files exist."""
        return tuple(self._name(row) for row in range(len(self.images)))

    def _name(self, row: int) -> Path:
        return self.file / f"image {row + 1}"


def read_bin(file: Path) -> BinPairs:
    """Read a verification set.

    Args:
        file: the ``.bin`` file.

    Raises:
        NotFoundError: it cannot be read.
        InputError: it is too large, damaged, holds anything else, or lacks pairs of one kind.
    """
    try:
        if file.stat().st_size > MAX_BIN_BYTES:
            raise InputError(f"{file.name} has more than {MAX_BIN_BYTES // 2**30} GiB.")
        content = file.read_bytes()
    except OSError as exc:
        raise NotFoundError(
            f"The verification set {file} cannot be read.", remedy="Check its name and permissions."
        ) from exc
    try:
        with warnings.catch_warnings():
            # A damaged text may hold a backslash that begins no escape.
            warnings.simplefilter("ignore", DeprecationWarning)
            _look_through(content)
            value = _Unpickler(content).load()
    except _FAULTS as exc:
        raise _refused(file) from exc
    images, same = _checked(value, file)
    if len(set(same)) != 2:
        raise InputError(
            f"{file.name} needs pairs of the same person and of different people.",
            remedy="Without them no error rate can be measured.",
        )
    return BinPairs(file, images, np.array(same, dtype=np.bool_))


def acquire_bin(
    pairs: BinPairs,
    embedder: Embedder,
    *,
    others: Mapping[str, Embedder] | None = None,
    task: Task | None = None,
) -> Acquired:
    """Embed the crops of a verification set as they are, without looking for Faces.

    Args:
        pairs: the set.
        embedder: turns Crops into vectors.
        others: name -> another embedder of crops of that size, measured beside it.
        task: hears of progress and may stop the work.

    Returns:
        One row per image; one that cannot be decoded is a failure with its reason.

    Raises:
        InputError: an image has another size than the embedder's Crops.
        Cancelled: the task was stopped.
    """
    task, side = task or SilentTask(), embedder.crop_size_px
    n_images = len(pairs.images)
    embedders = {"": embedder, **(others or {})}
    vectors = {
        name: np.zeros((n_images, each.dimension), np.float32) for name, each in embedders.items()
    }
    failures: dict[int, str] = {}
    for start in range(0, n_images, BATCH):
        task.step(STAGE, start, n_images)
        crops: dict[int, NDArray[np.uint8]] = {}
        for row in range(start, min(start + BATCH, n_images)):
            try:
                crops[row] = _crop(pairs, row, side)
            except (ImageReadError, ImageTooLargeError) as exc:
                failures[row] = exc.message
        if crops:
            batch = np.stack(list(crops.values()))
            for name, each in embedders.items():
                vectors[name][list(crops)] = each.embed_vectors(batch)
    task.step(STAGE, n_images, n_images)
    boxes = np.tile(np.array([0, 0, side, side], np.float32), (n_images, 1))
    n_faces = np.ones(n_images, np.int64)
    n_faces[list(failures)] = 0
    return Acquired(pairs.names(), vectors.pop(""), vectors, boxes, n_faces, failures)


def _crop(pairs: BinPairs, row: int, side: int) -> NDArray[np.uint8]:
    crop = read_image(pairs.images[row], max_pixels=MAX_CROP_PIXELS)
    height, width = crop.shape[:2]
    if (height, width) != (side, side):
        raise InputError(
            f"Image {row + 1} of {pairs.file.name} has {width} x {height} pixels, and the model "
            f"takes crops of {side} x {side}.",
            remedy="Use a set of aligned crops of that size.",
        )
    return crop


class _Unpickler(pickle.Unpickler):
    """Knows no name but those of two functions, and puts its own in their place."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content), encoding="bytes")
        self._n_left = len(content)

    def find_class(self, module: str, name: str) -> Callable[..., bytes]:
        """See ``pickle.Unpickler``."""
        if (module, name) not in _BYTES_MAKERS:
            raise pickle.UnpicklingError(f"{module}.{name} has no place here")
        return self._bytes_from_text

    def _bytes_from_text(self, text: object = "", encoding: object = "latin1") -> bytes:
        if not isinstance(text, str) or encoding not in _LATIN_1:
            raise pickle.UnpicklingError("no bytes")
        # One text may be named many times; all bytes together are no more than the file.
        self._n_left -= len(text)
        if self._n_left < 0:
            raise pickle.UnpicklingError("more bytes than there are")
        return text.encode("latin-1")


def _look_through(content: bytes) -> None:
    """Refuse opcodes that have no place here, and numbers that would take memory."""
    for count, (opcode, argument, _) in enumerate(pickletools.genops(content)):
        if not _OPCODES.fullmatch(opcode.name) or count > MAX_OPCODES:
            raise pickle.UnpicklingError(f"{opcode.name} has no place here")
        # The unpickler makes room for as many places as the highest number says.
        if opcode.name in _PUTS and isinstance(argument, int) and argument > count:
            raise pickle.UnpicklingError("a place that cannot be reached")


def _checked(value: object, file: Path) -> tuple[tuple[bytes, ...], tuple[bool, ...]]:
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise _refused(file)
    images, same = value
    if not isinstance(images, tuple | list) or not isinstance(same, tuple | list):
        raise _refused(file)
    if not all(isinstance(image, bytes) for image in images) or not _all_binary(same):
        raise _refused(file)
    if len(images) != 2 * len(same):
        raise InputError(
            f"{file.name} has {len(images)} images and {len(same)} pairs; each pair needs two.",
            remedy="Fetch the file again.",
        )
    return tuple(images), tuple(bool(one) for one in same)


def _all_binary(values: Sequence[object]) -> bool:
    return all(isinstance(value, int) and value in (0, 1) for value in values)


def _refused(file: Path) -> InputError:
    return InputError(
        f"{file.name} is damaged or no verification set: two lists, of images and of booleans.",
        remedy="Nothing in it was run; fetch the file again, from a source you trust.",
    )
