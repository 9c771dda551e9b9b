"""Lists of pairs and folders of people: what is to be compared, read and checked before any work.

In comes a folder or a file, out come paths of images that exist, with who is who. Every mistake in
a list is refused with its line number; nothing is skipped. Knows nothing of faces or Scores.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from facerec.errors import InputError, NotFoundError
from facerec.imaging.read import list_images

LFW_VARIABLE = "FACEREC_LFW"
PAIRS_FILE = "pairs.txt"
IMAGES_FOLDER = "images"
# The file names of LFW are <name>_<number, four digits>.jpg; own lists may use other formats.
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
CSV_COLUMNS = ("a", "b", "same")
_YES = frozenset({"1", "true", "yes", "same"})
_NO = frozenset({"0", "false", "no", "different"})
_HEADER = re.compile(r"\d+(\s+\d+)?\s*$")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two images and whether they show the same Person.

    Attributes:
        a: first image.
        b: second image.
        same: whether they show the same Person.
        fold: which part of the protocol the pair belongs to, from 0.
        line: where it stands in the list, from 1.
    """

    a: Path
    b: Path
    same: bool
    fold: int
    line: int


@dataclass(frozen=True, slots=True)
class PairList:
    """All pairs of a protocol, in the order of the file.

    Attributes:
        source: the file they were read from.
        pairs: the pairs, folds in order.
        n_folds: how many folds; 1 when the list is not divided.
        is_aligned: whether the images are Crops already.
    """

    source: Path
    pairs: tuple[Pair, ...]
    n_folds: int
    is_aligned: bool = False

    def images(self) -> tuple[Path, ...]:
        """Every image of the list once, in order of first appearance."""
        return tuple(dict.fromkeys(path for pair in self.pairs for path in (pair.a, pair.b)))


@dataclass(frozen=True, slots=True)
class PersonFolder:
    """One Person of a labelled folder.

    Attributes:
        name: name of the subfolder.
        images: its images, sorted; at least one.
    """

    name: str
    images: tuple[Path, ...]


def find_lfw(data: Path | None) -> Path:
    """Return the folder that holds ``pairs.txt``.

    Args:
        data: the folder; when None, the one that FACEREC_LFW names.

    Raises:
        NotFoundError: there is no such folder, or no ``pairs.txt`` in it.
    """
    if data is None:
        named = os.environ.get(LFW_VARIABLE)
        if not named:
            raise NotFoundError(
                "No folder with Labeled Faces in the Wild was named.",
                remedy=f"Give it with --data DIR, or set {LFW_VARIABLE}.",
            )
        data = Path(named)
    if not data.is_dir():
        raise NotFoundError(
            f"There is no folder {data}.",
            remedy=f"Name the folder that holds {PAIRS_FILE} with --data DIR or {LFW_VARIABLE}.",
        )
    if not (data / PAIRS_FILE).is_file():
        raise NotFoundError(
            f"There is no {PAIRS_FILE} in {data}.",
            remedy=f"Put LFW's {PAIRS_FILE} beside the people's folders or {IMAGES_FOLDER}/.",
        )
    return data


def people_root(folder: Path) -> Path:
    """Return where the people's folders lie: in ``folder/images``, or in ``folder`` itself."""
    inner = folder / IMAGES_FOLDER
    return inner if inner.is_dir() else folder


