/** Clients that mean harm: code from the corpus of attacks, one session each. */
import assert from "node:assert/strict";
import { attackCases } from "../attack/manifest.ts";
import type { Random } from "../fuzz/random.ts";
import { attackCode } from "../support/corpus.ts";
import { type TestServer, uniqueId } from "../support/server.ts";
import { assertExecutionShape } from "../support/shape.ts";

const TIMEOUT_S = 2;
/** Interrupt, grace and kill come on top, and on a busy machine so does waiting for a sandbox. */
const ANSWER_MS_MAX = 30_000;

const EXTRA_CODE = [
  "import os\nwhile True: os.fork()",
  "x = []\nwhile True: x.append(bytearray(10**7))",
  "while True: print('x' * 10_000)",
  "import os\nos._exit(3)",
  "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
  "f = []\nwhile True: f.append(open('/dev/null'))",
  "import time\ntime.sleep(60)",
  "while True: pass",
  "import subprocess\nfor _ in range(30): subprocess.Popen(['sleep', '600'], start_new_session=True)",
  "import mmap\nm = mmap.mmap(-1, 2**30)\nfor at in range(0, 2**30, 4096): m[at] = 1",
  "import threading\nfor _ in range(1000): threading.Thread(target=lambda: [None for _ in iter(int, 1)]).start()",
];

/** Those that need no second session. */
const corpus = attackCases
  .filter(({ hasSetup, threat }) => !hasSetup && threat !== "shared_folders")
  .map(({ id }) => id);

function chooseCode(server: TestServer, random: Random): [name: string, code: string] {
  if (random.chance(0.25)) {
    const index = random.below(EXTRA_CODE.length);
    return [`extra ${index}`, EXTRA_CODE[index] ?? ""];
  }
  const name = random.pick(corpus);
  const facts = { MARKER: "600.5", NEIGHBOUR: "nobody", SETUP_OUTPUT: "" };
  return [name, attackCode(server, name, facts)];
}

/** One attack and the end of its session: deleted, reset first, or left to expire. */
export async function attackOnce(server: TestServer, random: Random): Promise<void> {
  const [name, code] = chooseCode(server, random);
  const session_id = uniqueId("attacker");
  const start = performance.now();
  const answer = await server.tryExecute({ session_id, code, timeout: TIMEOUT_S });
  assert.equal(answer.status, 200, `${name}: ${answer.text.slice(0, 1000)}`);
  assertExecutionShape(answer.body);
  assert.ok(performance.now() - start < ANSWER_MS_MAX, `${name}: the answer took too long`);
  const end = random.below(3);
  if (end === 0) return;
  if (end === 1) await server.request(`/sessions/${session_id}/reset`, { method: "POST" });
  await server.request(`/sessions/${session_id}`, { method: "DELETE" });
}
