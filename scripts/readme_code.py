"""Write README's Python code into one file, for a type checker.

Use: ``python scripts/readme_code.py FILE``.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def main() -> None:
    """Write the blocks, which build on each other, in their order."""
    blocks = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S)
    Path(sys.argv[1]).write_text("\n".join(blocks), encoding="utf-8")


if __name__ == "__main__":
    main()
