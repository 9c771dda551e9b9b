"""The pages of the window, in the order of the navigation rail.

To add a page:

1. Write ``gui/pages/NAME.py`` with one class derived from ``gui.pages.page.Page``. Its constructor
   takes the ``Context`` (gallery, pipeline, rule, settings, runners, messages) and the parent. It
   builds its widgets with ``self.add_header(title, subtitle)`` and ``self.body`` (a vertical
   layout). Override ``shown`` and ``left`` to start and stop what runs only while the page is seen.
2. Add one line to ``PAGES`` below, in the rail's place. The module is imported when the page is
   first opened, so it may import what is heavy. Shortcuts Ctrl+1, Ctrl+2, ... follow the order.
   Icons named ``live``, ``enrol``, ``evaluate`` and ``train`` are in ``gui/assets`` already; draw
   others there as 24x24 SVG with ``stroke="currentColor"``.
3. Slow work: ``self.run(self.context.runners.compute, fn, done)`` calls ``fn(task)`` on the
   runner's thread and ``done(result)`` on the GUI thread. Errors a user can cause appear in the
   page's banner, bugs in a dialog; the page's ``self.progress`` shows progress with *Cancel*.
   compute: networks and vector search. disk: gallery rows, files. camera: whoever holds a camera.
4. After changing the gallery call ``self.context.gallery_was_changed()``; to say what happened (and
   offer *Undo*) call ``self.context.say(text, action_label, action)``.
5. Sentences go through ``self.tr("...")`` (``%n`` for counts). Then run
   ``python -m gui.i18n.update`` and fill in ``gui/i18n/zh_CN.ts`` (and plurals in ``en.ts``);
   ``tests/unit/gui/test_i18n.py`` fails while one is missing.
6. Look at it: ``python tools/screenshots.py OUT`` takes every page in light and dark, English and
   Chinese, and fails on clipped text.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from gui.i18n.mark import marked

if TYPE_CHECKING:
    from gui.pages.page import Page


@dataclass(frozen=True, slots=True)
class PageEntry:
    """One page as the rail knows it.

    Attributes:
        id: stable word, also the name of its icon.
        title: English; shown through the catalogue.
        place: ``module:Class``.
        at_end: whether it stands at the foot of the rail.
        hidden: whether the rail has no button for it.
    """

    id: str
    title: str
    place: str
    at_end: bool = False
    hidden: bool = False

    def translated_title(self) -> str:
        """Return the title in the language in use."""
        return QCoreApplication.translate("pages", self.title)

    def load(self) -> type[Page]:
        """Import the page's module and return its class."""
        module, _, name = self.place.partition(":")
        loaded: type[Page] = getattr(import_module(module), name)
        return loaded


PAGES: tuple[PageEntry, ...] = (
    PageEntry("welcome", marked("pages", "Welcome"), "gui.pages.welcome:WelcomePage", hidden=True),
    PageEntry("live", marked("pages", "Live"), "gui.pages.live:LivePage"),
    PageEntry("enrol", marked("pages", "Enrol"), "gui.pages.enrol:EnrolPage"),
    PageEntry("gallery", marked("pages", "Gallery"), "gui.pages.gallery:GalleryPage"),
    PageEntry("health", marked("pages", "Health"), "gui.pages.health:HealthPage"),
    PageEntry("verify", marked("pages", "Verify"), "gui.pages.verify:VerifyPage"),
    PageEntry("evaluate", marked("pages", "Evaluate"), "gui.pages.evaluate:EvaluatePage"),
    PageEntry("train", marked("pages", "Train"), "gui.pages.train:TrainPage"),
    PageEntry("settings", marked("pages", "Settings"), "gui.pages.settings:SettingsPage", True),
)
