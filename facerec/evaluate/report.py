"""The report of an evaluation: one HTML file that needs nothing else, JSON, and CSV of the Scores.

In comes a ``Page`` (what to say and show, already measured), out come files. Knows nothing of how
anything was measured.
"""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facerec.errors import FacerecError
from facerec.evaluate.acquire import write_whole
from facerec.imaging.read import read_image
from facerec.types import ImageRGB

TEMPLATE = "report.html.j2"
HTML_NAME, JSON_NAME, CSV_NAME = "report.html", "report.json", "scores.csv"
THUMBNAIL_PX = 104
# A box hugs the face from brow to chin; a person is recognised with hair and neck around it.
THUMBNAIL_MARGIN = 1.7
JPEG_QUALITY = 82


@dataclass(frozen=True, slots=True)
class Headline:
    """One large figure.

    Attributes:
        label: what it is.
        value: the figure with its unit.
        detail: spread, interval or condition, in one line.
    """

    label: str
    value: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing.

    Attributes:
        title: heading.
        svg: the drawing.
        caption: the sentence that says how to read it.
        is_wide: whether it takes the whole width of the page.
    """

    title: str
    svg: str
    caption: str
    is_wide: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table; cells are text, numbers to the right.

    Attributes:
        title: heading.
        columns: names.
        rows: cells.
        note: a sentence below.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """Two images with their Score.

    Attributes:
        score: as text.
        names: file names below the images.
        images: data URIs; empty when images are left out.
        is_error: whether the Threshold gets it wrong; None when there is none to judge by.
    """

    score: str
    names: tuple[str, str]
    images: tuple[str, str]
    is_error: bool | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A contact sheet."""

    title: str
    note: str
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """An image without a usable Face.

    Attributes:
        name: the file.
        reason: why.
        image: data URI; empty when images are left out or it cannot be read.
    """

    name: str
    reason: str
    image: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Everything a report says.

    Attributes:
        title: what was measured.
        subtitle: model and data in one line.
        protocol: how it was measured, in one or two sentences.
        headlines: the large figures.
        plots: drawings.
        tables: tables.
        sheets: contact sheets.
        failures: images without a usable Face.
        failure_policy: what happened to their comparisons.
        provenance: how it was measured, name and value.
    """

    title: str
    subtitle: str
    protocol: str
    headlines: tuple[Headline, ...]
    plots: tuple[Plot, ...]
    tables: tuple[Table, ...]
    sheets: tuple[Sheet, ...]
    failures: tuple[Failure, ...]
    failure_policy: str
    provenance: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One comparison for the CSV file."""

    a: str
    b: str
    same: bool
    score: float


@dataclass(frozen=True, slots=True)
class WrittenReport:
    """Where the files of a report are; ``csv`` is None when it was not asked for."""

    html: Path
    json: Path
    csv: Path | None


def render_html(page: Page) -> str:
    """Return the page as one HTML document."""
    # Imported here: only reports need it.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("facerec.evaluate", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(TEMPLATE).render(page=page)


def write_report(
    folder: Path,
    page: Page,
    payload: Mapping[str, object],
    scores: Sequence[ScoreRow] | None = None,
) -> WrittenReport:
    """Write HTML and JSON, and CSV when Scores are given, each whole or not at all.

    Args:
        folder: made when it is not there.
        page: the report.
        payload: what goes into the JSON file.
        scores: comparisons for the CSV file; None writes none.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    html, json_file = folder / HTML_NAME, folder / JSON_NAME
    write_whole(html, render_html(page).encode())
    text = json.dumps(jsonable(payload), indent=1, ensure_ascii=False, allow_nan=False)
    write_whole(json_file, text.encode() + b"\n")
    csv_file = None
    if scores is not None:
        csv_file = folder / CSV_NAME
        write_whole(csv_file, _csv(scores).encode())
    return WrittenReport(html, json_file, csv_file)


def thumbnail(path: Path, box_xyxy: NDArray[np.float32] | None = None) -> str:
    """Return a small JPEG of a Face, or of a whole image, as a data URI.

    Args:
        path: the image.
        box_xyxy: (4,) the Face in pixels; None shows the whole image.

    Returns:
        The URI; empty when the image cannot be read.
    """
    try:
        image = read_image(path)
    except FacerecError:
        return ""
    picture = Image.fromarray(image if box_xyxy is None else _around(image, box_xyxy))
    picture.thumbnail((2 * THUMBNAIL_PX, 2 * THUMBNAIL_PX))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def jsonable(value: object) -> object:
    """Return a value of plain JSON types; numbers that are not finite become null."""
    if value is None or isinstance(value, str | bool | int):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: jsonable(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return jsonable(value.tolist())
    if isinstance(value, Path):
        return str(value)
    return [jsonable(item) for item in _iterable(value)]


def _iterable(value: object) -> Any:  # noqa: ANN401  (whatever iterates; a TypeError if it does not)
    return value


def _around(image: ImageRGB, box_xyxy: NDArray[np.float32]) -> ImageRGB:
    """The square around a Face, as far as the image goes."""
    left, top, right, bottom = box_xyxy
    half = max(right - left, bottom - top) * THUMBNAIL_MARGIN / 2
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
    height, width = image.shape[:2]
    x0, x1 = (int(np.clip(x, 0, width)) for x in (middle_x - half, middle_x + half))
    y0, y1 = (int(np.clip(y, 0, height)) for y in (middle_y - half, middle_y + half))
    inside = image[y0:y1, x0:x1]
    return inside if inside.size else image


def _csv(scores: Sequence[ScoreRow]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["a", "b", "same", "score"])
    for row in scores:
        score = f"{row.score:.6f}" if np.isfinite(row.score) else ""
        writer.writerow([row.a, row.b, int(row.same), score])
    return buffer.getvalue()
