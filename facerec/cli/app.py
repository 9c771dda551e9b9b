"""``facerec app`` where the window is not installed: says so.

The package ``gui`` registers ``app`` in the entry-point group ``facerec.commands`` and thereby
replaces this command.
"""

from __future__ import annotations

import click

from facerec.errors import DependencyError


@click.command()
def app() -> None:
    """Open the window.

    Example: facerec app
    """
    raise DependencyError(
        "The window is not installed.",
        remedy="Install it: pip install 'facerec[gui]'. The command line works without it.",
    )
