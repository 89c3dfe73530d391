// Starts the real program with the real bundle, on a port that the system chooses.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import path from "node:path";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PROGRAM = path.resolve(ROOT, process.env.SECONDLOOK_PROGRAM ?? "target/release/secondlook");
const READY = "secondlook is ready at ";

/// The environment without settings of the program.
function environment(settings) {
  const clean = Object.entries(process.env).filter(([name]) => !name.startsWith("SECONDLOOK_"));
  const given = Object.entries(settings).map(([name, value]) => [`SECONDLOOK_${name}`, value]);
  return Object.fromEntries([...clean, ...given]);
}

/// Starts a server; `settings` such as `{ LIMITS__MAX_CELLS: "3" }`.
export async function startServer(settings = {}) {
  const child = spawn(PROGRAM, ["serve", "--listen", "127.0.0.1:0"], {
    cwd: ROOT, env: environment(settings), stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (data) => { log += data; });
  const ended = once(child, "exit");
  const failed = ended.then(() => { throw new Error(`the server ended: ${log}`); });
  failed.catch(() => {});
  const [line] = await Promise.race([once(createInterface({ input: child.stdout }), "line"), failed]);
  if (!line.startsWith(READY)) throw new Error(`${line}\n${log}`);
  return {
    url: line.slice(READY.length).trim(),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await ended;
    },
  };
}

/// A new API key and its entry for the configuration.
export function newKey() {
  const printed = execFileSync(PROGRAM, ["keys", "new", "page"], { encoding: "utf8", cwd: ROOT });
  const at = printed.indexOf("\n");
  return { key: printed.slice(0, at), entry: printed.slice(at + 1).trim() };
}

/// A copy of a model under the name `as`, after a change to its manifest, in a new folder by
/// default.
export function copyOfModel(name, change, as = name, folder = mkdtempSync(path.join(tmpdir(), "secondlook-models-"))) {
  const manifest = path.join(folder, as, "bundle.toml");
  cpSync(path.join(ROOT, "models", name), path.join(folder, as), { recursive: true });
  writeFileSync(manifest, change(readFileSync(manifest, "utf8")));
  return folder;
}
