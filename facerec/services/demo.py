"""The demo: enrol one person from one photograph, name them in others, refuse strangers.

Works on public-domain photographs (``demo_photos``) and in a temporary gallery; the user's own
gallery is not touched.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from facerec.errors import FacerecError
from facerec.imaging.draw import draw_faces, write_image
from facerec.imaging.read import read_image
from facerec.match.rule import MatchRule
from facerec.pipeline import Pipeline
from facerec.progress import SilentTask, Task
from facerec.services.enroll import enroll
from facerec.services.gallery import OpenGallery, open_gallery
from facerec.services.identify import IdentifiedFace, identify
from facerec.services.identify_files import decision_text
from facerec.types import Face, ImageRGB, Verdict

PERSON = "Barack Obama"
ENROLLED_PHOTO = "obama.jpg"
_SAME_PERSON = ("obama2.jpg", "obama3.jpg")
_STRANGERS = {
    "biden.jpg": "Joe Biden",
    "astronaut.png": "Eileen Collins",
    "grace_hopper.jpg": "Grace Hopper",
}
# Half a face is missing: no answer is wrong except the name of somebody else.
_PARTIAL = ("obama_partial_face.jpg", "obama_partial_face2.jpg")

_CELL_PX = 420
_CAPTION_PX = 58
_TEXT_PX = 18
_COLUMNS = 4
_GAP_PX = 12
_GROUND = (250, 250, 250)
_INK = (30, 30, 30)
_INK_WRONG = (190, 20, 20)


@dataclass(frozen=True, slots=True, eq=False)
class DemoAnswer:
    """What was said of one photograph.

    Attributes:
        photo: its file name.
        subject: who is in it.
        expected: the verdicts that are right.
        faces: what was found.
        is_right: whether every answer is as expected.
    """

    photo: str
    subject: str
    expected: tuple[Verdict, ...]
    faces: tuple[IdentifiedFace, ...]
    is_right: bool


@dataclass(frozen=True, slots=True, eq=False)
class DemoReport:
    """What the demo did.

    Attributes:
        enrolled: whom, from one photograph.
        answers: one per other photograph.
        sheet: the annotated contact sheet.
        rule: threshold and its false match rate.
    """

    enrolled: str
    answers: tuple[DemoAnswer, ...]
    sheet: Path
    rule: MatchRule

    @property
    def is_right(self) -> bool:
        """Whether every photograph was answered as expected."""
        return all(answer.is_right for answer in self.answers)


def run_demo(
    photos: Path,
    sheet: Path,
    pipeline: Pipeline,
    *,
    rule: MatchRule,
    task: Task | None = None,
) -> DemoReport:
    """Enrol from one photograph, identify in the others, and draw a contact sheet.

    Args:
        photos: folder with the photographs of ``demo_photos``.
        sheet: where the contact sheet is written; its folder is created.
        pipeline: finds and embeds.
        rule: when a Score is enough.
        task: receives progress.

    Raises:
        FacerecError: the photograph to enrol from was refused, or a photograph cannot be read.
    """
    task = task or SilentTask()
    cases = _cases()
    cells = []
    answers = []
    with (
        tempfile.TemporaryDirectory(prefix="facerec-demo-") as folder,
        open_gallery(Path(folder) / "gallery") as gallery,
    ):
        _enroll(gallery, pipeline, photos / ENROLLED_PHOTO, rule)
        first = read_image(photos / ENROLLED_PHOTO)
        faces = [item.face for item in pipeline.analyze(first)]
        cells.append(
            _cell(first, faces, [PERSON], f"{ENROLLED_PHOTO}: enrolled", "", is_right=True)
        )
        for done, (photo, subject, expected) in enumerate(cases):
            image = read_image(photos / photo)
            found = tuple(identify(gallery, pipeline, image, rule=rule))
            answer = DemoAnswer(photo, subject, expected, found, _is_right(found, expected))
            answers.append(answer)
            cells.append(_answer_cell(image, answer))
            task.step("photographs", done + 1, len(cases))
    sheet.parent.mkdir(parents=True, exist_ok=True)
    write_image(sheet, _sheet(cells))
    return DemoReport(PERSON, tuple(answers), sheet, rule)


def _cases() -> list[tuple[str, str, tuple[Verdict, ...]]]:
    cases: list[tuple[str, str, tuple[Verdict, ...]]] = []
    cases.extend((photo, PERSON, (Verdict.KNOWN,)) for photo in _SAME_PERSON)
    cases.extend((photo, "part of his face", tuple(Verdict)) for photo in _PARTIAL)
    cases.extend((photo, who, (Verdict.UNKNOWN,)) for photo, who in _STRANGERS.items())
    return cases


def _enroll(gallery: OpenGallery, pipeline: Pipeline, photo: Path, rule: MatchRule) -> None:
    outcome = enroll(gallery, pipeline, PERSON, [photo], rule=rule)
    if not outcome.is_done:
        raise outcome.images[0].error or FacerecError(f"{photo} could not be enrolled.")


def _is_right(found: Sequence[IdentifiedFace], expected: tuple[Verdict, ...]) -> bool:
    if not found:  # half a face may be no face
        return len(expected) > 1
    return all(face.decision.verdict in expected for face in found)


def _answer_cell(image: ImageRGB, answer: DemoAnswer) -> ImageRGB:
    labels = [decision_text(face.decision) for face in answer.faces]
    said = ", ".join(labels) or "no face found"
    return _cell(
        image,
        [face.face for face in answer.faces],
        labels,
        f"{answer.photo}: {answer.subject}",
        f"answer: {said}",
        is_right=answer.is_right,
    )


def _cell(
    image: ImageRGB,
    faces: Sequence[Face],
    labels: Sequence[str],
    caption: str,
    answer: str,
    *,
    is_right: bool,
) -> ImageRGB:
    """Scale an image down, mark its faces, and write two lines below it."""
    height, width = image.shape[:2]
    scale = min(1.0, _CELL_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
    marked = draw_faces(small, [_scaled(face, scale) for face in faces], labels)
    cell = Image.new("RGB", (_CELL_PX, _CELL_PX + _CAPTION_PX), _GROUND)
    cell.paste(Image.fromarray(marked), ((_CELL_PX - size[0]) // 2, (_CELL_PX - size[1]) // 2))
    draw = ImageDraw.Draw(cell)
    font = ImageFont.load_default(_TEXT_PX)
    draw.text((4, _CELL_PX + 4), caption, fill=_INK, font=font)
    draw.text((4, _CELL_PX + 30), answer, fill=_INK if is_right else _INK_WRONG, font=font)
    return np.asarray(cell)


def _scaled(face: Face, scale: float) -> Face:
    # Pixel centres are whole numbers, so half a pixel takes part in the change of scale.
    return Face(
        (face.box_xyxy + 0.5) * scale - 0.5, (face.landmarks + 0.5) * scale - 0.5, face.score
    )


def _sheet(cells: Sequence[ImageRGB]) -> ImageRGB:
    height, width = cells[0].shape[:2]
    rows = -(-len(cells) // _COLUMNS)
    sheet = np.empty(
        (rows * (height + _GAP_PX) + _GAP_PX, _COLUMNS * (width + _GAP_PX) + _GAP_PX, 3), np.uint8
    )
    sheet[:] = _GROUND
    for number, cell in enumerate(cells):
        top = _GAP_PX + number // _COLUMNS * (height + _GAP_PX)
        left = _GAP_PX + number % _COLUMNS * (width + _GAP_PX)
        sheet[top : top + height, left : left + width] = cell
    return sheet
