#!/usr/bin/env python3
"""Writes the tables of docs/PROMISES.md from the last results of `make nested`.

    scripts/promises_page.py [work/cric-140px/nested.md]
"""

import sys
from pathlib import Path

PAGE = Path("docs/PROMISES.md")
START, END = "<!-- nested -->\n", "<!-- end of nested -->"


def main():
    tables = Path(sys.argv[1] if len(sys.argv) > 1 else "work/cric-140px/nested.md")
    if not tables.is_file():
        sys.exit(f"{tables} is missing: run `make nested`")
    head, rest = PAGE.read_text().split(START)
    PAGE.write_text(head + START + tables.read_text().rstrip() + "\n" + END + rest.split(END)[1])


if __name__ == "__main__":
    main()