def read_pairs(file: Path, images: Path | None = None) -> PairList:
    """Read a list of pairs, LFW's format or ``a,b,same``.

    LFW's format: a header (number of folds and of pairs of each kind, or that number alone for one
    fold), then in each fold first the same-person pairs (``name i j``), then the different ones
    (``name i name j``), separated by tabs. The other format is CSV with the header ``a,b,same``,
    and perhaps ``fold``: paths relative to the images' folder, and 1/0, yes/no or true/false.

    Args:
        file: the list.
        images: folder of the images; when None, the list's own (or ``images`` in it).

    Raises:
        NotFoundError: the list or an image is not there.
        InputError: the list breaks its format; the sentence names the line.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except OSError as exc:
        raise NotFoundError(
            f"The list of pairs {file} cannot be read.", remedy="Check its name and permissions."
        ) from exc
    except UnicodeDecodeError as exc:
        raise InputError(f"The list of pairs {file} is no UTF-8 text.") from exc
    if images is not None and not images.is_dir():
        raise NotFoundError(f"There is no folder {images}.", remedy="Name it with --data DIR.")
    root = people_root(images or file.parent)
    reader = _LfwList if lines and _HEADER.match(lines[0]) else _CsvList
    return reader(file, root).read(lines)


def people_in_folder(folder: Path) -> tuple[PersonFolder, ...]:
    """List the people of a folder that has one subfolder of images for each, sorted by name.

    Raises:
        NotFoundError: there is no such folder.
        InputError: fewer than two people have images in it.
    """
    if not folder.is_dir():
        raise NotFoundError(
            f"There is no folder {folder}.", remedy="Name a folder with one subfolder per person."
        )
    root = people_root(folder)
    people = []
    for sub in sorted(path for path in root.iterdir() if path.is_dir()):
        images = tuple(list_images(sub))
        if images:
            people.append(PersonFolder(sub.name, images))
    if len(people) < 2:
        raise InputError(
            f"{len(people) or 'No'} {'person has' if len(people) == 1 else 'people have'} "
            f"images in {root}; at least two are needed.",
            remedy="Make one subfolder per person, with that person's images in it.",
        )
    return tuple(people)


class _List:
    """What both formats share: where the list is, and how its errors read."""

    def __init__(self, file: Path, root: Path) -> None:
        self.file = file
        self.root = root

    def wrong(self, line: int, what: str, remedy: str = "") -> InputError:
        return InputError(f"Line {line} of {self.file.name} {what}.", remedy=remedy, line=line)

    def missing(self, line: int, path: Path) -> NotFoundError:
        return NotFoundError(
            f"Line {line} of {self.file.name} names an image that is not there: {path}.",
            remedy="Complete the images, or name their folder with --data DIR.",
            line=line,
        )

    def finish(self, pairs: list[Pair], n_folds: int) -> PairList:
        kinds = {pair.same for pair in pairs}
        if kinds != {True, False}:
            raise InputError(
                f"{self.file.name} needs pairs of the same person and of different people.",
                remedy="Add pairs of the missing kind; without them no error rate can be measured.",
            )
        return PairList(self.file, tuple(pairs), n_folds)


class _LfwList(_List):
    """LFW's own format."""

    def read(self, lines: list[str]) -> PairList:
        header = [int(field) for field in lines[0].split()]
        n_folds, n_each = (1, header[0]) if len(header) == 1 else header
        end = len(lines)
        while end > 1 and not lines[end - 1].strip():
            end -= 1
        expected = n_folds * n_each * 2
        if end - 1 != expected or expected == 0:
            raise InputError(
                f"{self.file.name} announces {expected} pairs and has {end - 1}.",
                remedy="Fetch the list again, or correct its first line.",
            )
        pairs = []
        for at in range(expected):
            fold, inside = divmod(at, 2 * n_each)
            pairs.append(self._pair(lines[at + 1], at + 2, fold, same=inside < n_each))
        return self.finish(pairs, n_folds)

    def _pair(self, text: str, line: int, fold: int, *, same: bool) -> Pair:
        fields = text.split("\t") if "\t" in text else text.split()
        if len(fields) != (3 if same else 4):
            kind = (
                "same-person pair (name, i, j)" if same else "pair of two people (name, i, name, j)"
            )
            raise self.wrong(line, f"should hold a {kind} and has {len(fields)} fields")
        if same:
            name, i, j = fields
            other = name
        else:
            name, i, other, j = fields
            if name == other:
                raise self.wrong(line, f"calls two images of {name} different people")
        return Pair(self._image(name, i, line), self._image(other, j, line), same, fold, line)

    def _image(self, name: str, number: str, line: int) -> Path:
        if not number.strip().isdecimal():
            raise self.wrong(line, f"should give the number of an image and gives {number!r}")
        folder = self.root / name
        stem = f"{name}_{int(number):04d}"
        for suffix in SUFFIXES:
            path = folder / (stem + suffix)
            if path.is_file():
                return path
        if not folder.is_dir():
            raise self._unknown(name, line)
        raise self.missing(line, folder / (stem + SUFFIXES[0]))

    def _unknown(self, name: str, line: int) -> NotFoundError:
        names = [path.name for path in self.root.iterdir() if path.is_dir()]
        close = get_close_matches(name, names, n=1)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        return NotFoundError(
            f"Line {line} of {self.file.name} names {name}, who has no folder in {self.root}.",
            remedy=f"{hint}Name the folder of the people's folders with --data DIR.",
            line=line,
        )


class _CsvList(_List):
    """Comma-separated values with a header."""

    def read(self, lines: list[str]) -> PairList:
        rows = csv.reader(lines)
        header = [field.strip().lower() for field in next(rows, [])]
        if tuple(header) not in {CSV_COLUMNS, (*CSV_COLUMNS, "fold")}:
            raise InputError(
                f"{self.file.name} is no list of pairs.",
                remedy="Begin it with the line `a,b,same`, or use LFW's format.",
            )
        found = list(self._rows(rows, len(header)))
        folds = sorted({fold for _, fold in found})
        numbers = {fold: number for number, fold in enumerate(folds)}
        pairs = [Pair(pair.a, pair.b, pair.same, numbers[fold], pair.line) for pair, fold in found]
        return self.finish(sorted(pairs, key=lambda pair: pair.fold), max(1, len(folds)))

    def _rows(self, rows: Iterator[list[str]], n_columns: int) -> Iterator[tuple[Pair, str]]:
        for line, row in enumerate(rows, start=2):
            if not row:
                continue
            if len(row) != n_columns:
                raise self.wrong(line, f"has {len(row)} columns instead of {n_columns}")
            answer = row[2].strip().lower()
            if answer not in _YES | _NO:
                raise self.wrong(line, f"says {row[2]!r} where 1 (same) or 0 (different) belongs")
            a, b = (self._image(field.strip(), line) for field in row[:2])
            fold = row[3].strip() if n_columns > len(CSV_COLUMNS) else ""
            yield Pair(a, b, answer in _YES, 0, line), fold

    def _image(self, name: str, line: int) -> Path:
        path = self.root / name
        if not path.is_file():
            raise self.missing(line, path)
        return path
