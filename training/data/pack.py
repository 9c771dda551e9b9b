"""A pack: aligned crops in one array file with one line of text a crop.

A folder with ``crops.npy`` (N, S, S, 3) uint8 RGB and ``items.jsonl`` (source, person, file).
Training maps the array into memory, so that a batch costs neither decoding nor opening files. Packs
are made from folders and archives of aligned crops (``facerec align``) by ``pack_sources``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facerec.errors import ImageReadError, ImageTooLargeError
from facerec.imaging.read import read_image
from facerec.progress import SilentTask, Task
from training.data.names import plain_name
from training.data.sources.base import CropFile, Skipped, Source, SourceLog
from training.data.sources.opening import open_sources
from training.errors import DatasetError

CROPS_NAME = "crops.npy"
ITEMS_NAME = "items.jsonl"
SKIPPED_NAME = "skipped.jsonl"
DEFAULT_SIDE_PX = 112
# A crop is small; what is far larger is no crop, and is not worth its memory.
MAX_CROP_PIXELS = 16_000_000

# Changing it changes who is held out and makes older figures incomparable.
HELD_OUT_SALT = "facerec-held-out-1"
# One group in five never takes part in training.
HELD_OUT_ONE_IN = 5


@dataclass(frozen=True, slots=True)
class PackItem:
    """One crop of a pack.

    Attributes:
        source: name of the data set it came from.
        person: identity within the source; empty when unknown.
        group: unit of the held-out split; people of one group (a family, one celebrity in two
            sources) always stay together.
        file: where the image lay in its source.
    """

    source: str
    person: str
    group: str
    file: str

    @property
    def is_held_out(self) -> bool:
        """Whether this item is kept for development and never trained on."""
        return bool(self.group) and is_held_out(self.group)


def is_held_out(group: str) -> bool:
    """Decide by a hash of the group's name, before anything is trained.

    Args:
        group: name of a family or person.
    """
    digest = hashlib.sha256(f"{HELD_OUT_SALT}:{group}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % HELD_OUT_ONE_IN == 0


class CropPack:
    """A pack opened for reading.

    Attributes:
        folder: where it lies.
        crops: (N, S, S, 3) uint8, mapped read-only.
        items: N items in the same order.
    """

    def __init__(self, folder: Path) -> None:
        """Open a pack.

        Raises:
            DatasetError: it is missing, or its two files do not belong together.
        """
        self.folder = folder
        try:
            self.crops: NDArray[np.uint8] = np.load(
                folder / CROPS_NAME, mmap_mode="r", allow_pickle=False
            )
            # Not ``splitlines``: names may hold other signs that end a line.
            lines = (folder / ITEMS_NAME).read_text(encoding="utf-8").split("\n")
            self.items = [PackItem(**json.loads(line)) for line in lines if line]
        except FileNotFoundError as exc:
            raise DatasetError(
                f"There is no training pack in {folder}.",
                remedy="Make one: facerec align FOLDER CROPS, then facerec train pack CROPS OUT.",
            ) from exc
        except (OSError, EOFError, ValueError, TypeError) as exc:
            raise DatasetError(
                f"The pack in {folder} is damaged: {exc}.",
                remedy="Make it again with facerec train pack.",
            ) from exc
        if len(self.items) != len(self.crops) or not self.items:
            raise DatasetError(
                f"The pack in {folder} has {len(self.crops)} crops and {len(self.items)} items.",
                remedy="Make it again with facerec train pack.",
            )

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def held_out(self) -> NDArray[np.bool_]:
        """(N,) whether each item is kept for development.

        Raises:
            DatasetError: a person is held out and trained on.
        """
        split = Split()
        return np.array([split.add(item) for item in self.items])

    def labels(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Number the people of some rows.

        Args:
            rows: (M,) positions in the pack; each must have a person.

        Returns:
            (M,) labels 0..C-1 in order of (source, person).
        """
        names = [f"{self.items[row].source}/{self.items[row].person}" for row in rows]
        return np.unique(names, return_inverse=True)[1].astype(np.int64)


