"""Keeps the queue of unknown faces on the live page up to date."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from facerec.progress import Task
from facerec.services.sightings import (
    UnknownGroup,
    dismiss_unknown,
    list_unknowns,
)
from gui.context import LoadState
from gui.pages.page import Page
from gui.widgets.unknown_queue import UnknownQueue

# The recorder writes on a thread of its own; a moment after a face has left it is in the gallery.
_SOON_MS = 600


class QueueKeeper(QObject):
    """Reads the queue when it may have changed, and dismisses groups."""

    def __init__(self, page: Page, queue: UnknownQueue) -> None:
        super().__init__(page)
        self._page = page
        self._context = page.context
        self._queue = queue
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SOON_MS)
        self._timer.timeout.connect(self.refresh)
        queue.dismissed.connect(self._dismiss)
        queue.settings_wanted.connect(lambda: self._context.open_page("settings"))
        for signal in (
            self._context.gallery_changed,
            self._context.gallery_state_changed,
            self._context.models_state_changed,
        ):
            signal.connect(self.refresh)
        self._context.settings_changed.connect(lambda keys: self.refresh())

    def refresh_soon(self) -> None:
        """Read it in a moment."""
        self._timer.start()

    def refresh(self) -> None:
        """Read it now; when it is off, say so."""
        context = self._context
        if not context.settings.live.keep_strangers:
            self._queue.show_off()
            return
        slots = (context.gallery_slot, context.pipeline_slot)
        if any(slot.state is not LoadState.READY for slot in slots):
            return

        def read(task: Task) -> list[UnknownGroup]:
            del task
            contract_id = context.pipeline().embedder.contract_id
            return list_unknowns(
                context.gallery(), rule=context.gallery_rule(), contract_id=contract_id
            )

        self._page.run(context.runners.disk, read, self._queue.show_groups)

    def _dismiss(self, group: UnknownGroup) -> None:
        context = self._context
        self._page.run(
            context.runners.disk,
            lambda task: dismiss_unknown(context.gallery(), group),
            lambda n: self.refresh(),
        )
