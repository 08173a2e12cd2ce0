"""Run with `python -m disclosure.engine`."""

import sys

from disclosure.engine.cli import main

if __name__ == "__main__":
    sys.exit(main())
