#!/usr/bin/env python3
"""Writes into docs/CLIENTS.md the lines that it shows of the clients under tests/clients; `--check` only compares."""

import re
import sys
from pathlib import Path

PAGE = Path("docs/CLIENTS.md")
EXAMPLE = re.compile(r"<!-- (\S+) -->\n```(\w+)\n.*?```", re.S)


def lines_of(path: str) -> str:
    """What stands between the marks in a file."""
    text = Path(path).read_text(encoding="utf-8")
    _, _, rest = text.partition("example begins\n")
    example, mark, _ = rest.partition("example ends")
    if not mark:
        sys.exit(f"{path} has no lines between `example begins` and `example ends`")
    # What is left of the last mark's line is the sign of a comment.
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
        sys.exit(f"{PAGE} shows other lines than the clients have: run `python3 scripts/clients_page.py`")


if __name__ == "__main__":
    main()