class Split:
    """Checks, item by item, that nobody is both held out and trained on."""

    def __init__(self) -> None:
        self._sides: dict[tuple[str, str], tuple[bool, PackItem]] = {}
        self._groups: dict[str, bool] = {}

    def add(self, item: PackItem) -> bool:
        """Return whether an item is held out.

        Sources that share their people have the first part of the group in common; there, names
        that differ in case, accents or underscores are one person.

        Raises:
            DatasetError: the same person was on the other side before.
        """
        if not item.person:
            return item.is_held_out
        if item.group not in self._groups:
            self._groups[item.group] = item.is_held_out
        side = self._groups[item.group]
        family = item.group.partition(":")[0]
        for key in {(item.source, item.person), (family, plain_name(item.person) or item.person)}:
            known, other = self._sides.setdefault(key, (side, item))
            if known != side:
                raise DatasetError(
                    f"{other.source}/{other.person} and {item.source}/{item.person} are one "
                    "person, who would be held out and trained on.",
                    remedy="Write the name in one way in all sources.",
                )
        return side

    def people(self) -> Iterator[tuple[PackItem, bool]]:
        """Yield one item of each person and whether that person is held out."""
        for (source, person), (side, item) in self._sides.items():
            if (source, person) == (item.source, item.person):
                yield item, side


def write_pack(folder: Path, crops: NDArray[np.uint8], items: Sequence[PackItem]) -> None:
    """Write a pack.

    Args:
        folder: made if missing.
        crops: (N, S, S, 3) uint8.
        items: N items.
    """
    with _PackWriter.open(folder, crops.shape[1]) as writer:
        for crop, item in zip(crops, items, strict=True):
            writer.add(crop, item)


@dataclass(frozen=True, slots=True)
class PackReport:
    """What went into a pack and what did not.

    Attributes:
        n_crops: crops packed.
        n_people: people in all, told apart by source.
        skipped: images that could not be read; also in the pack's ``skipped.jsonl``.
        notes: sentences about whole sources.
    """

    n_crops: int
    n_people: int
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...]


def pack_sources(
    given: Sequence[Path],
    folder: Path,
    *,
    side_px: int = DEFAULT_SIDE_PX,
    resize: bool = False,
    same_people: Sequence[str] = (),
    task: Task | None = None,
) -> PackReport:
    """Gather the aligned crops of one or several sources into a pack.

    Args:
        given: see ``open_sources``. A folder within a source is a person; images outside of folders
            have no identity. A person whose name holds ``_`` is grouped by the part before it
            (``F0001_MID1``: family ``F0001``).
        folder: where the pack is written, whole or not at all.
        side_px: S, side of the crops.
        resize: bring square images of other sizes to that side.
        same_people: sources that name the same people alike; a person is then held out of all of
            them or of none.
        task: receives progress.

    Raises:
        DatasetError: a source cannot be opened or holds no image; a crop has another size; somebody
            would be held out and trained on; or there is a pack already.
    """
    task = task or SilentTask()
    if (folder / CROPS_NAME).exists():
        raise DatasetError(
            f"There is a pack in {folder} already.", remedy="Delete it, or name another folder."
        )
    sources = open_sources(given)
    unknown = set(same_people) - {source.name for source in sources}
    if unknown:
        raise DatasetError(
            f"No source is called {', '.join(sorted(unknown))}.",
            remedy="Sources are called: " + ", ".join(source.name for source in sources) + ".",
        )
    log, split = SourceLog(), Split()
    with _PackWriter.open(folder, side_px) as writer:
        for source in sources:
            shared = same_people[0] if source.name in same_people else source.name
            n_before = writer.n_crops
            for crop, found in read_crops(source, log, side_px=side_px, resize=resize, task=task):
                group = f"{shared}:{found.person.partition('_')[0]}" if found.person else ""
                item = PackItem(source.name, found.person, group, found.file)
                split.add(item)
                writer.add(crop, item)
            if writer.n_crops == n_before:
                raise _nothing_in(source, log)
        writer.add_skipped(log.skipped)
    notes = (*log.notes, *_alike_on_both_sides(split))
    n_people = sum(1 for _ in split.people())
    return PackReport(writer.n_crops, n_people, tuple(log.skipped), notes)


def read_crops(
    source: Source,
    log: SourceLog,
    *,
    side_px: int = DEFAULT_SIDE_PX,
    resize: bool = False,
    task: Task | None = None,
) -> Iterator[tuple[NDArray[np.uint8], CropFile]]:
    """Decode the crops of a source, (S, S, 3) uint8 each; unreadable ones are logged.

    Args:
        source: what is read.
        log: hears of what cannot be read.
        side_px: S.
        resize: bring square images of other sizes to that side.
        task: receives progress.

    Raises:
        DatasetError: an image has another size.
    """
    task, n_images = task or SilentTask(), source.n_images
    for done, found in enumerate(source.crops(log)):
        try:
            crop = read_image(found.content, max_pixels=MAX_CROP_PIXELS)
        except (ImageReadError, ImageTooLargeError) as exc:
            log.skipped.append(Skipped(source.name, found.file, exc.message))
            continue
        yield _with_side(crop, side_px, f"{source.name}/{found.file}", resize=resize), found
        task.step(f"read {source.name}", done + 1, max(n_images, done + 1))


