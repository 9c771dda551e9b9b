"""What can be done with the people and Templates that are chosen in the gallery.

Buttons, menus and keys are all made from the one list in ``GalleryActions._actions``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence

from facerec.gallery.people import Person
from facerec.services import people
from facerec.services.gallery import OpenGallery
from gui.widgets.person_dialogs import DeleteDialog, MergeDialog, RenameDialog

if TYPE_CHECKING:
    from gui.pages.gallery import GalleryPage


@dataclass(frozen=True, slots=True)
class GalleryAction:
    """Something that can be done with what is chosen; one row of the page's list.

    Attributes:
        id: stable word.
        text: verb on buttons and in menus.
        icon_name: of its icon.
        shortcut: its key.
        run: does it.
        only_one: whether exactly one Person must be chosen.
        danger: whether it takes something away for good.
        on_pictures: whether it works on chosen Templates instead of people.
    """

    id: str
    text: str
    icon_name: str
    shortcut: str
    run: Callable[[], None]
    only_one: bool = False
    danger: bool = False
    on_pictures: bool = False


class GalleryActions(QObject):
    """The actions of the gallery page.

    Attributes:
        by_id: the Qt actions.
    """

    def __init__(self, page: GalleryPage) -> None:
        super().__init__(page)
        self._page = page
        self.by_id = {entry.id: self._action(entry) for entry in self._actions()}

    def of_people(self) -> list[QAction]:
        """Return those that work on people."""
        return [act for act in self.by_id.values() if not act.property("on_pictures")]

    def of_pictures(self) -> list[QAction]:
        """Return those that work on Templates."""
        return [act for act in self.by_id.values() if act.property("on_pictures")]

    def enable(self, n_people: int, n_pictures: int) -> None:
        """Enable what fits how many are chosen."""
        for action in self.by_id.values():
            n_chosen = n_pictures if action.property("on_pictures") else n_people
            action.setEnabled(n_chosen == 1 if action.property("only_one") else n_chosen > 0)

    def _actions(self) -> tuple[GalleryAction, ...]:
        """The list."""
        return (
            GalleryAction("rename", self.tr("Rename…"), "rename", "F2", self._rename, True),
            GalleryAction("merge", self.tr("Merge…"), "merge", "Ctrl+M", self._merge),
            GalleryAction("delete", self.tr("Delete…"), "delete", "Del", self._delete, danger=True),
            GalleryAction(
                "delete-pictures", self.tr("Delete picture…"), "delete", "Shift+Del",
                self._delete_pictures, danger=True, on_pictures=True,
            ),
        )  # fmt: skip

    def _action(self, entry: GalleryAction) -> QAction:
        action = QAction(entry.text, self._page)
        action.setShortcut(QKeySequence(entry.shortcut))
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        for name in ("icon_name", "only_one", "danger", "on_pictures"):
            action.setProperty(name, getattr(entry, name))
        action.triggered.connect(lambda: entry.run())
        self._page.addAction(action)
        return action

    def _rename(self) -> None:
        page = self._page
        chosen = page.chosen()
        if len(chosen) != 1:
            return
        dialog = RenameDialog(chosen[0], page)
        if dialog.exec():
            name, new_name = chosen[0].name, dialog.field.text()
            page.change(
                lambda gallery: people.rename_person(gallery, name, new_name),
                lambda person: self.tr("Renamed to %1.").replace("%1", person.name),
                choose=lambda person: person.name,
            )

    def _merge(self) -> None:
        page = self._page
        sources = page.chosen()
        dialog = MergeDialog(sources, page.model.everybody(), page)
        if dialog.exec() and dialog.target is not None:
            target = dialog.target.name

            def merge(gallery: OpenGallery) -> Person:
                return [people.merge_people(gallery, s.name, target) for s in sources][-1]

            page.change(
                merge,
                lambda person: self.tr("Merged into %1.").replace("%1", person.name),
                choose=lambda person: person.name,
            )

    def _delete(self) -> None:
        page = self._page
        chosen = page.chosen()
        n_pictures = sum(person.n_templates for person in chosen)
        heading = (
            self.tr("Delete %1?").replace("%1", chosen[0].name)
            if len(chosen) == 1
            else self.tr("Delete %n people?", "", len(chosen))
        )
        erased = self.tr("%n picture(s) will be erased for good.", "", n_pictures)
        if DeleteDialog(heading, erased, page).exec():

            def remove(gallery: OpenGallery) -> int:
                return len([people.remove_person(gallery, person.name) for person in chosen])

            page.change(remove, lambda n: self.tr("%n people deleted.", "", n))

    def _delete_pictures(self) -> None:
        page = self._page
        ids = page.chosen_pictures()
        heading = self.tr("Delete %n picture(s)?", "", len(ids))
        sentence = self.tr("The person stays in the gallery and is recognised by what is left.")
        if DeleteDialog(heading, sentence, page).exec():

            def remove(gallery: OpenGallery) -> int:
                for template_id in ids:
                    people.remove_template(gallery, template_id)
                return len(ids)

            page.change(remove, lambda n: self.tr("%n picture(s) deleted.", "", n))
