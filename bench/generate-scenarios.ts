/** What generation costs besides the model: a scripted one answers at once, over HTTP like any other. */
import { code, type ModelServer, runs, startModelServer } from "../test/support/model-server.js";
import type { GloveboxSystem } from "./glovebox-system.js";
import { encodeRequest, HttpConnection } from "./http-connection.js";
import { type Figures, latencyFigures } from "./scenarios.js";
import { summarize } from "./stats.js";

/** The SDK is loaded and the paths are compiled by then. */
const WARM_UP = 10;

export function startBenchModel(): Promise<ModelServer> {
  return startModelServer((request) => {
    if (request.stream) return answerInChat(request.messages.at(-1));
    const number = /(\d+)$/.exec(request.messages.at(-1)?.content ?? "")?.[1] ?? "0";
    return code(`print(${number} * 2)`);
  });
}

/** Code for a question, and its output as the answer. */
function answerInChat(last: { readonly role: string; readonly content: string } | undefined) {
  const number = /(\d+)\n?(?:\n<\/data-\w+>)?$/.exec(last?.content ?? "")?.[1] ?? "0";
  return last?.role === "tool" ? { text: `It is ${number}.` } : runs(`print(${number} * 2)`);
}

export const modelEnvironment = ({ baseUrl }: ModelServer) => ({
  ...{ LLM_BASE_URL: baseUrl, LLM_MODEL: "scripted", LLM_API_KEY: "bench" },
});

/** A trivial question at a time, in a session or in a sandbox of its own. */
export async function measureGenerate(
  system: GloveboxSystem,
  rounds: number,
  kind: "session" | "stateless",
): Promise<Figures> {
  const connection = await HttpConnection.open(system.port);
  const times: number[] = [];
  for (let round = 0; round < rounds + WARM_UP; round += 1) {
    if (kind === "stateless") await system.settle();
    const start = performance.now();
    await ask(system, connection, round, kind === "session" ? "bench-generate" : undefined);
    if (round >= WARM_UP) times.push(performance.now() - start);
  }
  connection.close();
  return latencyFigures(summarize(times));
}

/** A turn of a chat at a time: a question, one run, an answer; two calls of the model. */
export async function measureChat(system: GloveboxSystem, rounds: number): Promise<Figures> {
  const connection = await HttpConnection.open(system.port);
  const times: number[] = [];
  for (let round = 0; round < rounds + WARM_UP; round += 1) {
    const messages = [{ role: "user", content: `Double ${round}` }];
    const body = { messages, session_id: "bench-chat", stream: false };
    const request = encodeRequest("POST", "/api/chat", system.headers, body);
    const start = performance.now();
    const reply = await connection.send(request);
    if (round >= WARM_UP) times.push(performance.now() - start);
    const answer = JSON.parse(reply.body) as { text?: string };
    if (answer.text !== `It is ${round * 2}.`) throw new Error(reply.body.slice(0, 600));
  }
  connection.close();
  return latencyFigures(summarize(times));
}

/** So many people ask at the same moment, each something else. Fails when one answer is wrong. */
export async function measureGenerateAtOnce(
  system: GloveboxSystem,
  users: number,
): Promise<Figures> {
  await system.settle();
  const numbers = Array.from({ length: users }, (_, index) => index);
  const connections = await Promise.all(numbers.map(() => HttpConnection.open(system.port)));
  const start = performance.now();
  const times = await Promise.all(
    connections.map(async (connection, index) => {
      await ask(system, connection, index);
      return performance.now() - start;
    }),
  );
  for (const connection of connections) connection.close();
  return latencyFigures(summarize(times));
}

async function ask(
  system: GloveboxSystem,
  connection: HttpConnection,
  number: number,
  session?: string,
): Promise<void> {
  const body = { query: `Double ${number}`, ...(session ? { session_id: session } : {}) };
  const request = encodeRequest("POST", "/generate-and-execute", system.headers, body);
  const reply = await connection.send(request);
  const answer = JSON.parse(reply.body) as { stdout?: string };
  if (answer.stdout !== `${number * 2}\n`) throw new Error(reply.body.slice(0, 300));
}
