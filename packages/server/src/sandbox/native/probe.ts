/**
 * The inside view: runs guest/_glovebox/probes/probe.py as the first cell of an unused sandbox. What it
 * answers can be believed, because no other code than ours has run there.
 */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import type { ConfinementPlan } from "../plan.js";
import { recordOf } from "../records.js";
import type { Sandbox } from "../sandbox.js";

/** Read while the process is still root: its user may have no way into the source's directory. */
const SOURCE = readFileSync(
  fileURLToPath(new URL("../../../guest/_glovebox/probes/probe.py", import.meta.url)),
  "utf8",
);
const PLACEHOLDER = 'PLAN = {"writable": [], "read_only": []}';
const ANSWER_BYTES_MAX = 100_000;
const TIMEOUT_MS = 10_000;

/** What went wrong by the name of the check, null where nothing did. */
export type ProbeAnswer = Readonly<Record<string, string | null>>;
const answer = Compile(recordOf(Type.Union([Type.Null(), Type.String()])));

/** Whether folders may be written, by their place inside. */
export type FoldersInside = Readonly<Record<string, boolean>>;

function cell(plan: ConfinementPlan, folders: FoldersInside): string {
  const { open_files } = plan;
  const places = {
    "/workspace": [plan.workspace_bytes, plan.workspace_inodes],
    "/tmp": [plan.tmp_bytes, plan.tmp_inodes],
    "/tmp/home": [plan.home_bytes, plan.home_inodes],
    "/dev/shm": [plan.tmp_bytes, plan.tmp_inodes],
  };
  const writable = Object.keys(folders).filter((place) => folders[place]);
  const read_only = Object.keys(folders).filter((place) => !folders[place]);
  const facts = { open_files, places, writable, read_only };
  return SOURCE.replace(PLACEHOLDER, `PLAN = ${JSON.stringify(facts)}`);
}

/** @throws Error when the sandbox does not answer, which is a failure of its own. */
export async function runProbe(
  sandbox: Sandbox,
  plan: ConfinementPlan,
  folders: FoldersInside,
): Promise<ProbeAnswer> {
  let text = "";
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve, reject) => {
    timer = setTimeout(() => reject(new Error("the probe does not answer")), TIMEOUT_MS);
    void sandbox.ended.then((end) => reject(new Error(end.detail)));
    const code = cell(plan, folders);
    const bounds = { timeoutMs: TIMEOUT_MS, outputBytesMax: ANSWER_BYTES_MAX };
    const request = { code, ...bounds, allowInput: false };
    sandbox.execute(request, (message) => {
      if (message.msg_type === "stream") text += message.content.text;
      if (message.msg_type === "execute_reply") resolve();
    });
  });
  try {
    await over;
    const value: unknown = JSON.parse(text);
    if (!answer.Check(value)) throw new Error("the probe answers something else than its checks");
    return value;
  } finally {
    clearTimeout(timer);
  }
}
