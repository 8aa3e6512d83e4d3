/** A server without sessions holds what it held before them, whatever has happened in between. */
import { eventually } from "../support/host.ts";
import type { TestServer } from "../support/server.ts";
import { type Figure, figures, type Sample, takeSample } from "./resources.ts";

const REST_TIMEOUT_MS = 60_000;
const SETTLE_MS = 1000;

/** What a server at rest may differ by from itself at rest before. */
const REST_TOLERANCE: Partial<Record<Figure, number>> = {
  "gateway MiB": 96,
  "keeper MiB": 8,
  "zygote MiB": 40,
  "supervisor MiB": 16,
  // Node opens some for itself, at its first use of something.
  "gateway descriptors": 3,
  "supervisor descriptors": 2,
  // A worn zygote stays as long as warm sandboxes that it has made.
  processes: 1,
  "keeper descriptors": 2,
  "zygote descriptors": 1,
};

interface Status {
  readonly pool: {
    readonly size: number;
    readonly idle: number;
    readonly starting: number;
    readonly leased: number;
  };
}

/** Revoke every key, end every session and wait until only warm sandboxes are there, and everything else is removed. */
export async function bringToRest(server: TestServer): Promise<Sample> {
  const { keys } = (await server.request<{ keys: { id: string }[] }>("/api/keys")).body;
  for (const { id } of keys) await server.request(`/api/keys/${id}`, { method: "DELETE" });
  const { body } = await server.request<{ sessions: { session_id: string }[] }>("/sessions");
  for (const { session_id } of body.sessions) {
    await server.request(`/sessions/${session_id}`, { method: "DELETE" });
  }
  await eventually(async () => {
    const { pool } = (await server.request<Status>("/status")).body;
    const isAtRest = pool.idle === pool.size && pool.starting === 0 && pool.leased === 0;
    return isAtRest ? undefined : JSON.stringify(pool);
  }, REST_TIMEOUT_MS);
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  return takeSample(server);
}

const WORK_REQUESTS = 400;

/** Work that leaves nothing. An idle heap is not collected, whatever lies dead in it. */
async function giveWork(server: TestServer): Promise<void> {
  const body = { code: `"${"x".repeat(200_000)}"[0]`, session_id: "never", timeout: -1 };
  for (let n = 0; n < WORK_REQUESTS; n++) await server.request("/execute", { body });
}

/** Garbage leaves the heap late, so a server that holds more than before is given work and looked at again. */
export async function bringBackToRest(server: TestServer, before: Sample): Promise<Sample> {
  const deadline = Date.now() + REST_TIMEOUT_MS;
  let after = await bringToRest(server);
  while (compareRests(before, after).length > 0 && Date.now() < deadline) {
    await giveWork(server);
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    after = takeSample(server);
  }
  return after;
}

export function compareRests(before: Sample, after: Sample): string[] {
  return (Object.keys(figures) as Figure[])
    .filter((name) => after[name] - before[name] > (REST_TOLERANCE[name] ?? 0))
    .map((name) => `at rest, ${name} went from ${before[name]} to ${after[name]}`);
}
