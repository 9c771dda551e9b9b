"""Reads a ``.ts`` catalogue and translates with it.

The catalogues are written by ``pyside6-lupdate`` (``python -m gui.i18n.update``) and read directly:
compiled ``.qm`` files would be binaries to keep in step, and save a few milliseconds.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET  # (our own files, not a stranger's)
from dataclasses import dataclass
from importlib.resources import files

from PySide6.QtCore import QLibraryInfo, QLocale, QTranslator
from PySide6.QtWidgets import QApplication

# Code -> the language's name in itself.
LANGUAGES = {"en": "English", "zh_CN": "简体中文"}
# Languages whose nouns have a plural; Chinese ones have none.
_PLURAL_LANGUAGES = frozenset({"en"})


@dataclass(frozen=True, slots=True)
class Message:
    """One sentence of a catalogue.

    Attributes:
        context: class or table it belongs to.
        source: as it stands in the code.
        translations: one per plural form; empty while unfinished.
        is_plural: whether it counts something.
        is_obsolete: whether the code has it no longer.
    """

    context: str
    source: str
    translations: tuple[str, ...]
    is_plural: bool = False
    is_obsolete: bool = False


def read_catalogue(text: str) -> list[Message]:
    """Read the text of a ``.ts`` file."""
    messages: list[Message] = []
    for context in ET.fromstring(text).iter("context"):  # noqa: S314  (our own files)
        name = context.findtext("name") or ""
        messages.extend(_message(name, entry) for entry in context.iter("message"))
    return messages


def _message(context: str, entry: ET.Element) -> Message:
    translation = entry.find("translation")
    kind = "" if translation is None else translation.get("type", "")
    forms: tuple[str, ...] = ()
    if translation is not None:
        plural = [form.text or "" for form in translation.iter("numerusform")]
        forms = tuple(filter(None, plural or [translation.text or ""]))
    if kind == "unfinished":
        forms = ()
    obsolete = kind in {"vanished", "obsolete"}
    is_plural = entry.get("numerus") == "yes"
    return Message(context, entry.findtext("source") or "", forms, is_plural, obsolete)


class CatalogueTranslator(QTranslator):
    """Translates from one catalogue; what it lacks stays in English."""

    def __init__(self, language: str) -> None:
        super().__init__()
        text = files("gui.i18n").joinpath(f"{language}.ts").read_text(encoding="utf-8")
        self._has_plural = language in _PLURAL_LANGUAGES
        self._forms = {
            (message.context, message.source): message.translations
            for message in read_catalogue(text)
            if message.translations
        }

    def isEmpty(self) -> bool:  # noqa: N802  (Qt's name)
        """Say whether there is nothing in it."""
        return not self._forms

    def translate(
        self,
        context: str | bytes,
        source: str | bytes,
        disambiguation: str | bytes | None = None,
        n: int = -1,
    ) -> str:
        """Return the sentence in this language; None, which Qt takes as "ask the next"."""
        del disambiguation
        forms = self._forms.get((str(context), str(source)))
        if forms is None:
            return None  # type: ignore[return-value]
        return forms[-1] if self._has_plural and n != 1 else forms[0]


class Languages:
    """Which language the application speaks; keeps the translators Qt only borrows."""

    def __init__(self, app: QApplication) -> None:
        self._app = app
        self._installed: list[QTranslator] = []
        self.language = "en"

    def use(self, choice: str) -> str:
        """Speak a language.

        Args:
            choice: a code of ``LANGUAGES``, or ``system`` for the nearest to the system's.

        Returns:
            The code now in use.
        """
        language = system_language() if choice == "system" else choice
        for translator in self._installed:
            self._app.removeTranslator(translator)
        self._installed = [CatalogueTranslator(language)]
        # Qt's own words: the buttons and columns of the standard dialogs.
        qt_words = QTranslator()
        folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
        if qt_words.load(f"qtbase_{language}", folder):
            self._installed.insert(0, qt_words)
        for translator in self._installed:
            self._app.installTranslator(translator)
        QLocale.setDefault(QLocale(language))
        self.language = language
        return language


def system_language() -> str:
    """Return the language of ``LANGUAGES`` that the system's comes nearest to."""
    names = QLocale.system().uiLanguages()
    first = names[0] if names else ""
    return "zh_CN" if first.startswith("zh") else "en"
