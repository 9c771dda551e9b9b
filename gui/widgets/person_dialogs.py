"""Questions about people: a name, another person, consent, removal."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QListView,
    QVBoxLayout,
    QWidget,
)

from facerec.gallery.people import Person
from facerec.services.people import PersonDetails
from gui.i18n.fill import fill
from gui.item_models.people import PeopleModel
from gui.theme import SIZES
from gui.widgets.terms_fields import TermsFields
from gui.widgets.text import button, label

_WIDTH_PX = 420


class Question(QDialog):
    """A heading, a sentence, what the heir puts between, and two buttons."""

    def __init__(
        self, heading: str, sentence: str, verb: str, *, kind: str = "primary",
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.setWindowTitle(heading)
        self.setFixedWidth(_WIDTH_PX)
        self.between = QVBoxLayout()
        self.between.setSpacing(SIZES.space_s)
        self.cancel_button = button(self.tr("Cancel"), self.reject)
        self.yes_button = button(verb, self.accept, kind=kind)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.cancel_button)
        row.addWidget(self.yes_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(*[SIZES.space_xl] * 4)
        column.setSpacing(SIZES.space_m)
        column.addWidget(label(heading, "heading", wrap=True))
        column.addWidget(label(sentence, "muted", wrap=True))
        column.addLayout(self.between)
        column.addSpacing(SIZES.space_xs)
        column.addLayout(row)


class NameDialog(Question):
    """Asks for a name.

    Attributes:
        field: where it is typed.
    """

    def __init__(
        self, heading: str, sentence: str, verb: str, *, name: str = "",
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(heading, sentence, verb, parent=parent)
        self.field = QLineEdit(name)
        self.field.setAccessibleName(self.tr("New name"))
        self.field.selectAll()
        self.field.textChanged.connect(
            lambda text: self.yes_button.setEnabled(text.strip() not in ("", name))
        )
        self.yes_button.setEnabled(False)
        self.yes_button.setDefault(True)
        self.between.addWidget(self.field)
        self.field.setFocus()


class PersonDialog(Question):
    """Asks for somebody who is enrolled.

    Attributes:
        model: who may be chosen.
        field: the search.
        view: the list.
    """

    def __init__(
        self, heading: str, sentence: str, verb: str, people: Sequence[Person],
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(heading, sentence, verb, parent=parent)
        self.model = PeopleModel(self)
        self.model.set_people(people)
        self.field = QLineEdit()
        self.field.setPlaceholderText(self.tr("Search people"))
        self.field.setAccessibleName(self.tr("Search people"))
        self.field.setClearButtonEnabled(True)
        self.field.textChanged.connect(self._search)
        self.view = QListView()
        self.view.setModel(self.model)
        self.view.setUniformItemSizes(True)
        self.view.setMinimumHeight(240)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.view.setAccessibleName(self.tr("People"))
        self.view.selectionModel().selectionChanged.connect(self._look)
        self.view.doubleClicked.connect(self.accept)
        self.between.addWidget(self.field)
        self.between.addWidget(self.view)
        self.yes_button.setDefault(True)
        self._look()
        self.field.setFocus()

    @property
    def target(self) -> Person | None:
        """Who was chosen."""
        chosen = self.view.selectionModel().selectedIndexes()
        return self.model.person(chosen[0]) if chosen else None

    def _search(self, text: str) -> None:
        self.model.search(text)
        if self.model.rowCount() == 1:
            self.view.setCurrentIndex(self.model.index(0))
        self._look()

    def _look(self) -> None:
        self.yes_button.setEnabled(self.target is not None)


class ConsentDialog(Question):
    """Asks what somebody agreed to.

    Attributes:
        fields: filled in with what is recorded.
    """

    def __init__(self, details: PersonDetails, parent: QWidget | None = None) -> None:
        super().__init__(
            fill(self.tr("Consent of %1"), details.person.name),
            self.tr("From the end of the time on, the person is not named any more."),
            self.tr("Record"),
            parent=parent,
        )
        self.fields = TermsFields()
        self.fields.show_consent(details.consent)
        self.yes_button.setDefault(True)
        self.between.addWidget(self.fields)
        self.fields.consent.setFocus()


class RemoveDialog(Question):
    """Asks before people are removed; *Cancel* is what Enter does."""

    def __init__(self, heading: str, sentence: str, parent: QWidget | None = None) -> None:
        super().__init__(heading, sentence, "", kind="danger", parent=parent)
        self.yes_button.setText(self.tr("Remove"))
        self.yes_button.setAutoDefault(False)
        self.cancel_button.setDefault(True)
        self.cancel_button.setFocus(Qt.FocusReason.OtherFocusReason)
