"""Enrolment from one picture: dropped, pasted, or chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtWidgets import QHBoxLayout, QWidget

from facerec.imaging.read import read_image
from facerec.pipeline import AnalyzedFace
from facerec.progress import Task
from facerec.services.enroll import EnrollOptions, PersonOutcome, SeenFace, enroll, enroll_seen
from facerec.services.identify import IdentifiedFace, identify_faces
from facerec.services.portraits import portraits
from facerec.types import Crop, ImageRGB
from gui.i18n.enrolment import refusal_words
from gui.pages.changes import Changed, changed, tell_enrolled
from gui.pages.page import Page
from gui.theme import SIZES
from gui.widgets.enrol_form import EnrolForm, FaceFacts
from gui.widgets.image_well import ImageWell, source_name


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """A picture with its Faces and the people they look like.

    Attributes:
        source: a path or encoded bytes.
        image: (H, W, 3) uint8, RGB.
        faces: all Faces, described and decided on.
        portraits: of the people they look like, by Person.
    """

    source: str | bytes
    image: ImageRGB
    faces: tuple[IdentifiedFace, ...]
    portraits: Mapping[int, Crop]

    def largest(self) -> int:
        """Return the index of the largest Face; -1 when there is none."""
        sizes = [face.face.width_px * face.face.height_px for face in self.faces]
        return max(range(len(sizes)), key=sizes.__getitem__, default=-1)


class PictureTab(QWidget):
    """A picture at the left, the form at the right.

    Attributes:
        well: takes the picture.
        form: asks for the name.
    """

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self._page = page
        self._context = page.context
        self._looked: Looked | None = None
        self._turn = 0
        self.well = ImageWell(self.tr("A picture of one person"))
        self.form = EnrolForm()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, SIZES.space_l, 0, 0)
        row.setSpacing(SIZES.space_l)
        row.addWidget(self.well, 1)
        row.addWidget(self.form)
        self.well.offered.connect(self.open_image)
        self.well.cleared.connect(self._forget)
        self.well.view.chosen.connect(self._show_face)
        self.form.submitted.connect(self._enrol)

    def open_image(self, source: str | bytes) -> None:
        """Read an Image: a path or encoded bytes."""
        self._page.banner.hide()
        # An answer that comes after a later picture was chosen is not shown.
        self._turn += 1
        turn, context = self._turn, self._context

        def look(task: Task) -> Looked:
            task.step("images", 0, 1)
            image = read_image(source)
            analyzed = context.pipeline().analyze(image)
            gallery = context.gallery()
            faces = identify_faces(gallery, analyzed, rule=context.gallery_rule())
            ids = {c.person_id for face in faces for c in face.decision.candidates}
            return Looked(source, image, tuple(faces), portraits(gallery, sorted(ids)))

        def show(looked: Looked) -> None:
            if turn == self._turn:
                self._show(looked)

        self._page.run(context.runners.compute, look, show, shown=True)

    def paste(self) -> None:
        """Take the picture on the clipboard."""
        if not self.well.paste():
            text = self.tr("There is no picture on the clipboard.")
            self._page.banner.show_text(text, kind="warn")

    def _show(self, looked: Looked) -> None:
        self._looked = looked
        faces = [face.face for face in looked.faces]
        self.well.view.show_image(looked.image, faces, looked.largest())
        found = self.tr("%n face(s) found", "", len(faces))
        hint = " · " + self.tr("click the one to enrol") if len(faces) > 1 else ""
        name = source_name(looked.source) or self.tr("Pasted picture")
        self.well.show_filled(f"{name} · {found}{hint}")
        self._show_face()

    def _show_face(self, *_: object) -> None:
        looked, index = self._looked, self.well.view.current
        if looked is None:
            return
        if index < 0:
            self.form.show_nothing(
                self.tr("No face was found. Use a picture that shows it larger and upright.")
            )
            return
        face = looked.faces[index]
        analyzed = face.analyzed
        facts = FaceFacts(analyzed.crop, analyzed.quality, analyzed.quality_issues, face.decision)
        self.form.show_face(facts, looked.portraits)

    def _enrol(self, name: str, is_forced: bool) -> None:
        looked, index, context = self._looked, self.well.view.current, self._context
        if looked is None or index < 0:
            return
        options = EnrollOptions(
            allow_conflict=is_forced,
            allow_low_quality=is_forced,
            terms=self.form.terms_fields.terms(),
        )
        analyzed = looked.faces[index].analyzed

        def store() -> PersonOutcome:
            gallery, rule = context.gallery(), context.rule()
            if len(looked.faces) > 1:
                face = seen_face(analyzed, source_name(looked.source))
                return enroll_seen(gallery, name, [face], rule=rule, options=options)
            pipeline = context.pipeline()
            return enroll(gallery, pipeline, name, [looked.source], rule=rule, options=options)

        self._page.run(
            context.runners.compute, lambda task: changed(context.gallery(), store), self._enrolled
        )

    def _enrolled(self, done: Changed[PersonOutcome]) -> None:
        if not done.outcome.is_done:
            self.form.refuse(refusal_words(done.outcome))
            return
        self.well.clear()
        self.form.clear_name()
        tell_enrolled(self._page, done)

    def _forget(self) -> None:
        self._turn += 1
        self._looked = None
        self.form.show_nothing()


def seen_face(analyzed: AnalyzedFace, label: str) -> SeenFace:
    """Return one of several Faces as something that can be enrolled by itself."""
    return SeenFace(
        analyzed.crop, analyzed.embedding, analyzed.quality, analyzed.quality_issues, label
    )
