/** Attacks by whoever has a key: acting after it was revoked, and taking what belongs to everybody. */
import { connect, type Socket } from "node:net";
import { expect } from "vitest";
import { eventually } from "../support/host.ts";
import { type TestServer, uniqueId } from "../support/server.ts";

interface Key {
  readonly id: string;
  readonly key: string;
}

async function createKey(server: TestServer, more: object): Promise<Key> {
  const body = { name: uniqueId("attacker"), role: "execute", ...more };
  return (await server.request<Key>("/api/keys", { body })).body;
}

/** One request whose body does not come before it is asked for. */
class Unfinished {
  readonly #socket: Socket;
  readonly #rest: string;
  text = "";

  constructor(server: TestServer, { key }: Key, route: string, body: object) {
    const { hostname, port } = new URL(server.baseUrl);
    const payload = JSON.stringify(body);
    this.#rest = payload.slice(1);
    this.#socket = connect(Number(port), hostname);
    this.#socket.on("error", () => undefined);
    this.#socket.on("data", (chunk: Buffer) => {
      this.text += chunk.toString("latin1");
    });
    this.#socket.write(
      `${route} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${key}\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${payload.length}\r\n\r\n${payload.slice(0, 1)}`,
    );
  }

  get status(): string {
    return this.text.split(" ")[1] ?? "";
  }

  finish(): void {
    this.#socket.write(this.#rest);
  }

  leave(): void {
    this.#socket.destroy();
  }
}

async function actsAfterRevocation(server: TestServer): Promise<void> {
  const admin = await createKey(server, { role: "admin" });
  const name = uniqueId("successor");
  const underWay = [
    new Unfinished(server, admin, "POST /api/keys", { name, role: "admin" }),
    new Unfinished(server, admin, "POST /api/security/panic", { reason: "revenge" }),
    new Unfinished(server, admin, "POST /execute", { code: "1", session_id: name }),
    new Unfinished(server, admin, "POST /sessions", { session_id: name }),
    new Unfinished(server, admin, `DELETE /api/keys/${admin.id}`, {}),
  ];
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect((await server.request(`/api/keys/${admin.id}`, { method: "DELETE" })).status).toBe(204);
  for (const one of underWay) one.finish();
  await eventually(
    () => (underWay.every(({ status }) => status !== "") ? undefined : "not all are answered"),
    10_000,
  );
  expect(underWay.map(({ status }) => status)).toEqual(underWay.map(() => "401"));
  for (const one of underWay) one.leave();
  expect((await server.request("/api/keys")).text).not.toContain(name);
  expect((await server.request("/api/security/containers")).text).not.toContain(name);
  expect((await server.request("/health")).status).toBe(200);
}

async function hoardedRequests(server: TestServer): Promise<void> {
  const key = await createKey(server, { quotas: { sessions: 1 } });
  const other = await createKey(server, {});
  const hoard = Array.from(
    { length: 300 },
    () => new Unfinished(server, key, "POST /sessions/z/notebook", { notebook: {} }),
  );
  const refused = () => hoard.filter(({ status }) => status === "429").length;
  await eventually(() => (refused() >= 44 ? undefined : `${refused()} are refused`), 10_000);
  expect(refused()).toBe(44);
  const ask = (token: string) =>
    server.request("/sessions", { authenticated: false, headers: { "x-api-key": token } });
  expect((await ask(key.key)).status).toBe(429);
  expect((await ask(other.key)).status).toBe(200);
  for (const one of hoard) one.leave();
  await eventually(async () => {
    const { status } = await ask(key.key);
    return status === 200 ? undefined : `the key is answered ${status}`;
  }, 10_000);
}

export const keyAttacks = { actsAfterRevocation, hoardedRequests };
