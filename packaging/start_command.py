"""Where the packaged command line starts."""

import sys

from facerec.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
