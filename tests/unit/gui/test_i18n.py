"""The catalogues hold every sentence of the code, translated, and nothing else."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from facerec.config import load_settings
from facerec.errors import NoFaceError, ShapeError
from facerec.settings_table import find_setting
from facerec.types import QualityIssue
from gui.i18n import update
from gui.i18n.catalogue import LANGUAGES, Languages, read_catalogue
from gui.i18n.errors import translated_error, translated_issue
from gui.i18n.stages import translated_stage

PLACEHOLDER = re.compile(r"%n|%\d")


def _catalogue(language: str) -> str:
    return (update.FOLDER / f"{language}.ts").read_text(encoding="utf-8")


@pytest.fixture(params=sorted(LANGUAGES))
def language(request: pytest.FixtureRequest) -> str:
    return request.param


def test_catalogue_has_exactly_the_sentences_of_the_code(language: str, tmp_path: Path) -> None:
    fresh = tmp_path / f"{language}.ts"
    update.lupdate(fresh, language)
    wanted = {(m.context, m.source) for m in read_catalogue(fresh.read_text(encoding="utf-8"))}

    kept = {(m.context, m.source) for m in read_catalogue(_catalogue(language))}

    assert wanted - kept == set(), "run `python -m gui.i18n.update` and translate"
    assert kept - wanted == set(), "run `python -m gui.i18n.update`"


def test_every_sentence_is_translated(language: str) -> None:
    untranslated = [m.source for m in read_catalogue(_catalogue(language)) if not m.translations]

    assert untranslated == []


def test_translations_have_the_placeholders_of_their_source(language: str) -> None:
    for message in read_catalogue(_catalogue(language)):
        for translation in message.translations:
            wanted = set(PLACEHOLDER.findall(message.source))
            assert set(PLACEHOLDER.findall(translation)) == wanted, message.source


def test_english_counts_have_two_forms() -> None:
    assert all(len(m.translations) == 2 for m in read_catalogue(_catalogue("en")))


def test_no_sentence_hides_from_lupdate_in_an_f_string() -> None:
    hidden = [
        f"{path.name}:{node.lineno}"
        for path in update.SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if isinstance(part, ast.Attribute) and part.attr in {"tr", "translate"}
    ]

    assert hidden == []


def test_settings_offer_the_languages_there_are() -> None:
    assert set(find_setting("window.language").choices) == {"system", *LANGUAGES}
    assert load_settings().settings.window.language == "system"


@pytest.fixture
def chinese(qapp) -> None:
    languages = Languages(qapp)
    languages.use("zh_CN")
    yield
    languages.use("en")


def test_errors_are_said_in_the_language_of_the_window(chinese) -> None:
    assert translated_error(NoFaceError("No face was found."))[0] == "未找到人脸。"
    assert translated_issue(QualityIssue("too_dark", "x", 1, 2)) == "人脸太暗，请增加光线。"  # noqa: RUF001
    assert translated_stage("enrol") == "正在登记"


def test_errors_keep_their_own_words_where_there_is_no_translation(chinese) -> None:
    assert translated_error(ShapeError("Odd.", remedy="Turn it.")) == ("Odd.", "Turn it.")


def test_errors_keep_their_numbers_in_english(qapp) -> None:
    Languages(qapp).use("en")

    assert translated_error(NoFaceError("Face 7.", remedy="Try 8.")) == ("Face 7.", "Try 8.")
