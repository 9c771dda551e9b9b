"""A pack: aligned crops in one array file with one line of text a crop.

A folder with ``crops.npy`` (N, S, S, 3) uint8 RGB and ``items.jsonl`` (source, person, file).
Training maps the array into memory, so that a batch costs neither decoding nor opening files. Packs
are made from folders of aligned crops (``facerec align``) by ``pack_folders``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facerec.imaging.read import list_images, read_image
from facerec.progress import SilentTask, Task
from training.errors import DatasetError

CROPS_NAME = "crops.npy"
ITEMS_NAME = "items.jsonl"

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
            lines = (folder / ITEMS_NAME).read_text(encoding="utf-8").splitlines()
            self.items = [PackItem(**json.loads(line)) for line in lines]
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
        """(N,) whether each item is kept for development."""
        return np.array([item.is_held_out for item in self.items])

    def labels(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Number the people of some rows.

        Args:
            rows: (M,) positions in the pack; each must have a person.

        Returns:
            (M,) labels 0..C-1 in order of (source, person).
        """
        names = [f"{self.items[row].source}/{self.items[row].person}" for row in rows]
        return np.unique(names, return_inverse=True)[1].astype(np.int64)


def write_pack(folder: Path, crops: NDArray[np.uint8], items: Sequence[PackItem]) -> None:
    """Write a pack.

    Args:
        folder: made if missing.
        crops: (N, S, S, 3) uint8.
        items: N items.
    """
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / CROPS_NAME, crops)
    text = "\n".join(json.dumps(asdict(item), ensure_ascii=False) for item in items)
    (folder / ITEMS_NAME).write_text(text + "\n", encoding="utf-8")


def pack_folders(
    sources: Sequence[Path],
    folder: Path,
    *,
    same_people: Sequence[str] = (),
    task: Task | None = None,
) -> int:
    """Gather aligned crops ``source/person/image`` of one or several sources into a pack.

    Args:
        sources: folders with one subfolder per person; a folder's name becomes the source's name.
            Images that lie in a source itself have no identity. A person whose folder name holds
            ``_`` is grouped by the part before it (``F0001_MID1``: family ``F0001``).
        folder: where the pack is written.
        same_people: sources that name the same people alike; a person is then held out of all of
            them or of none.
        task: receives progress.

    Returns:
        How many crops were packed.

    Raises:
        DatasetError: there is no image, or the crops differ in size.
    """
    task = task or SilentTask()
    found = [(source, path) for source in sources for path in list_images(source)]
    for source in sources:
        if not any(of == source for of, _ in found):
            raise DatasetError(
                f"There is no image in {source}.", remedy="Align a folder of people."
            )
    first = read_image(found[0][1])
    crops = np.empty((len(found), *first.shape), np.uint8)
    items: list[PackItem] = []
    for done, (source, path) in enumerate(found):
        relative = path.relative_to(source)
        person = relative.parts[0] if len(relative.parts) > 1 else ""
        family = same_people[0] if source.name in same_people else source.name
        group = f"{family}:{person.partition('_')[0]}" if person else ""
        crop = read_image(path)
        if crop.shape != first.shape:
            raise DatasetError(
                f"The crop {path} has another size than the first one.",
                remedy="Align all of them with one --size.",
            )
        crops[done] = crop
        items.append(PackItem(source.name, person, group, relative.as_posix()))
        task.step("pack", done + 1, len(found))
    write_pack(folder, crops, items)
    return len(items)
