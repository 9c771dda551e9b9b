"""Live: a camera, who is before it, and names for those who have none yet."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QStackedLayout, QVBoxLayout, QWidget

from facerec.config import LiveSettings
from facerec.errors import FacerecError
from facerec.progress import Task
from facerec.services.enroll import EnrollOptions, PersonOutcome
from facerec.services.live import EventKind, LiveEvent, LiveFrame, LiveTrack, SourceState
from facerec.services.people import list_people
from facerec.services.sightings import UnknownGroup, name_track, name_unknown
from gui.context import Context, LoadState
from gui.i18n.enrolment import refusal_words
from gui.i18n.fill import fill
from gui.pages.changes import Changed, changed, tell_enrolled
from gui.pages.feed_runner import FeedRunner
from gui.pages.live_queue import QueueKeeper
from gui.pages.page import Page
from gui.theme import SIZES
from gui.widgets.empty_state import EmptyState
from gui.widgets.face_strip import FaceStrip, Subject
from gui.widgets.live_panel import LivePanel
from gui.widgets.live_view import LiveView
from gui.widgets.source_box import SourceBox
from gui.widgets.text import button, card
from gui.workers.live_feed import LiveFeed
from gui.workers.sources import SourceChoice, cameras

PANEL_PX = 320


class LivePage(Page):
    """The live page.

    Attributes:
        source: what is watched.
        view: the video.
        strip: the face chosen, and a name for it.
        panel: who is there, what happened, and the queue of unknown faces.
    """

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.source = SourceBox()
        self.view = LiveView()
        self.strip = FaceStrip()
        self.panel = LivePanel()
        self._queue = QueueKeeper(self, self.panel.queue)
        self._runner = FeedRunner(self)
        self._was_running = False
        self.add_header(self.tr("Live"), self.tr("See who is before a camera, as it happens."))
        self.start_button = button(self.tr("Start"), self.toggle, kind="primary")
        self.header_actions.addWidget(self.source)
        self.header_actions.addWidget(self.start_button)
        row = QHBoxLayout()
        row.setSpacing(SIZES.space_l)
        left = QVBoxLayout()
        left.setSpacing(SIZES.space_l)
        left.addWidget(self._stage(), 1)
        left.addWidget(self.strip)
        row.addLayout(left, 1)
        self.panel.setFixedWidth(PANEL_PX)
        row.addWidget(self.panel)
        self.body.addLayout(row, 1)
        self._connect()
        self._show_running(False)

    @property
    def is_running(self) -> bool:
        """Whether a source is watched."""
        return self._runner.is_running

    def shown(self) -> None:
        """Look which cameras there are; go on if leaving the page stopped the video."""
        self.run(self.context.runners.disk, lambda task: cameras(), self.source.set_cameras)
        self._read_names()
        self._queue.refresh()
        if self._was_running:
            self.start()

    def left(self) -> None:
        """Let go of the camera; nobody is watched unseen."""
        self._was_running = self.is_running
        self.stop()

    def toggle(self) -> None:
        """Start or stop."""
        if self.is_running:
            self.stop()
        else:
            self.start()

    def start(self) -> None:
        """Watch the source chosen."""
        if self.is_running:
            return
        self.banner.hide()
        feed, choice, keep = LiveFeed(), self.source.choice, self.context.settings.live
        feed.shown.connect(self._show_frame)
        feed.happened.connect(self._show_event)
        feed.state_changed.connect(self._show_state)
        self._runner.start(feed, lambda task: self._watch(task, feed, choice, keep))

    def stop(self) -> None:
        """Watch no longer; the camera is let go of in the background."""
        self._runner.stop()

    def _watch(self, task: Task, feed: LiveFeed, choice: SourceChoice, keep: LiveSettings) -> None:
        """Open all that is needed and watch; runs on the camera's thread."""
        pipeline = self.context.pipeline()
        source = choice.open(pipeline)
        feed.watch(
            task,
            self.context.gallery(),
            pipeline,
            source,
            rule=self.context.gallery_rule(),
            keep=keep,
        )

    def _show_running(self, is_running: bool) -> None:
        self.start_button.setText(self.tr("Stop") if is_running else self.tr("Start"))
        if is_running:
            self._stage_stack.setCurrentIndex(1)
        else:
            self.view.clear()
            self.panel.clear()
            self._stage_stack.setCurrentIndex(0)
            if not isinstance(self.strip.subject, UnknownGroup):
                self.strip.close_form()
                self.strip.show_nobody()

    def _show_frame(self, frame: LiveFrame) -> None:
        self._stage_stack.setCurrentIndex(2)
        figures = fill(
            self.tr("%1 fps · %2 ms · %3"),
            f"{frame.stats.fps:.0f}", f"{frame.stats.latency_ms:.0f}", self._device(),
        )  # fmt: skip
        self.view.show_frame(frame, figures)
        self.panel.show_tracks(frame.tracks)
        if not self.strip.is_asking:
            self._show_chosen()

    def _show_chosen(self) -> None:
        track = self.view.chosen_track
        if track is None:
            self.strip.show_nobody()
        else:
            self.strip.show_track(track)

    def _show_event(self, event: LiveEvent) -> None:
        self.panel.add_event(event)
        if event.kind is EventKind.LEFT:
            self._queue.refresh_soon()

    def _show_state(self, state: SourceState, error: FacerecError | None) -> None:
        if state is SourceState.LOST and error is not None:
            self.banner.show_error(error)
        elif state is SourceState.RUNNING:
            self.banner.hide()

    def _device(self) -> str:
        pipeline = self.context.pipeline_slot.value
        return "" if pipeline is None else pipeline.embedder.device.upper()

    def _ask_name(self) -> None:
        track = self.view.chosen_track
        if track is not None and track.best_crop is not None:
            self.strip.ask(track)

    def _name(self, subject: Subject, name: str, is_forced: bool) -> None:
        """Enrol a face under a name."""
        context = self.context
        options = EnrollOptions(allow_conflict=is_forced, allow_low_quality=is_forced)

        def enrol(task: Task) -> Changed[PersonOutcome]:
            del task
            gallery, rule = context.gallery(), context.rule()

            def store() -> PersonOutcome:
                if isinstance(subject, LiveTrack):
                    return name_track(gallery, subject, name, rule=rule, options=options)
                return name_unknown(gallery, subject, name, rule=rule, options=options)

            return changed(gallery, store)

        self.run(context.runners.compute, enrol, self._named)

    def _named(self, done: Changed[PersonOutcome]) -> None:
        if not done.outcome.is_done:
            self.strip.refuse(refusal_words(done.outcome))
            return
        self.strip.close_form()
        self.view.setFocus()
        tell_enrolled(self, done)

    def _read_names(self) -> None:
        if self.context.gallery_slot.state is LoadState.READY:
            self.run(
                self.context.runners.disk,
                lambda task: [person.name for person in list_people(self.context.gallery())],
                self.strip.field.set_names,
            )

    def _connect(self) -> None:
        self._runner.changed.connect(self._show_running)
        self.source.source_changed.connect(self._restart)
        self.view.chosen.connect(self._choice_changed)
        self.view.enrol_wanted.connect(self._ask_name)
        self.strip.enrol_wanted.connect(self._ask_name)
        self.strip.named.connect(self._name)
        self.strip.closed.connect(self._show_chosen)
        self.panel.track_chosen.connect(self.view.choose)
        self.panel.queue.naming_wanted.connect(self.strip.ask)
        self.context.gallery_changed.connect(self._read_names)
        self.context.gallery_state_changed.connect(self._read_names)
        self.context.settings_changed.connect(self._settings_changed)

    def _choice_changed(self) -> None:
        if not self.strip.is_asking:
            self._show_chosen()

    def _restart(self) -> None:
        if self.is_running:
            self.stop()
            self.start()

    def _settings_changed(self, keys: frozenset[str]) -> None:
        if any(key.partition(".")[0] in {"match", "live", "embed", "detect"} for key in keys):
            self._restart()

    def _stage(self) -> QWidget:
        """Return what is shown in the video's place: an invitation, patience, the video."""
        frame = card()
        self._stage_stack = QStackedLayout(frame)
        self._stage_stack.setContentsMargins(*[SIZES.space_s] * 4)
        sentence = self.tr(
            "Choose a camera above. Without one, the sample video shows how it works."
        )
        start = ((self.tr("Start"), self.start),)
        self._stage_stack.addWidget(
            EmptyState("live", self.tr("Nothing is being watched"), sentence, start)
        )
        self._stage_stack.addWidget(
            EmptyState("live", self.tr("One moment…"), self.tr("The video is being opened."))
        )
        self._stage_stack.addWidget(self.view)
        return frame
