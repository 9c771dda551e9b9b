"""The form beside a face that is about to be enrolled: who it looks like, its name, and *Enrol*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from facerec.types import Candidate, Crop, Decision, QualityIssue
from gui.i18n.errors import translated_issue
from gui.i18n.fill import fill
from gui.i18n.rates import threshold_words
from gui.item_models.face_rows import FaceRow
from gui.theme import SIZES
from gui.widgets.face_list import FaceList, small_pixmap
from gui.widgets.name_field import NameField
from gui.widgets.terms_fields import TermsFields
from gui.widgets.text import button, card, label, line, set_role
from gui.widgets.thumbnail import FaceThumbnail

WIDTH_PX = 340
_SIDE_PX = 72


@dataclass(frozen=True, slots=True, eq=False)
class FaceFacts:
    """What is known of a face before it is enrolled.

    Attributes:
        crop: (S, S, 3) uint8.
        quality: in [0, 1].
        issues: what is to be said against it.
        decision: whom it looks like.
    """

    crop: Crop
    quality: float
    issues: tuple[QualityIssue, ...]
    decision: Decision


class EnrolForm(QWidget):
    """Asks for the name of one face.

    Attributes:
        field: where the name is typed.
        terms_fields: what the person agreed to; they keep their text for the next person.
        alike: the people it could be confused with.

    Signals:
        submitted: the name, and whether rules that spoke against it are set aside.
    """

    submitted = Signal(str, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedWidth(WIDTH_PX)
        self._facts: FaceFacts | None = None
        self._thumbnail = FaceThumbnail(_SIDE_PX)
        self._heading = label("", "heading", wrap=True)
        self._quality = label("", "muted", wrap=True)
        self.alike = FaceList(self.tr("People it looks like"), selectable=True)
        self.alike.setToolTip(self.tr("Click somebody to use their name."))
        self._alike_note = label("", "muted", wrap=True)
        self.field = NameField()
        self._hint = label("", "small", wrap=True)
        self.terms_fields = TermsFields()
        self.terms_fields.hide()
        self._terms_button = button(self.tr("Record consent…"), self._show_terms, kind="quiet")
        self._refusal = label("", "bad", wrap=True)
        self._yes = button(self.tr("Enrol"), self._submit, kind="primary", icon_name="enrol")
        self._anyway = button(
            self.tr("Enrol all the same"), lambda: self._submit(is_forced=True), kind="danger"
        )
        self._alike_part = self._make_alike_part()
        self._build()
        self.field.returnPressed.connect(self._submit)
        self.field.textChanged.connect(self._look_at_name)
        self.alike.clicked.connect(self._use_name)
        self.show_nothing()

    @property
    def is_ready_for_name(self) -> bool:
        """Whether there is a face to be named."""
        return self._facts is not None

    def show_nothing(self, sentence: str = "") -> None:
        """Show that there is no face yet, and what to do."""
        self._facts = None
        self._thumbnail.show_image(None)
        self._heading.setText(self.tr("No face yet"))
        set_role(self._quality, "muted")
        self._quality.setText(sentence or self.tr("Add a picture of one person."))
        self._show_alike((), {}, None)
        self._refusal.hide()
        self._anyway.hide()
        self._look_at_name()

    def show_face(self, facts: FaceFacts, portraits: Mapping[int, Crop]) -> None:
        """Show a face, and the people it looks like with their portraits (by Person, (S, S, 3))."""
        is_other = self._facts is None
        self._facts = facts
        self._thumbnail.show_crop(facts.crop)
        self._heading.setText(self.tr("Poor picture") if facts.issues else self.tr("Good picture"))
        set_role(self._quality, "warn" if facts.issues else "muted")
        words = " ".join(translated_issue(issue) for issue in facts.issues)
        self._quality.setText(words or fill(self.tr("Quality %1"), f"{facts.quality:.0%}"))
        self._show_alike(facts.decision.candidates, portraits, facts.decision)
        self._refusal.hide()
        self._anyway.hide()
        self._look_at_name()
        if is_other:
            self.field.setFocus()

    def refuse(self, why: str) -> None:
        """Say why the face was not enrolled, and offer to do it all the same."""
        self._refusal.setText(why)
        self._refusal.show()
        self._anyway.setVisible(self._facts is not None)

    def suggest(self, name: str) -> None:
        """Put a name into the field unless something stands there, and go to it."""
        if not self.field.name:
            self.field.setText(name)
        self.field.setFocus()
        self.field.selectAll()

    def clear_name(self) -> None:
        """Forget the name."""
        self.field.clear()

    def _show_alike(
        self,
        candidates: Sequence[Candidate],
        portraits: Mapping[int, Crop],
        decision: Decision | None,
    ) -> None:
        threshold = 1.0 if decision is None else decision.threshold
        self.alike.rows.set_rows(
            [
                FaceRow(
                    key=candidate.person_id,
                    text=candidate.name,
                    subtitle=self._likeness(candidate.score, threshold),
                    side=f"{candidate.score:.2f}",
                    tone="warn" if candidate.score >= threshold else "",
                    pixmap=small_pixmap(portraits.get(candidate.person_id)),
                    item=candidate.name,
                )
                for candidate in candidates
            ]
        )
        self.alike.setVisible(bool(candidates))
        self.alike.fit_height(3)
        self._alike_part.setVisible(decision is not None)
        if not candidates:
            self._alike_note.setText(self.tr("Nobody is enrolled yet, so nobody is alike."))
        elif candidates[0].score >= threshold:
            self._alike_note.setText(self.tr("Too alike to be told apart. Is it the same person?"))
        else:
            text = self.tr("Nobody enrolled is too alike: threshold %1.")
            self._alike_note.setText(fill(text, threshold_words(threshold)))

    def _likeness(self, score: float, threshold: float) -> str:
        if score >= threshold:
            return self.tr("counts as the same person")
        if score >= threshold - 0.1:
            return self.tr("quite alike")
        return self.tr("clearly somebody else")

    def _look_at_name(self) -> None:
        is_ready = self._facts is not None and bool(self.field.name)
        self._yes.setEnabled(is_ready)
        self._anyway.setEnabled(is_ready)
        if not self.field.name:
            self._hint.setText(self.tr("A new name, or somebody who is enrolled already."))
        elif self.field.is_new():
            self._hint.setText(self.tr("A new person."))
        else:
            self._hint.setText(self.tr("One more picture of somebody who is enrolled."))

    def _show_terms(self) -> None:
        """Show the fields from now on; small windows have room for the rest without them."""
        self._terms_button.hide()
        self.terms_fields.show()
        self.terms_fields.consent.setFocus()

    def _use_name(self) -> None:
        self.field.setText(str(self.alike.chosen() or ""))
        self.field.setFocus()

    def _submit(self, *, is_forced: bool = False) -> None:
        if self._yes.isEnabled():
            self.submitted.emit(self.field.name, is_forced)

    def _make_alike_part(self) -> QWidget:
        widget = QWidget()
        column = QVBoxLayout(widget)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SIZES.space_s)
        column.addWidget(line())
        column.addWidget(label(self.tr("Could be confused with"), "strong"))
        column.addWidget(self._alike_note)
        column.addWidget(self.alike)
        return widget

    def _build(self) -> None:
        frame: QFrame = card()
        column = QVBoxLayout(frame)
        column.setContentsMargins(*[SIZES.space_l] * 4)
        column.setSpacing(SIZES.space_s)
        top = QHBoxLayout()
        top.setSpacing(SIZES.space_m)
        top.addWidget(self._thumbnail)
        words = QVBoxLayout()
        words.setSpacing(SIZES.space_xs)
        words.addStretch(1)
        words.addWidget(self._heading)
        words.addWidget(self._quality)
        words.addStretch(1)
        top.addLayout(words, 1)
        column.addLayout(top)
        column.addSpacing(SIZES.space_xs)
        column.addWidget(self.field)
        column.addWidget(self._hint)
        terms = QHBoxLayout()
        terms.addWidget(self._terms_button)
        terms.addStretch(1)
        column.addLayout(terms)
        column.addWidget(self.terms_fields)
        column.addWidget(self._refusal)
        buttons = QHBoxLayout()
        buttons.setSpacing(SIZES.space_s)
        buttons.addWidget(self._yes)
        buttons.addWidget(self._anyway)
        buttons.addStretch(1)
        column.addLayout(buttons)
        column.addSpacing(SIZES.space_xs)
        column.addWidget(self._alike_part)
        column.addStretch(1)
        consent = self.tr("Enrol people only with their consent: faces are biometric data.")
        column.addWidget(label(consent, "small", wrap=True))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(frame)
