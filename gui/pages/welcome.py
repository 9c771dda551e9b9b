"""The first screen: what the program does, where to begin, and what it keeps."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from facerec.errors import FacerecError
from facerec.zoo import find_model
from gui.context import Context
from gui.pages.page import Page
from gui.theme import SIZES
from gui.widgets.page_scroll import PageScroll
from gui.widgets.text import IconLabel, button, card, label

_WIDTH_PX = 860


class WelcomePage(Page):
    """Shown at the first start, and when the name at the top of the rail is clicked."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        scroll = PageScroll(width_px=_WIDTH_PX, alignment=Qt.AlignmentFlag.AlignHCenter)
        column = scroll.column
        column.addStretch(1)
        column.addWidget(label(self.tr("Welcome to facerec"), "display"))
        column.addWidget(
            label(
                self.tr(
                    "It finds faces, says whether two of them are the same person, and names "
                    "people you have enrolled. A stranger is answered with “unknown”, not with "
                    "the nearest name."
                ),
                "lead",
                wrap=True,
            )
        )
        column.addSpacing(SIZES.space_s)
        steps = QHBoxLayout()
        steps.setSpacing(SIZES.space_l)
        for number, (icon, heading, text, verb, page_id) in enumerate(self._steps()):
            steps.addWidget(self._step(icon, heading, text, verb, page_id, first=number == 0), 1)
        column.addLayout(steps)
        column.addSpacing(SIZES.space_s)
        for icon, sentence in self._facts():
            row = QHBoxLayout()
            row.setSpacing(SIZES.space_m)
            row.addWidget(IconLabel(icon, "muted", 20), 0, Qt.AlignmentFlag.AlignTop)
            row.addWidget(label(sentence, "muted", wrap=True), 1)
            column.addLayout(row)
        column.addStretch(2)
        self.body.addWidget(scroll, 1)

    def _steps(self) -> tuple[tuple[str, str, str, str, str], ...]:
        """Icon, heading, sentence, verb and page of each way to begin that this window has."""
        return tuple(
            step
            for step in (
                (
                    "verify", self.tr("Compare two pictures"),
                    self.tr("The quickest way to see what it does. Nothing is stored."),
                    self.tr("Compare"), "verify",
                ),
                (
                    "enrol", self.tr("Add people"),
                    self.tr("One picture of each is enough; more make it surer."),
                    self.tr("Add people"), "enrol",
                ),
                (
                    "live", self.tr("Watch a camera"),
                    self.tr("Names appear over the faces of people you have added."),
                    self.tr("Start"), "live",
                ),
                (
                    "gallery", self.tr("Look at the gallery"),
                    self.tr("Rename, merge or remove the people who are enrolled."),
                    self.tr("Open"), "gallery",
                ),
            )
            if step[4] in self.context.page_ids
        )[:3]  # fmt: skip

    def _step(
        self, icon: str, heading: str, text: str, verb: str, page_id: str, *, first: bool
    ) -> QFrame:
        made = card()
        column = QVBoxLayout(made)
        column.setContentsMargins(*[SIZES.space_xl] * 4)
        column.setSpacing(SIZES.space_s)
        column.addWidget(IconLabel(icon, "accent", 28))
        column.addSpacing(SIZES.space_xs)
        column.addWidget(label(heading, "heading", wrap=True))
        column.addWidget(label(text, "muted", wrap=True))
        column.addStretch(1)
        column.addSpacing(SIZES.space_s)
        row = QHBoxLayout()
        row.addWidget(
            button(verb, lambda: self.context.open_page(page_id), kind="primary" if first else "")
        )
        row.addStretch(1)
        column.addLayout(row)
        return made

    def _facts(self) -> tuple[tuple[str, str], ...]:
        try:
            licence = find_model(self.context.settings.embed.model).licence
        except FacerecError:
            licence = ""
        private = self.tr(
            "Everything stays on this computer; the program never goes online. Face data is "
            "biometric data: storing it usually needs the person's consent."
        )
        facts = [
            ("lock", private),
            ("live", self.tr("No camera is needed; pictures are enough for everything but Live.")),
        ]
        if licence:
            words = self.tr("Licence of the recognition model: %1.").replace("%1", licence)
            facts.append(("error", words))
        return tuple(facts)
