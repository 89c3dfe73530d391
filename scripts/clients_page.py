#!/usr/bin/env python3
"""Copies the examples of tests/clients into docs/CLIENTS.md; with `--check` it only compares.

Exit code 1: the page and the clients differ, or a client has no example.
"""

import re
import sys
from pathlib import Path

PAGE = Path("docs/CLIENTS.md")
EXAMPLE = re.compile(r"<!-- (\S+) -->\n```(\w+)\n.*?```", re.S)


def lines_of(path: str) -> str:
    """Returns the lines between the marks `example begins` and `example ends` of a file."""
    text = Path(path).read_text(encoding="utf-8")
    _, _, rest = text.partition("example begins\n")
    example, mark, _ = rest.partition("example ends")
    if not mark:
        sys.exit(f"{path}: expected lines between `example begins` and `example ends`, found none")
    # The last line is the sign of the comment before `example ends`.
    return example.rpartition("\n")[0].strip("\n")


def shown(found: re.Match) -> str:
    path, language = found.groups()
    return f"<!-- {path} -->\n```{language}\n{lines_of(path)}\n```"


def main() -> None:
    old = PAGE.read_text(encoding="utf-8")
    new = EXAMPLE.sub(shown, old)
    if "--check" not in sys.argv:
        PAGE.write_text(new, encoding="utf-8")
    elif new != old:
        sys.exit(f"{PAGE} differs from tests/clients: run `python3 scripts/clients_page.py`")


if __name__ == "__main__":
    main()
