// Reads nuclei from a table in CRIC's columns: cell_id, nucleus_x, nucleus_y, and optionally
// image_filename and bethesda_system.

import { Problem } from "./problems.js";

const refusal = (detail, hint = "A table needs the columns cell_id, nucleus_x and nucleus_y.") =>
  new Problem({ title: "The table cannot be read", detail, hint });

/// Rows of fields. A field in quotes may have commas, line ends and doubled quotes (RFC 4180).
export function rows(text) {
  const found = [];
  let row = [], field = "", quoted = false;
  const endField = () => { row.push(field.trim()); field = ""; };
  const endRow = () => {
    endField();
    if (row.some((value) => value !== "")) found.push(row);
    row = [];
  };
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at];
    if (quoted && sign === '"' && text[at + 1] === '"') { field += '"'; at += 1; }
    else if (sign === '"') quoted = !quoted;
    else if (!quoted && sign === ",") endField();
    else if (!quoted && sign === "\n") endRow();
    else field += sign;
  }
  if (field !== "" || row.length > 0) endRow();
  return found;
}

/// The nuclei of the image with this name.
export function nuclei(text, imageName) {
  const [head, ...body] = rows(text.replace(/^\uFEFF/, ""));
  if (!head) throw refusal("The file is empty.");
  const column = (name) => head.indexOf(name);
  for (const name of ["cell_id", "nucleus_x", "nucleus_y"]) {
    if (column(name) < 0) throw refusal(`The table has no column ${name}.`);
  }
  const read = (row, line) => {
    const [x, y] = ["nucleus_x", "nucleus_y"].map((name) => (row[column(name)] ? Number(row[column(name)]) : NaN));
    if (!Number.isFinite(x) || !Number.isFinite(y)) throw refusal(`Line ${line + 2}: the position is not a number.`);
    return {
      id: row[column("cell_id")],
      x,
      y,
      file: column("image_filename") < 0 ? null : row[column("image_filename")],
      said: column("bethesda_system") < 0 ? null : row[column("bethesda_system")] || null,
    };
  };
  const all = body.map(read);
  const files = new Set(all.map((nucleus) => nucleus.file));
  const here = files.size > 1 ? all.filter((nucleus) => nucleus.file === imageName) : all;
  if (all.length > 0 && here.length === 0) {
    throw refusal(`The table has nuclei of ${files.size} images, but none of ${imageName}.`, "Rename the image as in the table, or keep only the rows of this image.");
  }
  if (here.length === 0) throw refusal("The table has no rows.", "Add one row for each nucleus.");
  return here;
}
