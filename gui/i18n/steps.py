"""Steps of the gallery in the words of the window.

The gallery keeps one English sentence with each step, so that is what names and numbers come from.
"""

from __future__ import annotations

import re
from functools import reduce

from PySide6.QtCore import QCoreApplication

from facerec.gallery.steps import Step
from gui.i18n.dates import clock, day
from gui.i18n.fill import fill
from gui.i18n.mark import marked

_N = r"(?P<n>\d+) templates?"
# Sentence of the gallery -> sentence of the window, with who (%1) and another person (%2).
_SENTENCES: tuple[tuple[str, str], ...] = (
    (rf"Enrolled (?P<who>'.+') \({_N}\)", marked("steps", "Enrolled %1")),
    (r"Renamed (?P<who>'.+') to (?P<other>'.+')", marked("steps", "Renamed %1 to %2")),
    (rf"Merged (?P<who>.+) into (?P<other>'.+') \({_N}\)", marked("steps", "Merged %1 into %2")),
    (rf"Split (?P<who>'.+') from (?P<other>'.+') \({_N}\)", marked("steps", "Split %1 from %2")),
    (
        rf"Moved {_N} from (?P<who>.+) to (?P<other>'.+')",
        marked("steps", "Moved pictures of %1 to %2"),
    ),
    (rf"Set {_N} of (?P<who>.+) aside", marked("steps", "Set pictures of %1 aside")),
    (rf"Took {_N} of (?P<who>.+) back", marked("steps", "Took back pictures of %1")),
    (rf"Removed {_N} of (?P<who>.+)", marked("steps", "Removed pictures of %1")),
    (rf"Removed (?P<who>.+) \({_N}\)", marked("steps", "Removed %1")),
    (r"Recorded the consent of (?P<who>'.+')", marked("steps", "Recorded the consent of %1")),
    (rf"Imported (?P<who>.+), {_N}", marked("steps", "Imported %1")),
    (
        rf"Embedded again with another model \({_N}\)",
        marked("steps", "Embedded again with another model"),
    ),
)


def step_words(step: Step) -> str:
    """Return what a step did, for example "Merged Ada into Bob"."""
    for pattern, sentence in _SENTENCES:
        found = re.fullmatch(pattern, step.sentence)
        if found is not None:
            named = found.groupdict()
            return fill(_tr(sentence), _who(named.get("who", "")), _who(named.get("other", "")))
    return step.sentence


def step_within(words: str) -> str:
    """Return the words of a step as they stand behind a colon."""
    return words[:1].lower() + words[1:]


def step_facts(step: Step) -> str:
    """Return how many pictures a step was about, and when it was made."""
    found = re.search(_N, step.sentence)
    n = int(found["n"]) if found else 0
    pictures = [QCoreApplication.translate("steps", "%n picture(s)", "", n)] if n else []
    return " · ".join([*pictures, f"{day(step.made_at)} {clock(step.made_at)[:5]}"])


def _who(quoted: str) -> str:
    """Return names without quotation marks, or how many people there are."""
    many = re.fullmatch(r"(\d+) (?:person|people)", quoted)
    if many:
        return QCoreApplication.translate("steps", "%n people", "", int(many[1]))
    names = quoted[1:-1].split("' and '")
    both = _tr(marked("steps", "%1 and %2"))
    return reduce(lambda first, second: fill(both, first, second), names)


def _tr(text: str) -> str:
    return QCoreApplication.translate("steps", text)
