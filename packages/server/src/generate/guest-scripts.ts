/** Scripts of ours that run inside a sandbox, with what is asked there only now and then. */

import { readFileSync } from "node:fs";
import type { GuestScript } from "./code-runner.js";

const NAMES: readonly GuestScript[] = ["static_check", "context_probe"];

export type GuestScripts = Readonly<Record<GuestScript, string>>;

/** @throws when the installation is not complete */
export function readGuestScripts(): GuestScripts {
  const sources = NAMES.map((name) => {
    const path = new URL(`../../guest/_glovebox/probes/${name}.py`, import.meta.url);
    return [name, readFileSync(path, "utf8")] as const;
  });
  return Object.fromEntries(sources) as GuestScripts;
}
