"""Names of people and files as data sets write them, made comparable and safe to store.

People occur in several data sets and in the evaluation sets under spellings that differ in case,
underscores and accents. Nothing here ever becomes a path that is opened.
"""

from __future__ import annotations

import re
import unicodedata

_SURROGATE = re.compile("[\ud800-\udfff]")
_SEPARATORS = re.compile(r"[\s_.\-]+")


def clean_path(raw: str) -> str:
    r"""Make a name out of an archive or folder storable: parts joined by ``/``, composed Unicode.

    Parts that climb (``..``) or say nothing (empty, ``.``), control characters and bytes that are
    no text lose their meaning; a name that is only such becomes empty.

    Args:
        raw: as it stands in the source.

    Example:
        >>> clean_path(r"..\people\Ana/./1.jpg")
        'people/Ana/1.jpg'
    """
    parts = (_clean_part(part) for part in re.split(r"[/\\]", raw))
    return "/".join(part for part in parts if part not in {"", ".", ".."})


def _clean_part(part: str) -> str:
    composed = unicodedata.normalize("NFC", part)
    shown = "".join(sign for sign in composed if unicodedata.category(sign) != "Cc")
    return _SURROGATE.sub(lambda found: f"\\x{ord(found[0]) & 0xFF:02x}", shown).strip()


def plain_name(person: str) -> str:
    """Reduce a person's name to what two data sets are likely to agree on.

    Args:
        person: as a source names it.

    Returns:
        Lower case, without accents, words separated by one space; empty when the name holds a
        digit: numbers and codes mean somebody else in each source.

    Example:
        >>> plain_name("Beyoncé_Knowles"), plain_name("m.0107_f")
        ('beyonce knowles', '')
    """
    folded = unicodedata.normalize("NFKD", person.casefold())
    bare = "".join(sign for sign in folded if not unicodedata.combining(sign))
    if any(sign.isdigit() for sign in bare):
        return ""
    return _SEPARATORS.sub(" ", bare).strip()
