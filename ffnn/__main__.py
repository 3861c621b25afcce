"""``python -m ffnn`` is the command ``ffnn``."""

from __future__ import annotations

import sys

from ffnn.cli import main

if __name__ == "__main__":
    sys.exit(main())
