"""Gallery: the people enrolled, found by name; each with the Templates, and what can be done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QItemSelectionModel, QPoint, Qt
from PySide6.QtGui import QImage, QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QStackedWidget, QWidget

from facerec.gallery.people import Person
from facerec.gallery.steps import StepKind
from facerec.gallery.templates import Template
from facerec.progress import Task
from facerec.services import people
from facerec.services.gallery import OpenGallery
from facerec.services.portraits import portraits, template_crops
from gui.context import Context
from gui.item_models.people import PeopleModel
from gui.item_models.pictures import PictureStore
from gui.pages.changes import Changed, changed, tell_change
from gui.pages.gallery_actions import GalleryActions
from gui.pages.gallery_steps import GallerySteps
from gui.pages.page import Page
from gui.theme import SIZES
from gui.widgets.empty_state import EmptyState
from gui.widgets.person_panel import PersonPanel
from gui.widgets.text import label
from gui.widgets.thumbnail import qimage_from_rgb
from gui.widgets.tiles import TileView

_PICTURE_PX = 100


class GalleryPage(Page):
    """People as tiles, a search, and a panel for the one that is chosen."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.add_header(self.tr("Gallery"), self.tr("The people who can be recognised."))
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search people"))
        self.search.setAccessibleName(self.tr("Search people"))
        self.search.setClearButtonEnabled(True)
        self.search.setFixedWidth(280)
        self.header_actions.addWidget(self.search)
        self.model = PeopleModel(self)
        self.view = TileView(_PICTURE_PX)
        self.view.setModel(self.model)
        self.view.setAccessibleName(self.tr("People"))
        self._count = label("", "small")
        self.gallery_actions = GalleryActions(self)
        self.gallery_steps = GallerySteps(self)
        self.panel = PersonPanel(
            self.gallery_actions.of_people(), self.gallery_actions.of_pictures()
        )
        self.panel.hide()
        self._stack = QStackedWidget()
        self._stack.addWidget(self.view)
        self._stack.addWidget(self._empty_gallery())
        self._stack.addWidget(self._nobody_found())
        row = QHBoxLayout()
        row.setSpacing(SIZES.space_l)
        row.addWidget(self._stack, 1)
        row.addWidget(self.panel)
        row.addWidget(self.gallery_steps.panel)
        above = QHBoxLayout()
        above.addWidget(self._count)
        above.addStretch(1)
        above.addWidget(self.gallery_steps.bar)
        self.body.setSpacing(SIZES.space_s)
        self.body.addLayout(above)
        self.body.addLayout(row, 1)
        self._is_stale = True
        # Who is to be chosen once the people were read.
        self._wanted: set[str] = set()
        self._connect()
        self._look_at_selection()

    def shown(self) -> None:
        """Read the people if they changed since."""
        if self._is_stale:
            self.reload()

    def show_item(self, what: object) -> None:
        """Choose the Person of a name."""
        self.reload(choose=str(what))

    def reload(self, *, choose: str | None = None) -> None:
        """Read the people again; those chosen stay chosen."""
        self._is_stale = False
        if choose is not None:
            self._wanted = {choose}

        def show(everybody: list[Person]) -> None:
            chosen = self._wanted or {person.name for person in self.chosen()}
            self._wanted = set()
            self.model.set_people(everybody)
            self._choose(chosen)
            self._show_count()

        self._do(people.list_people, show)
        self.gallery_steps.read()

    def chosen(self) -> list[Person]:
        """Return the people chosen, in the order shown."""
        indexes = self.view.selectionModel().selectedIndexes()
        return [self.model.person(index) for index in sorted(indexes, key=lambda i: i.row())]

    def _connect(self) -> None:
        self.search.textChanged.connect(self._search)
        QShortcut(QKeySequence.StandardKey.Find, self, self.search.setFocus)
        QShortcut(QKeySequence(Qt.Key.Key_Escape), self, self.search.clear)
        self.view.selectionModel().selectionChanged.connect(self._look_at_selection)
        self.view.doubleClicked.connect(self.gallery_actions.by_id["rename"].trigger)
        self.view.customContextMenuRequested.connect(
            lambda point: self._menu(self.view, point, on_pictures=False)
        )
        self.panel.view.customContextMenuRequested.connect(
            lambda point: self._menu(self.panel.view, point, on_pictures=True)
        )
        self.panel.view.selectionModel().selectionChanged.connect(self._enable_actions)
        self.gallery_steps.history_action.toggled.connect(self._look_at_selection)
        self._load_pictures(self.model.pictures, portraits)
        self._load_pictures(self.panel.model.pictures, template_crops)
        self.context.gallery_changed.connect(self._gallery_changed)

    def _load_pictures(
        self, store: PictureStore, fetch: Callable[[OpenGallery, Sequence[int]], dict[int, Any]]
    ) -> None:
        def load(ids: list[int]) -> None:
            def images(task: Task) -> dict[int, QImage]:
                del task
                crops = fetch(self.context.gallery(), ids)
                return {item_id: qimage_from_rgb(crop) for item_id, crop in crops.items()}

            self.run(self.context.runners.disk, images, store.add)

        store.wanted.connect(load)

    def chosen_pictures(self) -> list[Template]:
        """Return the Templates chosen in the panel."""
        indexes = self.panel.view.selectionModel().selectedIndexes()
        return [self.panel.model.template(index) for index in indexes]

    def _empty_gallery(self) -> EmptyState:
        return EmptyState(
            "gallery",
            self.tr("Nobody is enrolled yet"),
            self.tr("Add people with one or more pictures each, and they will be listed here."),
        )

    def _nobody_found(self) -> EmptyState:
        return EmptyState(
            "search",
            self.tr("Nobody has that name"),
            self.tr("Try fewer letters, or show everybody."),
            ((self.tr("Show everybody"), self.search.clear),),
        )

    def _gallery_changed(self) -> None:
        if self.isVisible():
            self.reload()
        else:
            self._is_stale = True

    def _search(self, text: str) -> None:
        self.model.search(text)
        self.view.scrollToTop()
        self._show_count()
        self._look_at_selection()

    def _show_count(self) -> None:
        shown, n_people = self.model.rowCount(), self.model.n_people
        self._stack.setCurrentIndex(1 if not n_people else 0 if shown else 2)
        text = self.tr("%n people", "", n_people)
        if shown != n_people:
            text = self.tr("%1 of %2").replace("%1", f"{shown:,}").replace("%2", f"{n_people:,}")
        self._count.setText(text if n_people else "")

    def _choose(self, names: set[str]) -> None:
        selection = self.view.selectionModel()
        for person in self.model.everybody():
            index = self.model.index_of(person.id) if person.name in names else None
            if index is not None and index.isValid():
                selection.select(index, QItemSelectionModel.SelectionFlag.Select)
                self.view.scrollTo(index)
        self._look_at_selection()

    def _look_at_selection(self) -> None:
        """Show who is chosen, unless the history stands in that place."""
        chosen = self.chosen()
        self._enable_actions()
        is_history = self.gallery_steps.history_action.isChecked()
        self.gallery_steps.panel.setVisible(is_history)
        if len(chosen) == 1 and not is_history:
            name = chosen[0].name
            self._do(lambda gallery: people.show_person(gallery, name), self._show_details)
        else:
            self.panel.details = None
            self.panel.hide()

    def _show_details(self, details: people.PersonDetails) -> None:
        chosen = self.chosen()
        is_history = self.gallery_steps.history_action.isChecked()
        if len(chosen) == 1 and chosen[0].id == details.person.id and not is_history:
            self.panel.show_person(details)
            self.panel.show()
            self._enable_actions()

    def _enable_actions(self) -> None:
        n_people = len(self.view.selectionModel().selectedIndexes())
        self.gallery_actions.enable(n_people, self.chosen_pictures())

    def _menu(self, view: TileView, point: QPoint, *, on_pictures: bool) -> None:
        actions = self.gallery_actions
        offered = actions.of_pictures() if on_pictures else actions.of_people()
        if view.indexAt(point).isValid():
            QMenu.exec(offered, view.viewport().mapToGlobal(point), None, view)

    def change(
        self,
        kind: StepKind,
        work: Callable[[OpenGallery], Any],
        sentence: Callable[[Any], str],
        *,
        choose: Callable[[Any], str] | None = None,
    ) -> None:
        """Change the gallery in the background, then say so and offer *Undo*.

        Args:
            kind: of the step it is.
            work: changes the gallery, in a job.
            sentence: what is said of its result.
            choose: name of the Person to be chosen afterwards.
        """
        self.banner.hide()

        def say(done: Changed[Any]) -> None:
            if choose is not None:
                self._wanted = {choose(done.outcome)}
            tell_change(self, sentence(done.outcome), done.step_ids)

        self._do(lambda gallery: changed(gallery, lambda: work(gallery), kind), say)

    def _do(self, work: Callable[[OpenGallery], Any], done: Callable[[Any], None]) -> None:
        self.run(self.context.runners.disk, lambda task: work(self.context.gallery()), done)
