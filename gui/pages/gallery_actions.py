"""What can be done with the people and Templates that are chosen in the gallery.

Buttons, menus and keys are all made from the one list in ``GalleryActions._actions``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence

from facerec.gallery.steps import StepKind
from facerec.gallery.templates import Template
from facerec.services import people
from facerec.services.consent import record_consent
from gui.i18n.fill import fill
from gui.widgets.person_dialogs import ConsentDialog, NameDialog, PersonDialog, RemoveDialog

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
        danger: whether it takes something away.
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

    def enable(self, n_people: int, pictures: Sequence[Template]) -> None:
        """Enable what fits who and what is chosen, and name it."""
        for action in self.by_id.values():
            n_chosen = len(pictures) if action.property("on_pictures") else n_people
            action.setEnabled(n_chosen == 1 if action.property("only_one") else n_chosen > 0)
        self.by_id["set-aside"].setText(
            self.tr("Take back") if _are_aside(pictures) else self.tr("Set aside")
        )

    def _actions(self) -> tuple[GalleryAction, ...]:
        """The list."""
        remove, remove_pictures = self._remove, self._remove_pictures
        return (
            GalleryAction("rename", self.tr("Rename…"), "rename", "F2", self._rename, True),
            GalleryAction("merge", self.tr("Merge…"), "merge", "Ctrl+M", self._merge),
            GalleryAction(
                "consent", self.tr("Consent…"), "good", "Ctrl+Shift+C", self._consent, True
            ),
            GalleryAction("remove", self.tr("Remove…"), "delete", "Del", remove, danger=True),
            GalleryAction(
                "move", self.tr("Move…"), "swap", "Ctrl+Shift+M", self._move, on_pictures=True
            ),
            GalleryAction(
                "split", self.tr("Split off…"), "person", "Ctrl+Shift+N", self._split,
                on_pictures=True,
            ),
            GalleryAction(
                "set-aside", self.tr("Set aside"), "lock", "Ctrl+Shift+A", self._set_aside,
                on_pictures=True,
            ),
            GalleryAction(
                "remove-pictures", self.tr("Remove"), "delete", "Shift+Del", remove_pictures,
                danger=True, on_pictures=True,
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
        name = chosen[0].name
        sentence, verb = self.tr("The pictures stay with the person."), self.tr("Rename")
        dialog = NameDialog(verb, sentence, verb, name=name, parent=page)
        if dialog.exec():
            new_name = dialog.field.text()
            page.change(
                StepKind.RENAME,
                lambda gallery: people.rename_person(gallery, name, new_name),
                lambda person: fill(self.tr("Renamed to %1."), person.name),
                choose=lambda person: person.name,
            )

    def _merge(self) -> None:
        page = self._page
        sources = page.chosen()
        names = [person.name for person in sources]
        dialog = PersonDialog(
            fill(self.tr("Merge %1 into…"), self._named(names)),
            self.tr("Their pictures move to the person you choose; the emptied names go."),
            self.tr("Merge"),
            [person for person in page.model.everybody() if person not in sources],
            page,
        )
        if dialog.exec() and dialog.target is not None:
            target = dialog.target.name
            page.change(
                StepKind.MERGE,
                lambda gallery: people.merge_all(gallery, names, target),
                lambda person: fill(self.tr("Merged into %1."), person.name),
                choose=lambda person: person.name,
            )

    def _consent(self) -> None:
        page, details = self._page, self._page.panel.details
        if details is None:
            return
        name = details.person.name
        dialog = ConsentDialog(details, page)
        terms = dialog.fields.terms() if dialog.exec() else None
        if terms is not None:
            page.change(
                StepKind.CONSENT,
                lambda gallery: record_consent(gallery, name, terms),
                lambda _: fill(self.tr("The consent of %1 is recorded."), name),
            )

    def _remove(self) -> None:
        page = self._page
        names = [person.name for person in page.chosen()]
        heading = (
            fill(self.tr("Remove %1?"), names[0])
            if len(names) == 1
            else self.tr("Remove %n people?", "", len(names))
        )
        if RemoveDialog(heading, self._how_long(), page).exec():
            page.change(
                StepKind.REMOVE,
                lambda gallery: people.remove_people(gallery, names),
                lambda gone: self.tr("%n people removed.", "", len(gone)),
            )

    def _how_long(self) -> str:
        n_days = self._page.context.settings.store.keep_days
        if not n_days:
            return self.tr("This cannot be undone: the settings keep nothing for it.")
        return self.tr("This can be undone for %n days; then pictures and name go.", "", n_days)

    def _move(self) -> None:
        page, ids = self._page, self._chosen_ids()
        owner = page.chosen()
        dialog = PersonDialog(
            self.tr("Move %n picture(s) to…", "", len(ids)),
            self.tr("For pictures that show somebody else who is enrolled."),
            self.tr("Move"),
            [person for person in page.model.everybody() if person not in owner],
            page,
        )
        if dialog.exec() and dialog.target is not None:
            target = dialog.target.name
            page.change(
                StepKind.MOVE,
                lambda gallery: people.move_templates(gallery, ids, target),
                lambda done: fill(self.tr("Moved to %1."), done.person.name),
            )

    def _split(self) -> None:
        page, ids = self._page, self._chosen_ids()
        dialog = NameDialog(
            self.tr("Split off %n picture(s)", "", len(ids)),
            self.tr("For pictures that show somebody else; they become a person of this name."),
            self.tr("Split off"),
            parent=page,
        )
        if dialog.exec():
            name = dialog.field.text()
            page.change(
                StepKind.SPLIT,
                lambda gallery: people.split_person(gallery, ids, name),
                lambda done: fill(self.tr("%1 is a person of their own."), done.person.name),
            )

    def _set_aside(self) -> None:
        page, ids = self._page, self._chosen_ids()
        if _are_aside(page.chosen_pictures()):
            page.change(
                StepKind.TAKE_BACK,
                lambda gallery: people.take_back(gallery, ids),
                lambda n: self.tr("%n picture(s) compared again.", "", n),
            )
        else:
            page.change(
                StepKind.SET_ASIDE,
                lambda gallery: people.set_aside(gallery, ids),
                lambda n: self.tr("%n picture(s) kept, but not compared.", "", n),
            )

    def _remove_pictures(self) -> None:
        ids = self._chosen_ids()
        self._page.change(
            StepKind.REMOVE_TEMPLATE,
            lambda gallery: people.remove_templates(gallery, ids),
            lambda _: self.tr("%n picture(s) removed.", "", len(ids)),
        )

    def _chosen_ids(self) -> list[int]:
        return [template.id for template in self._page.chosen_pictures()]

    def _named(self, names: Sequence[str]) -> str:
        """Names of a few people; of many only how many."""
        return ", ".join(names) if len(names) <= 3 else self.tr("%n people", "", len(names))


def _are_aside(pictures: Sequence[Template]) -> bool:
    return bool(pictures) and all(one.set_aside_at is not None for one in pictures)
