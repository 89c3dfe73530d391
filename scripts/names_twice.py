#!/usr/bin/env python3
"""Lists type names that are defined more than once in the programs' code.

Structs, enums, traits, unions and type aliases of `src`, `crates/*/src` and `benches` count. Tests
and associated types do not. Exit code 1: a name is defined twice and `REASONS` does not say why, or
a reason is out of date.
"""

import collections
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST = 10
DEFINITION = re.compile(r"^(?:pub(?:\([a-z: ]+\))? )?(?:struct|enum|trait|union|type) ([A-Z]\w*)")
# Why a name may be defined more than once.
REASONS = {}


def sources():
    """The programs' Rust files, without their tests."""
    for folder in ["src", "crates", "benches"]:
        for path in sorted((ROOT / folder).rglob("*.rs")):
            parts = path.relative_to(ROOT).parts
            if "tests" in parts or "target" in parts or path.name == "tests.rs":
                continue
            yield path


def definitions():
    """Each name with the places of its definitions.

    An indented line defines an associated type or is in a test module.
    """
    places = collections.defaultdict(list)
    for path in sources():
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = DEFINITION.match(line)
            if found:
                places[found[1]].append(f"{path.relative_to(ROOT)}:{number}")
    return places


def main():
    twice = {name: where for name, where in definitions().items() if len(where) > 1}
    for name, where in sorted(twice.items()):
        print(f"{name}: {REASONS.get(name, 'NO REASON GIVEN')}")
        for place in where:
            print(f"    {place}")
    unexplained = sorted(set(twice) - set(REASONS))
    outdated = sorted(set(REASONS) - set(twice))
    print(f"{len(twice)} type names are defined more than once; at most {MOST} may be.")
    if unexplained:
        print(f"Rename one of each, or give its reason in {Path(__file__).name}: {', '.join(unexplained)}")
    if outdated:
        print(f"Reasons that are no longer needed: {', '.join(outdated)}")
    return 1 if unexplained or outdated or len(twice) > MOST else 0


if __name__ == "__main__":
    sys.exit(main())
