"""Health: what in the gallery makes wrong or missed names, and what to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtWidgets import QStackedWidget, QWidget

from facerec.progress import Task
from facerec.services import health as service
from facerec.services.gallery import OpenGallery
from facerec.services.health_types import ActionKind, Finding, HealthReport
from facerec.services.people import list_people
from facerec.services.portraits import template_crops
from facerec.services.steps import history
from facerec.types import Crop
from gui.context import Context
from gui.i18n.fill import fill
from gui.i18n.findings import done_words
from gui.pages.changes import tell_change
from gui.pages.page import Page
from gui.widgets.empty_state import EmptyState
from gui.widgets.finding_card import FindingCard
from gui.widgets.page_scroll import PageScroll
from gui.widgets.text import button, label

# Cards shown of each kind; the command line shows all.
MOST_OF_A_KIND = 12


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """A report, what of it is shown, and the Crops (S, S, 3) that go with it, by Template.

    Attributes:
        report: None where nobody is enrolled.
        shown: its first findings of each kind.
        crops: of their Templates.
    """

    report: HealthReport | None
    shown: tuple[Finding, ...]
    crops: dict[int, Crop]


class HealthPage(Page):
    """A summary on top, one card a finding below it.

    Attributes:
        cards: those shown.
    """

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.add_header(
            self.tr("Health"),
            self.tr("What in the gallery makes wrong or missed names. Nothing changes by itself."),
        )
        self._again = button(self.tr("Check again"), self.check, icon_name="search")
        self.header_actions.addWidget(self._again)
        self.cards: list[FindingCard] = []
        self.summary = label("", "muted", wrap=True)
        self._scroll = PageScroll()
        self._scroll.column.addStretch(1)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._scroll)
        self._stack.addWidget(self._sound())
        self._stack.addWidget(self._nobody())
        self._stack.addWidget(QWidget())
        self._stack.setCurrentIndex(3)
        self.body.addWidget(self.summary)
        self.body.addWidget(self._stack, 1)
        self._is_stale = True
        context.gallery_changed.connect(self._gallery_changed)

    def shown(self) -> None:
        """Examine the gallery if it changed since."""
        if self._is_stale:
            self.check()

    def check(self) -> None:
        """Examine the gallery in the background."""
        self._is_stale = False
        self.banner.hide()
        self._again.setEnabled(False)
        context = self.context

        def examine(task: Task) -> Examined:
            gallery = context.gallery()
            if not any(person.n_templates for person in list_people(gallery)):
                return Examined(None, (), {})
            report = service.check_health(gallery, context.gallery_rule(), task=task)
            shown = _first_of_each(report)
            ids = {template_id for finding in shown for template_id in finding.template_ids}
            return Examined(report, shown, template_crops(gallery, sorted(ids)))

        job = self.run(context.runners.compute, examine, self._show, shown=True)
        job.finished.connect(self._let_check_again)

    def _let_check_again(self) -> None:
        self._again.setEnabled(True)

    def _show(self, examined: Examined) -> None:
        for card in self.cards:
            self._scroll.column.removeWidget(card)
            card.deleteLater()
        self.cards = [self._card(finding, examined.crops) for finding in examined.shown]
        for at, card in enumerate(self.cards):
            self._scroll.column.insertWidget(at, card)
        report = examined.report
        self._stack.setCurrentIndex(2 if report is None else 0 if self.cards else 1)
        self.summary.setText("" if report is None else self._summary(report, len(examined.shown)))

    def _card(self, finding: Finding, crops: dict[int, Crop]) -> FindingCard:
        card = FindingCard(finding, crops)
        card.wanted.connect(lambda: self._act(finding))
        card.refused.connect(lambda: self._refuse(finding))
        return card

    def _summary(self, report: HealthReport, n_shown: int) -> str:
        found = fill(
            self.tr(
                "%1 people, %2 pictures. Each picture of people with several, left out and "
                "searched for: %3 of %4 found, %5 wrongly named."
            ),
            f"{report.n_people:,}",
            f"{report.n_templates:,}",
            f"{report.n_found:,}",
            f"{report.n_searches:,}",
            f"{report.n_wrong:,}",
        )
        more = len(report.findings) - n_shown
        if not more:
            return found
        return f"{found} " + self.tr("%n finding(s) more are on the command line.", "", more)

    def _act(self, finding: Finding) -> None:
        if finding.action.kind is ActionKind.ENROL:
            self.context.open_page("enrol")
            return
        self._change(
            lambda gallery: service.apply_finding(gallery, finding), done_words(finding.action)
        )

    def _refuse(self, finding: Finding) -> None:
        self._change(
            lambda gallery: service.refuse_finding(gallery, finding),
            fill(self.tr("Noted: it is not %1."), finding.names[1]),
        )

    def _change(self, work: Callable[[OpenGallery], None], sentence: str) -> None:
        self.banner.hide()

        def change(task: Task) -> list[int]:
            del task
            gallery = self.context.gallery()
            work(gallery)
            return [step.id for step in history(gallery, limit=1)]

        def tell(step_ids: list[int]) -> None:
            tell_change(self, sentence, step_ids)
            if not step_ids:  # (no step is kept)
                self.context.gallery_was_changed()

        self.run(self.context.runners.compute, change, tell)

    def _gallery_changed(self) -> None:
        if self.isVisible():
            self.check()
        else:
            self._is_stale = True

    def _sound(self) -> EmptyState:
        return EmptyState(
            "good",
            self.tr("Nothing was found to be wrong"),
            self.tr("Nobody is enrolled twice, no picture is misfiled or poor, nobody is at risk."),
        )

    def _nobody(self) -> EmptyState:
        return EmptyState(
            "gallery",
            self.tr("Nobody is enrolled yet"),
            self.tr("Add people with several pictures each, and their health is examined here."),
        )


def _first_of_each(report: HealthReport) -> tuple[Finding, ...]:
    seen: Counter[str] = Counter()
    shown = []
    for finding in report.findings:
        seen[finding.kind] += 1
        if seen[finding.kind] <= MOST_OF_A_KIND:
            shown.append(finding)
    return tuple(shown)
