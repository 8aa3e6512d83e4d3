/** What an editor waits for beside a result: the variables of a session, and a completion. */
import { setTimeout as sleep } from "node:timers/promises";
import type { GloveboxSystem } from "./glovebox-system.js";
import { encodeRequest, HttpConnection } from "./http-connection.js";
import type { Figures } from "./scenarios.js";
import { summarize } from "./stats.js";

const SESSION = "bench-interact";
const NAMES = 1_000;
/** One question after the other would measure the session's share of the CPU, half a core. */
const PAUSE_MS = 150;
/** Of each kind a quarter: short and long text, containers, arrays and frames. */
const CODE = `import numpy, pandas
kinds = [
    lambda n: "x" * n,
    lambda n: {"key": list(range(n)), "more": (n, None)},
    lambda n: numpy.arange(n + 1.0).reshape(1, -1),
    lambda n: pandas.DataFrame({"a": range(n % 10), "b": range(n % 10)}),
]
globals().update({f"v{n:04}": kinds[n % 4](n) for n in range(${NAMES - 3})})`;

/** `GET variables` of a thousand names, each with its preview. */
export async function measureVariables(system: GloveboxSystem, rounds: number): Promise<Figures> {
  const path = `/sessions/${SESSION}/variables`;
  return ask(system, encodeRequest("GET", path, system.headers), rounds, (body) => {
    const { variables } = JSON.parse(body) as { variables: { preview: string }[] };
    return variables.length === NAMES && variables.every(({ preview }) => preview !== "");
  });
}

/** The attributes of a DataFrame. */
export async function measureCompletion(system: GloveboxSystem, rounds: number): Promise<Figures> {
  const path = `/sessions/${SESSION}/complete`;
  const request = encodeRequest("POST", path, system.headers, { code: "v0003.hea" });
  return ask(system, request, rounds, (body) => body.includes('"matches":["head"]'));
}

async function ask(
  system: GloveboxSystem,
  request: Buffer,
  rounds: number,
  isRight: (body: string) => boolean,
): Promise<Figures> {
  const connection = await HttpConnection.open(system.port);
  const execute = { session_id: SESSION, code: CODE };
  const { body } = await connection.send(
    encodeRequest("POST", "/execute", system.headers, execute),
  );
  if (!body.includes('"status":"ok"')) throw new Error(`It did not run: ${body.slice(0, 300)}`);
  const times: number[] = [];
  // The first round is not counted.
  for (let round = 0; round <= rounds; round += 1) {
    await sleep(PAUSE_MS);
    const start = performance.now();
    const reply = await connection.send(request);
    if (round > 0) times.push(performance.now() - start);
    if (!isRight(reply.body)) throw new Error(`Another answer: ${reply.body.slice(0, 300)}`);
  }
  await connection.send(encodeRequest("DELETE", `/sessions/${SESSION}`, system.headers));
  connection.close();
  return { ...summarize(times) };
}
