"""Verify: are two Images of the same Person?"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QWidget

from facerec.errors import FacerecError
from facerec.imaging.read import read_image
from facerec.pipeline import AnalyzedFace
from facerec.progress import Task
from facerec.services.verify import compare_faces
from facerec.types import ImageRGB
from gui.context import Context
from gui.pages.page import Page
from gui.theme import SIZES
from gui.widgets.image_well import ImageWell, source_name
from gui.widgets.text import button
from gui.widgets.verdict_card import VerdictCard


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """An Image with what was found in it.

    Attributes:
        image: (H, W, 3) uint8, RGB.
        faces: all Faces, described.
    """

    image: ImageRGB
    faces: tuple[AnalyzedFace, ...]

    def largest(self) -> int:
        """Return the index of the largest Face; -1 when there is none."""
        sizes = [face.face.width_px * face.face.height_px for face in self.faces]
        return max(range(len(sizes)), key=sizes.__getitem__, default=-1)


class VerifyPage(Page):
    """Two wells side by side and, below them, the verdict."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.add_header(
            self.tr("Verify"), self.tr("Do two pictures show the same person? Nothing is stored.")
        )
        self.header_actions.addWidget(button(self.tr("Swap"), self._swap, icon_name="swap"))
        self.header_actions.addWidget(button(self.tr("Clear"), self._clear, icon_name="close"))
        self.wells = (ImageWell(self.tr("First picture")), ImageWell(self.tr("Second picture")))
        self._described: list[Described | None] = [None, None]
        self._names = ["", ""]
        self._turns = [0, 0]
        row = QHBoxLayout()
        row.setSpacing(SIZES.space_l)
        for side, well in enumerate(self.wells):
            row.addWidget(well, 1)
            well.offered.connect(lambda source, side=side: self.open_image(side, source))
            well.cleared.connect(lambda side=side: self._forget(side))
            well.view.chosen.connect(self._compare)
        self.body.addLayout(row, 1)
        self.verdict = VerdictCard()
        self.body.addWidget(self.verdict)
        QShortcut(QKeySequence.StandardKey.Paste, self, self.paste)
        QShortcut(QKeySequence.StandardKey.Open, self, self._choose)
        context.settings_changed.connect(self._compare)
        self._compare()

    def open_image(self, side: int, source: str | bytes) -> None:
        """Read an Image into one side and compare when both are there.

        Args:
            side: 0 left, 1 right.
            source: a path or encoded bytes.
        """
        self.banner.hide()
        # An answer that comes after a later picture was chosen for the same side is not shown.
        self._turns[side] += 1
        turn = self._turns[side]

        def read(task: Task) -> Described:
            task.step("images", 0, 1)
            image = read_image(source)
            return Described(image, tuple(self.context.pipeline().analyze(image)))

        def show(described: Described) -> None:
            if turn == self._turns[side]:
                self._show(side, described, source_name(source) or self.tr("Pasted picture"))

        self.run(self.context.runners.compute, read, show, shown=True)

    def paste(self) -> None:
        """Paste into the first side that is empty, or the second."""
        side = 0 if self.wells[0].is_empty else 1
        if not self.wells[side].paste():
            self.banner.show_text(self.tr("There is no picture on the clipboard."), kind="warn")

    def show_item(self, what: object) -> None:
        """Take a pair of paths from another page."""
        if isinstance(what, tuple):
            for side, source in enumerate(what[:2]):
                self.open_image(side, source)

    def _choose(self) -> None:
        self.wells[0 if self.wells[0].is_empty else 1].choose_file()

    def _show(self, side: int, described: Described, name: str) -> None:
        self._described[side] = described
        self._names[side] = name
        faces = [face.face for face in described.faces]
        self.wells[side].view.show_image(described.image, faces, described.largest())
        found = self.tr("%n face(s) found", "", len(faces))
        parts = [name, found]
        if len(faces) > 1:
            parts.append(self.tr("click the one that counts"))
        self.wells[side].show_filled(" · ".join(parts))
        self._compare()

    def _chosen(self, side: int) -> AnalyzedFace | None:
        described, index = self._described[side], self.wells[side].view.current
        return described.faces[index] if described is not None and index >= 0 else None

    def _compare(self, *_: object) -> None:
        first, second = self._chosen(0), self._chosen(1)
        if first is None or second is None:
            self.verdict.show_waiting(self._what_is_missing(), first, second)
            return
        try:
            self.verdict.show_result(compare_faces(first, second, rule=self.context.rule()))
        except FacerecError as error:
            self.show_error(error)

    def _what_is_missing(self) -> str:
        faceless = [
            name
            for described, name in zip(self._described, self._names, strict=True)
            if described is not None and not described.faces
        ]
        if faceless:
            return self.tr(
                "No face was found in %1. Use a picture that shows it larger, upright and "
                "unobstructed."
            ).replace("%1", faceless[0])
        return self.tr("Add two pictures to compare the faces in them.")

    def _forget(self, side: int) -> None:
        self._turns[side] += 1
        self._described[side] = None
        self._compare()

    def _swap(self) -> None:
        states = [
            (self._described[side], self._names[side], self.wells[side].view.current)
            for side in (1, 0)
        ]
        for side, (described, name, current) in enumerate(states):
            if described is None:
                self.wells[side].clear()
            else:
                self._show(side, described, name)
                faces = [face.face for face in described.faces]
                self.wells[side].view.show_image(described.image, faces, current)
        self._compare()

    def _clear(self) -> None:
        self.banner.hide()
        for well in self.wells:
            well.clear()
