"""What the pages share: settings, gallery, pipeline and rule, the runners, and messages.

Gallery and networks are opened in the background, so the window is there at once. Their *state* is
read on the GUI thread; what is opened is fetched by jobs with ``gallery()`` and ``pipeline()``,
which wait for it and raise what went wrong.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar

from PySide6.QtCore import QObject, Signal

from facerec.config import LoadedSettings, Settings, load_settings
from facerec.progress import Task
from facerec.services.from_settings import match_rule, opened_gallery, opened_pipeline
from facerec.settings_file import change_settings
from gui.i18n.rates import remember
from gui.workers.runner import Runner, Runners

if TYPE_CHECKING:
    from facerec.match.rule import MatchRule
    from facerec.pipeline import Pipeline
    from facerec.services.gallery import OpenGallery

T = TypeVar("T")

# Settings that need the networks to be loaded again.
_OF_PIPELINE = frozenset(
    {
        "detect.detector",
        "detect.min_face_px",
        "embed.model",
        "embed.mirror",
        "runtime.device",
        "runtime.n_threads",
    }
)


class LoadState(StrEnum):
    """How far something that is opened in the background has come."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Message:
    """A short message at the foot of the window.

    Attributes:
        text: one sentence.
        action_label: word of the button, for example "Undo"; empty for none.
        action: what the button does.
    """

    text: str
    action_label: str = ""
    action: Callable[[], None] | None = None


class Opened(Generic[T]):
    """Something that is opened once, by whichever thread needs it first.

    Attributes:
        state: how far it has come; set on the GUI thread.
        error: why it failed.
    """

    def __init__(self, open_it: Callable[[], T]) -> None:
        self.state = LoadState.LOADING
        self.error: BaseException | None = None
        self._open_it = open_it
        self._lock = threading.Lock()
        self._value: T | None = None

    def get(self) -> T:
        """Return it, opening it first; any thread but the GUI's. Raises what opening raises."""
        with self._lock:
            if self._value is None:
                self._value = self._open_it()
            return self._value

    @property
    def value(self) -> T | None:
        """It, if it is open already."""
        return self._value


class Context(QObject):
    """What the pages share.

    Attributes:
        runners: one queue per resource.
        gallery_slot: the gallery with its state.
        pipeline_slot: detector and embedder with their state.
        closing_questions: asked before the window closes; a False keeps it open.
        page_ids: which pages the window has.

    Signals (all on the GUI thread):
        gallery_state_changed: the gallery is open or failed to.
        models_state_changed: the networks are loading, ready or failed.
        gallery_changed: people or Templates changed; lists should be read again.
        settings_changed: the keys that changed, as a frozenset.
        said: a ``Message`` for the foot of the window.
        broke: an exception that is a bug; shown in a dialog.
        page_wanted: id of a page, and what to show there (a page's own business, or None).
    """

    gallery_state_changed = Signal()
    models_state_changed = Signal()
    gallery_changed = Signal()
    settings_changed = Signal(object)
    said = Signal(object)
    broke = Signal(object)
    page_wanted = Signal(str, object)

    def __init__(
        self,
        loaded: LoadedSettings,
        *,
        flags: Mapping[str, object] | None = None,
        open_gallery: Callable[[], OpenGallery] | None = None,
        open_pipeline: Callable[[], Pipeline] | None = None,
    ) -> None:
        """Keep the settings; nothing is opened yet.

        Args:
            loaded: the settings.
            flags: what the command line asked for; it holds over the file as long as we run.
            open_gallery: opens the gallery; as the settings say when not given.
            open_pipeline: loads the networks; as the settings say when not given.
        """
        super().__init__()
        self.loaded = loaded
        self.runners = Runners()
        self.page_ids: frozenset[str] = frozenset()
        self._flags = dict(flags or {})
        self._open_pipeline = open_pipeline
        self.closing_questions: list[Callable[[], bool]] = []
        self.gallery_slot: Opened[OpenGallery] = Opened(
            open_gallery or (lambda: opened_gallery(self.settings, create=True))
        )
        self.pipeline_slot = self._new_pipeline_slot()

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.loaded.settings

    def start_loading(self) -> None:
        """Open the gallery and load the networks in the background."""
        self._load(self.runners.disk, self.gallery_slot, self.gallery_state_changed.emit)
        self._load(self.runners.compute, self.pipeline_slot, self.models_state_changed.emit)

    def gallery(self) -> OpenGallery:
        """Return the gallery; for jobs, not for the GUI thread.

        Raises:
            StoreError: it cannot be opened.
        """
        return self.gallery_slot.get()

    def pipeline(self) -> Pipeline:
        """Return the pipeline; for jobs, not for the GUI thread.

        Raises:
            FacerecError: it cannot be loaded.
        """
        return self.pipeline_slot.get()

    def rule(self) -> MatchRule:
        """Return when a Score is enough, as the settings say; cheap enough for any thread.

        Raises:
            FacerecError: the model's card has no such operating point.
        """
        return remember(match_rule(self.settings))

    def gallery_rule(self) -> MatchRule:
        """Return when a Score is enough to be named; the gallery's own Threshold if it has one.

        For jobs, not for the GUI thread.

        Raises:
            FacerecError: see ``rule``; or the gallery cannot be opened.
        """
        return remember(match_rule(self.settings, self.gallery()))

    def change_settings(self, changes: Mapping[str, object]) -> None:
        """Write settings to the user's file and put them in force.

        Raises:
            ConfigError: a value does not fit.
            OSError: the file cannot be written.
        """
        change_settings(changes)
        # What was given on the command line gives way to what was chosen since.
        for key in changes:
            self._flags.pop(key, None)
        self.loaded = load_settings(self._flags)
        if _OF_PIPELINE & changes.keys():
            self.reload_models()
        self.settings_changed.emit(frozenset(changes))

    def reload_models(self) -> None:
        """Load the networks again; jobs queued from now on use the new ones."""
        self.pipeline_slot = self._new_pipeline_slot()
        self.models_state_changed.emit()
        self._load(self.runners.compute, self.pipeline_slot, self.models_state_changed.emit)

    def gallery_was_changed(self) -> None:
        """Tell everybody that people or Templates changed."""
        self.gallery_changed.emit()

    def say(
        self, text: str, action_label: str = "", action: Callable[[], None] | None = None
    ) -> None:
        """Show a short message at the foot of the window, with a button if an action is given."""
        self.said.emit(Message(text, action_label, action))

    def open_page(self, page_id: str, what: object = None) -> None:
        """Go to another page and hand it something to show; see ``Page.show_item``."""
        self.page_wanted.emit(page_id, what)

    def shut_down(self) -> None:
        """Take no more work and cancel what runs; the gallery is closed after the last job."""
        self.runners.shut_down(before_end=self._close_gallery)

    def _close_gallery(self) -> None:
        gallery = self.gallery_slot.value
        if gallery is not None:
            gallery.close()

    def _new_pipeline_slot(self) -> Opened[Pipeline]:
        settings = self.settings
        return Opened(self._open_pipeline or (lambda: opened_pipeline(settings)))

    def _load(self, runner: Runner, slot: Opened[T], announce: Callable[[], None]) -> None:
        def load(task: Task) -> None:
            del task
            slot.get()

        def end(state: LoadState, error: BaseException | None = None) -> None:
            slot.state, slot.error = state, error
            announce()

        job = runner.submit(load)
        job.succeeded.connect(lambda _: end(LoadState.READY))
        job.failed.connect(lambda error: end(LoadState.FAILED, error))
        runner.start(job)
