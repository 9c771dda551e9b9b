"""One Person: portrait, name, what is stored, and the Templates with their quality."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from facerec.services.people import PersonDetails
from gui.i18n.consent import consent_words, is_over
from gui.i18n.dates import day
from gui.item_models.templates import TemplatesModel
from gui.theme import SIZES
from gui.widgets.banner import Banner
from gui.widgets.text import button, label, line
from gui.widgets.thumbnail import FaceThumbnail
from gui.widgets.tiles import TileView

WIDTH_PX = 404
_PORTRAIT_PX = 84
_CROP_PX = 92


class PersonPanel(QFrame):
    """The panel at the right of the gallery.

    Attributes:
        model: the Templates shown.
        view: their tiles.
    """

    def __init__(
        self,
        actions: Sequence[QAction],
        picture_actions: Sequence[QAction],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setFixedWidth(WIDTH_PX)
        self.details: PersonDetails | None = None
        self._portrait = FaceThumbnail(_PORTRAIT_PX)
        self._name = label("", "heading", wrap=True)
        self._facts = label("", "muted", wrap=True)
        self._consent = label("", "small", wrap=True)
        self._banner = Banner(self)
        self.model = TemplatesModel(self)
        self.model.pictures.arrived.connect(self._show_portrait)
        self.view = TileView(_CROP_PX)
        self.view.setModel(self.model)
        self.view.setAccessibleName(self.tr("Pictures of this person"))
        words = QVBoxLayout()
        words.setSpacing(SIZES.space_xs)
        words.addStretch(1)
        words.addWidget(self._name)
        words.addWidget(self._facts)
        words.addStretch(1)
        head = QHBoxLayout()
        head.setSpacing(SIZES.space_m)
        head.addWidget(self._portrait, 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(words, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(SIZES.space_l, SIZES.space_l, SIZES.space_s, SIZES.space_s)
        column.setSpacing(SIZES.space_m)
        column.addLayout(head)
        column.addWidget(self._consent)
        column.addLayout(_action_grid(actions))
        column.addWidget(self._banner)
        # (not at the foot, where messages appear)
        self._bar_stack = QStackedLayout()
        hint = label(self.tr("Choose pictures to move, split off or set aside."), "small")
        self._bar_stack.addWidget(hint)
        self._bar_stack.addWidget(_picture_bar(picture_actions))
        column.addWidget(line())
        column.addLayout(self._bar_stack)
        column.addWidget(self.view, 1)
        self.view.selectionModel().selectionChanged.connect(self._look_at_pictures)
        self._look_at_pictures()

    def _look_at_pictures(self) -> None:
        has_choice = self.view.selectionModel().hasSelection()
        self._bar_stack.setCurrentIndex(1 if has_choice else 0)

    def show_person(self, details: PersonDetails) -> None:
        """Show a Person with the Templates."""
        self.details = details
        person = details.person
        since = day(person.created_at)
        self._name.setText(person.name)
        pictures = self.tr("%n picture(s)", "", person.n_templates)
        self._facts.setText(f"{pictures}\n" + self.tr("Enrolled %1").replace("%1", since))
        self._portrait.show_image(None)
        chosen = {self.model.template(i).id for i in self.view.selectedIndexes()}
        self.model.set_templates(details.templates)
        self._consent.setText(consent_words(details.consent))
        if is_over(details.consent):
            self._banner.show_text(
                self.tr("The time of this person is over; they are not named any more."),
                self.tr("Record a new time with their consent, or remove them."),
                kind="warn",
            )
        elif details.n_not_compared:
            self._banner.show_text(
                self.tr("%n picture(s) belong to another model.", "", details.n_not_compared),
                self.tr("They are not compared until the gallery is embedded again."),
                kind="warn",
            )
        else:
            self._banner.hide()
        self._choose(chosen)
        self._show_portrait()

    def _choose(self, template_ids: set[int]) -> None:
        """Choose the pictures again that were chosen before they were read anew."""
        for row in range(self.model.rowCount()):
            index = self.model.index(row)
            if self.model.template(index).id in template_ids:
                flag = QItemSelectionModel.SelectionFlag.Select
                self.view.selectionModel().select(index, flag)
        self._look_at_pictures()

    def _show_portrait(self) -> None:
        if self.details is None or not self.details.templates:
            return
        best = max(self.details.templates, key=lambda template: template.quality)
        pixmap = self.model.pictures.get(best.id)
        self._portrait.show_image(None if pixmap is None else pixmap.toImage())


def _action_grid(actions: Sequence[QAction]) -> QGridLayout:
    """Return a button an action, in rows of two."""
    grid = QGridLayout()
    grid.setContentsMargins(0, 0, SIZES.space_s, 0)
    grid.setSpacing(SIZES.space_s)
    for position, action in enumerate(actions):
        grid.addWidget(_action_button(action, with_icon=True), position // 2, position % 2)
    return grid


def _picture_bar(actions: Sequence[QAction]) -> QWidget:
    """Return a row of buttons for the pictures that are chosen."""
    bar = QWidget()
    row = QHBoxLayout(bar)
    row.setContentsMargins(0, 0, SIZES.space_s, 0)
    row.setSpacing(SIZES.space_s)
    for action in actions:
        row.addWidget(_action_button(action, with_icon=False), 1)
    return bar


def _action_button(action: QAction, *, with_icon: bool) -> QPushButton:
    made = button(
        action.text(), action.trigger, kind="danger" if action.property("danger") else "",
        icon_name=str(action.property("icon_name")) if with_icon else "",
    )  # fmt: skip
    made.setProperty("dense", True)

    def follow() -> None:
        made.setEnabled(action.isEnabled())
        made.setText(action.text())
        made.setToolTip(f"{action.text()}  ({action.shortcut().toString()})")

    action.changed.connect(follow)
    follow()
    return made
