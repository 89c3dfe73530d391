#!/usr/bin/env python3
"""Makes the crops of examples/cells and the table examples/fields/smear.csv again: `make examples`.

The table of examples/cells/README.md says which cells to cut. The cells of smear.csv say which
field's nuclei to write. Positions come from the classifications.csv of a folder of CRIC fields.
"""

import csv
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CELLS = Path("examples/cells")
SMEAR = Path("examples/fields/smear.csv")
# The width that the default bundle expects
EDGE = "140"
ROW = re.compile(r"^\| `(?P<file>[\w.-]+\.png)` \| [^|]+ \| (?P<cell>\d+) \|", re.M)


def read_table(path):
    with path.open(newline="") as table:
        return list(csv.DictReader(table))


def write_table(path, rows, columns):
    with path.open("w", newline="") as table:
        writer = csv.DictWriter(table, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def named(cells, wanted):
    missing = [cell for cell in wanted if cell not in cells]
    if missing:
        sys.exit(f"classifications.csv has no cells {', '.join(missing)}: give the folder of CRIC fields, see examples/cells/README.md")
    return [cells[cell] for cell in wanted]


def cut_crops(program, data, cells):
    files = {row["cell"]: row["file"] for row in ROW.finditer((CELLS / "README.md").read_text())}
    rows = named(cells, files)
    with tempfile.TemporaryDirectory() as work:
        table = Path(work, "classifications.csv")
        write_table(table, rows, list(rows[0]))
        crop = [program, "crop", "--data", table, "--img_dir", data / "fields", "--edge", EDGE, "--work", work]
        subprocess.run(crop, check=True)
        for cell, file in files.items():
            shutil.copyfile(Path(work, "crops", f"{cell}.png"), CELLS / file)


def write_nuclei(cells):
    old = read_table(SMEAR)
    image = {row["image_id"] for row in named(cells, [row["cell_id"] for row in old])}
    if len(image) != 1:
        sys.exit(f"the cells of {SMEAR} belong to {len(image)} fields: they must belong to one")
    rows = [row for row in cells.values() if row["image_id"] in image]
    write_table(SMEAR, sorted(rows, key=lambda row: int(row["cell_id"])), list(old[0]))


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: scripts/example_cells.py PROGRAM DATA, with PROGRAM such as target/release/secondlook-train")
    program, data = Path(sys.argv[1]).absolute(), Path(sys.argv[2])
    cells = {row["cell_id"]: row for row in read_table(data / "classifications.csv")}
    write_nuclei(cells)
    cut_crops(program, data, cells)


if __name__ == "__main__":
    main()