def _with_side(
    crop: NDArray[np.uint8], side_px: int, name: str, *, resize: bool
) -> NDArray[np.uint8]:
    height, width = crop.shape[:2]
    if height == width == side_px:
        return crop
    if not resize or height != width:
        hint = ", or pack with --resize" if height == width else ""
        raise DatasetError(
            f"{name} has {width} x {height} pixels and is no crop of {side_px} x {side_px}.",
            remedy=f"Align the images first: facerec align FOLDER CROPS{hint}.",
        )
    size = (side_px, side_px)
    return np.asarray(Image.fromarray(crop).resize(size, Image.Resampling.BICUBIC))


def _nothing_in(source: Source, log: SourceLog) -> DatasetError:
    of_source = [one for one in log.skipped if one.source == source.name]
    if of_source:
        return DatasetError(
            f"None of the {len(of_source)} images in {source.name} can be read.",
            remedy=f"The first, {of_source[0].file}: {of_source[0].reason}",
        )
    return DatasetError(
        f"There is no image in {source.name}.",
        remedy=" ".join(log.notes) or "Align a folder of people.",
    )


def _alike_on_both_sides(split: Split) -> list[str]:
    """Warn of names that are held out in one source and trained on in another."""
    by_name: dict[str, dict[bool, PackItem]] = {}
    for item, side in split.people():
        if name := plain_name(item.person):
            by_name.setdefault(name, {}).setdefault(side, item)
    torn = [sides for sides in by_name.values() if len(sides) > 1]
    if not torn:
        return []
    first = [f"{item.source}/{item.person}" for item in torn[0].values()]
    note = (
        f"Names held out in one source and trained on in another: {len(torn)}, such as "
        f"{' and '.join(first)}; if they mean the same people, name the sources in --same-people."
    )
    return [note]


class _PackWriter:
    """Writes crops as they come, so that memory does not limit a pack.

    Attributes:
        n_crops: crops written.
    """

    def __init__(self, crops: BinaryIO, items: BinaryIO, skipped: BinaryIO, side_px: int) -> None:
        self.n_crops = 0
        self._crops, self._items, self._skipped = crops, items, skipped
        self._side_px = side_px
        self._write_header()
        self._start = crops.tell()

    @classmethod
    @contextmanager
    def open(cls, folder: Path, side_px: int) -> Iterator[_PackWriter]:
        """Hand out a writer; the files get their names when the body has ended well."""
        folder.mkdir(parents=True, exist_ok=True)
        names = (CROPS_NAME, ITEMS_NAME, SKIPPED_NAME)
        parts = [folder / f"{name}.part" for name in names]
        try:
            with (
                parts[0].open("wb") as crops,
                parts[1].open("wb") as items,
                parts[2].open("wb") as skipped,
            ):
                writer = cls(crops, items, skipped, side_px)
                yield writer
                writer.finish()
            for part, name in zip(parts, names, strict=True):
                part.replace(folder / name)
        finally:
            for part in parts:
                part.unlink(missing_ok=True)

    def add(self, crop: NDArray[np.uint8], item: PackItem) -> None:
        """Write one crop, (S, S, 3) uint8, and its item."""
        self._crops.write(np.ascontiguousarray(crop).data)
        self._items.write(_line(item))
        self.n_crops += 1

    def add_skipped(self, skipped: Sequence[Skipped]) -> None:
        """Write what was passed over."""
        self._skipped.writelines(map(_line, skipped))

    def finish(self) -> None:
        """Write the final number of crops into the header."""
        self._crops.seek(0)
        self._write_header()
        if self._crops.tell() != self._start:
            raise RuntimeError("The header of crops.npy has changed its length.")

    def _write_header(self) -> None:
        # NumPy leaves room in the header for the first axis to grow.
        shape = (self.n_crops, self._side_px, self._side_px, 3)
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._crops, header)


def _line(entry: PackItem | Skipped) -> bytes:
    return (json.dumps(asdict(entry), ensure_ascii=False) + "\n").encode("utf-8")
