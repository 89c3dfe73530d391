#!/usr/bin/env python3
"""Finds long lines and words that readers stumble over, in every tracked text or in the files named.

Long is more than 100 columns. In Markdown every line counts except tables, code blocks, HTML comments
and lines that are one link or image; in source files only comments and Python's docstrings count.
Exit code 1: something was found. Each finding is one line, `path:line: what`.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = 100
# Words and phrases of earlier texts that readers had to read twice. The list comes from issue 17,
# "Plain words": its table, and the words that it forbids. Whole words, in any case and across lines.
BANNED = """
nobody | somebody | whoever | it lies | lies in | the way of an image | what there is to | asked of | as it stands
no or a wrong key | does not open this | a flood is | that it may make for now | as they may together
the uploads that wait | as has come of it | what their heads have in common | no turn before
"""
# Between two words of a phrase there may be a line break and the mark of a comment.
GAP = r"\s+(?:(?://[/!]?|#|\*)\s*)?"
PHRASES = [phrase.strip() for phrase in re.split(r"[|\n]", BANNED) if phrase.strip()]
WORDS = re.compile(r"\b(?:" + "|".join(GAP.join(map(re.escape, p.split())) for p in PHRASES) + r")\b", re.I)

SLASHES = {".rs", ".js", ".ts", ".java", ".css"}
HASHES = {".py", ".sh", ".toml", ".yaml", ".yml", ".txt", "Makefile", "Dockerfile", ".cuda", "run"}
OTHERS = {".md", ".html"}
# Written by programs, or not ours. This file quotes the words.
LEFT_OUT = re.compile(r"openapi\.yaml|.*\.lock|.*/fixtures/.*|.*/snapshots/.*|scripts/plain_words\.py")
TABLE_OR_LINK = re.compile(r"\||(?:[-*] |\d+\. )?(?:<?https?://\S+|!?\[[^]]*\](?:: |\()\S+)$")


def kind(path):
    """What decides how a file is read: its ending, or its name where it has none."""
    return path.suffix if path.suffix else path.name


def prose(text):
    """Numbers of the lines of Markdown that count."""
    fence = comment = False
    for number, line in enumerate(text.splitlines(), 1):
        start = line.strip()
        if start.startswith(("```", "~~~")) and not comment:
            fence = not fence
        elif not fence:
            opened = comment or start.startswith("<!--")
            comment = opened and "-->" not in start
            if not opened and not TABLE_OR_LINK.match(start):
                yield number


def comments(text, mark):
    """Numbers of the lines that are comments and no more, without tables and links in them."""
    block = False
    for number, line in enumerate(text.splitlines(), 1):
        start = line.strip()
        block = block or (mark == "//" and start.startswith("/*"))
        if (block or start.startswith(mark)) and not TABLE_OR_LINK.match(start.lstrip("/!#* ")):
            yield number
        block = block and "*/" not in start


def docstrings(text):
    """Numbers of the lines of Python's docstrings."""
    for node in ast.walk(ast.parse(text)):
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        if isinstance(node, documented) and ast.get_docstring(node) is not None:
            yield from range(node.body[0].lineno, node.body[0].end_lineno + 1)


def findings(path, text):
    """Each finding as a line number and a sentence."""
    lines = text.splitlines()
    counted = list(prose(text)) if path.suffix == ".md" else []
    if kind(path) in SLASHES | HASHES:
        counted += comments(text, "//" if kind(path) in SLASHES else "#")
    if path.suffix == ".py":
        counted += docstrings(text)
    for number in set(counted):
        if len(lines[number - 1]) > COLUMNS:
            yield number, f"{len(lines[number - 1])} columns, at most {COLUMNS}"
    for found in WORDS.finditer(text):
        yield text.count("\n", 0, found.start()) + 1, f'say "{" ".join(found[0].split())}" in plain words'


def main():
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    names = [Path(name).resolve() for name in sys.argv[1:]] or [ROOT / name for name in tracked.stdout.split("\0")]
    count = 0
    for path in names:
        shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        if kind(path) not in SLASHES | HASHES | OTHERS or LEFT_OUT.fullmatch(str(shown)) or not path.is_file():
            continue
        for number, what in sorted(findings(path, path.read_text(encoding="utf-8"))):
            print(f"{shown}:{number}: {what}")
            count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
