"""The command line as ``python -m shoppego_orders``."""

from __future__ import annotations

import sys

from shoppego_orders.cli import main

if __name__ == "__main__":
    sys.exit(main())
