/** Files in and out: how fast a large one goes, and how long a small one takes at first and later. */
import { createHash, randomBytes } from "node:crypto";
import http from "node:http";
import type { GloveboxSystem } from "./glovebox-system.js";
import { encodeRequest, HttpConnection } from "./http-connection.js";
import type { Figures } from "./scenarios.js";
import { summarize } from "./stats.js";

const LARGE_BYTES = 50_000_000;
const SMALL = Buffer.from("x,y\n1,2\n");
const SESSION = "bench-files";

/** 50 MB by PUT and GET, one transfer after the other. What comes out is compared with what went in. */
export async function measureLargeFile(system: GloveboxSystem, rounds: number): Promise<Figures> {
  const client = new FileClient(system);
  const content = randomBytes(LARGE_BYTES);
  const expected = sha256(content);
  const times = { in: [] as number[], out: [] as number[] };
  for (let round = 0; round <= rounds; round += 1) {
    const sent = await client.request("PUT", SESSION, "large", content);
    const read = await client.request("GET", SESSION, "large");
    if (sha256(read.body) !== expected) throw new Error("Another file came back.");
    if (round === 0) continue; // The porter is made, and Node compiles its hot paths.
    times.in.push(sent.ms);
    times.out.push(read.ms);
  }
  client.close();
  const speed = (list: number[]) => LARGE_BYTES / 1e3 / summarize(list).p50_ms;
  return { in_mb_per_second: speed(times.in), out_mb_per_second: speed(times.out) };
}

/** The first upload to a session that has run code, for which the porter is made, and the next ones. */
export async function measureSmallFiles(system: GloveboxSystem, rounds: number): Promise<Figures> {
  const client = new FileClient(system);
  const runs = await HttpConnection.open(system.port);
  const times = { first: [] as number[], next: [] as number[], read: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    const session = `${SESSION}-${round}`;
    const body = { session_id: session, code: "1" };
    await runs.send(encodeRequest("POST", "/execute", system.headers, body));
    times.first.push((await client.request("PUT", session, "small", SMALL)).ms);
    times.next.push((await client.request("PUT", session, "small", SMALL)).ms);
    const read = await client.request("GET", session, "small");
    if (!read.body.equals(SMALL)) throw new Error("Another file came back.");
    times.read.push(read.ms);
    await runs.send(encodeRequest("DELETE", `/sessions/${session}`, system.headers));
  }
  runs.close();
  client.close();
  return {
    first_p50_ms: summarize(times.first).p50_ms,
    next_p50_ms: summarize(times.next).p50_ms,
    read_p50_ms: summarize(times.read).p50_ms,
  };
}

const sha256 = (data: Buffer) => createHash("sha256").update(data).digest("hex");

/** Node's own client, on one connection. */
class FileClient {
  readonly #system: GloveboxSystem;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

  constructor(system: GloveboxSystem) {
    this.#system = system;
  }

  request(
    method: "GET" | "PUT",
    session: string,
    name: string,
    body?: Buffer,
  ): Promise<{ ms: number; body: Buffer }> {
    const { port, headers } = this.#system;
    return new Promise((resolve, reject) => {
      const start = performance.now();
      const request = http.request({
        ...{ host: "127.0.0.1", port, agent: this.#agent, method },
        path: `/sessions/${session}/files/${name}`,
        headers: { ...headers, ...(body ? { "content-length": body.length } : {}) },
      });
      request.on("error", reject);
      request.on("response", (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const ms = performance.now() - start;
          const answer = Buffer.concat(chunks);
          if ((response.statusCode ?? 500) < 300) resolve({ ms, body: answer });
          else reject(new Error(`${response.statusCode}: ${answer.toString().slice(0, 200)}`));
        });
      });
      request.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
