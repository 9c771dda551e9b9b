"""``python -m gui.i18n.update``: bring the catalogues up to date with the code.

New sentences come in as unfinished, those that are gone are dropped. Needs PySide6's ``lupdate``.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import PySide6

from gui.i18n.catalogue import LANGUAGES

FOLDER = Path(__file__).resolve().parent
SOURCES = FOLDER.parent


def lupdate(target: Path, language: str) -> None:
    """Run lupdate over the package on one catalogue.

    Raises:
        CalledProcessError: it failed.
    """
    name = "lupdate.exe" if sys.platform == "win32" else "lupdate"
    program = Path(PySide6.__file__).resolve().parent / name
    sources = sorted(str(path) for path in SOURCES.rglob("*.py"))
    options = ["-locations", "none", "-no-obsolete", "-source-language", "en", "-silent"]
    options += ["-tr-function-alias", "QT_TRANSLATE_NOOP+=marked"]
    # English needs only the sentences that count something.
    options += ["-pluralonly"] if language == "en" else []
    command = [str(program), *options, "-target-language", language, *sources, "-ts", str(target)]
    subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603


def main() -> int:
    """Update all catalogues."""
    for language in LANGUAGES:
        lupdate(FOLDER / f"{language}.ts", language)
    return 0


if __name__ == "__main__":
    sys.exit(main())
