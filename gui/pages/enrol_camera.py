"""Enrolment at a camera: it says what to do, and takes the best of several frames by itself."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QStackedLayout, QVBoxLayout, QWidget

from facerec.progress import Task
from facerec.services.enroll import EnrollOptions, PersonOutcome
from facerec.services.guided import Guide
from facerec.services.live import LiveFrame, LiveTrack
from facerec.services.portraits import portraits
from facerec.services.sightings import name_track
from facerec.types import Crop
from gui.i18n.enrolment import refusal_words
from gui.pages.changes import Changed, changed, tell_enrolled
from gui.pages.feed_runner import FeedRunner
from gui.pages.page import Page
from gui.theme import SIZES
from gui.widgets.empty_state import EmptyState
from gui.widgets.enrol_form import EnrolForm, FaceFacts
from gui.widgets.guide_bar import GuideBar
from gui.widgets.live_view import LiveView
from gui.widgets.source_box import SourceBox
from gui.widgets.text import button, card
from gui.workers.live_feed import LiveFeed
from gui.workers.sources import SourceChoice, cameras


class CameraTab(QWidget):
    """The video with what to do, and the form.

    Attributes:
        source: which camera.
        form: asks for the name.
        guide_bar: says what to do.
    """

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self._page = page
        self._context = page.context
        self._guide = Guide()
        self._runner = FeedRunner(page)
        self._runner.changed.connect(self._show_running)
        self._taken: LiveTrack | None = None
        self.source = SourceBox()
        self.view = LiveView()
        self.guide_bar = GuideBar()
        self.form = EnrolForm()
        self.start_button = button(self.tr("Start camera"), self.toggle, kind="primary")
        self._build()
        self.form.show_nothing(self._invitation())
        self.form.submitted.connect(self._enrol)

    @property
    def is_running(self) -> bool:
        """Whether the camera is on."""
        return self._runner.is_running

    def shown(self) -> None:
        """Look which cameras there are."""
        self._page.run(self._context.runners.disk, lambda task: cameras(), self.source.set_cameras)

    def toggle(self) -> None:
        """Start or stop."""
        if self.is_running:
            self.stop()
        else:
            self.start()

    def start(self) -> None:
        """Begin to look for a face."""
        if self.is_running:
            return
        self._page.banner.hide()
        self._taken, self._guide = None, Guide()
        self.form.show_nothing(self._invitation())
        feed, choice = LiveFeed(), self.source.choice
        feed.shown.connect(self._show_frame)
        self._runner.start(feed, lambda task: self._watch(task, feed, choice))

    def stop(self) -> None:
        """Let go of the camera."""
        self._runner.stop()

    def _watch(self, task: Task, feed: LiveFeed, choice: SourceChoice) -> None:
        context = self._context
        pipeline = context.pipeline()
        feed.watch(task, context.gallery(), pipeline, choice.open(pipeline), rule=context.rule())

    def _show_running(self, is_running: bool) -> None:
        self.start_button.setText(self.tr("Stop") if is_running else self.tr("Start camera"))
        if is_running:
            self._stack.setCurrentIndex(1)
        elif self._taken is None:
            self.view.clear()
            self._stack.setCurrentIndex(0)
            self.guide_bar.show_waiting()

    def _show_frame(self, frame: LiveFrame) -> None:
        self._stack.setCurrentIndex(2)
        self.view.show_frame(frame)
        guidance = self._guide.update(frame.tracks, frame.time_s)
        self.guide_bar.show_guidance(guidance)
        if guidance.taken is not None:
            self._take(guidance.taken)

    def _take(self, track: LiveTrack) -> None:
        self._taken = track
        self.stop()
        self.guide_bar.show_taken()
        context = self._context
        ids = [candidate.person_id for candidate in track.decision.candidates]

        def show(crops: dict[int, Crop]) -> None:
            if track is self._taken and track.best_crop is not None:
                facts = FaceFacts(
                    track.best_crop, track.best_quality, track.best_issues, track.decision
                )
                self.form.show_face(facts, crops)
                self.form.suggest(track.name or "")

        self._page.run(context.runners.disk, lambda task: portraits(context.gallery(), ids), show)

    def _enrol(self, name: str, is_forced: bool) -> None:
        track, context = self._taken, self._context
        if track is None:
            return
        options = EnrollOptions(
            allow_conflict=is_forced,
            allow_low_quality=is_forced,
            terms=self.form.terms_fields.terms(),
        )

        def store() -> PersonOutcome:
            return name_track(context.gallery(), track, name, rule=context.rule(), options=options)

        self._page.run(
            context.runners.compute, lambda task: changed(context.gallery(), store), self._enrolled
        )

    def _enrolled(self, done: Changed[PersonOutcome]) -> None:
        if not done.outcome.is_done:
            self.form.refuse(refusal_words(done.outcome))
            return
        self._taken = None
        self.form.clear_name()
        self.form.show_nothing(self._invitation())
        self._show_running(self.is_running)
        tell_enrolled(self._page, done)

    def _invitation(self) -> str:
        return self.tr("The camera takes a picture as soon as the face is good.")

    def _build(self) -> None:
        stage = card()
        self._stack = QStackedLayout(stage)
        self._stack.addWidget(
            EmptyState(
                "live",
                self.tr("One person before the camera"),
                self.tr("Upright, in even light, an arm's length away. You are told what to do."),
            )
        )
        self._stack.addWidget(
            EmptyState("live", self.tr("One moment…"), self.tr("The camera is being opened."))
        )
        self._stack.addWidget(self.view)
        choice = QHBoxLayout()
        choice.setSpacing(SIZES.space_s)
        choice.addWidget(self.source, 1)
        choice.addWidget(self.start_button)
        left = QVBoxLayout()
        left.setSpacing(SIZES.space_l)
        left.addLayout(choice)
        left.addWidget(stage, 1)
        left.addWidget(self.guide_bar)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, SIZES.space_l, 0, 0)
        row.setSpacing(SIZES.space_l)
        row.addLayout(left, 1)
        row.addWidget(self.form)
