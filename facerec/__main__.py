"""``python -m facerec`` is the command ``facerec``."""

from __future__ import annotations

import sys

from facerec.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
