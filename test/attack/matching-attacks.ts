/**
 * Attacks by text that a pattern takes forever to match: each is one small request from any key. They must
 * be refused as any wrong request is, and nobody else may notice.
 */
import { expect } from "vitest";
import { probeHealth } from "../support/health.ts";
import { type TestServer, uniqueId } from "../support/server.ts";
import type { HttpAttack } from "./http-attacks.ts";

/** What a pattern took seconds for, in the square of it, and what fits into a body. */
const LENGTHS = [130_000, 4_000_000];
const LONGEST_IN_SMALL_BODY = 60_000;
/** Far below a second, and above what parsing a large body takes on a busy machine. */
const HEALTH_MS_MAX = 300;

/** Runs it while somebody else asks /health, who must be answered soon each time. */
function unnoticed(attack: HttpAttack): HttpAttack {
  return async (server) => {
    const probe = probeHealth(server);
    try {
      await attack(server);
    } finally {
      await probe.stop();
    }
    expect(Math.min(...probe.answersMs)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...probe.answersMs)).toBeLessThan(HEALTH_MS_MAX);
  };
}

async function expectRefused(
  server: TestServer,
  path: string,
  method: string,
  body: unknown,
  expected = 400,
) {
  const { status, text } = await server.request(path, { method, body });
  expect(status, text.slice(0, 500)).toBe(expected);
  expect(text.length).toBeLessThan(10_000);
}

async function slashesWithoutEnd(server: TestServer): Promise<void> {
  for (const length of LENGTHS) {
    const path = `a${"/".repeat(length)}a`;
    const files = [{ path, content: "" }];
    await expectRefused(server, "/execute", "POST", { code: "1", files });
    await expectRefused(server, "/sessions/none/files/a", "PATCH", { path }, 413);
  }
  const path = `a${"/".repeat(LONGEST_IN_SMALL_BODY)}a`;
  await expectRefused(server, "/sessions/none/files/a", "PATCH", { path });
  const inQuery = await server.request(`/sessions/none/files?path=a${"/".repeat(15_000)}a`);
  expect(inQuery.status).toBe(400);
}

async function blanksInBase64(server: TestServer): Promise<void> {
  for (const length of LENGTHS) {
    for (const content of [" ".repeat(length), "A \n".repeat(length / 3), "=".repeat(length)]) {
      const files = [{ path: "a", content: `${content}!`, encoding: "base64" }];
      await expectRefused(server, "/execute", "POST", { code: "1", files });
    }
  }
}

async function longNames(server: TestServer): Promise<void> {
  const headers = { "x-auth-token": server.token };
  const id = uniqueId("long-names");
  for (const fragment of ["/", "\\\\", "%", " ", "é"]) {
    const form = new FormData();
    form.append("file", new Blob(["x"]), `a${fragment.repeat(60_000 / fragment.length)}a`);
    const url = `${server.baseUrl}/sessions/${id}/files`;
    const answer = await fetch(url, { method: "POST", headers, body: form });
    expect(answer.status, await answer.text()).toBe(400);
  }
  await server.request(`/sessions/${id}`, { method: "DELETE" });
}

const HEADERS = [
  ...["range", "if-range", "if-none-match", "if-modified-since", "last-event-id", "authorization"],
  ...["accept", "accept-encoding", "content-type", "cookie", "origin", "user-agent"],
];

/** Nothing of what reads a header or an address, ours or a package's, goes back over it. */
async function longHeaders(server: TestServer): Promise<void> {
  const pages = ["/sessions/none/files/a", "/docs/static/swagger-ui.css", "/execute"];
  for (const fragment of [
    " ",
    "\t",
    "0",
    ",",
    ";",
    "=",
    '"',
    '\\"',
    "/",
    "%",
    "W/",
    "bytes=0-",
    "a=",
  ]) {
    const value = `a${fragment.repeat(12_000 / fragment.length)}a`;
    for (const page of pages) {
      const headers = Object.fromEntries(HEADERS.map((name) => [name, value.slice(0, 1200)]));
      const all = await server.request(page, { headers });
      expect(all.status, fragment).toBeLessThan(500);
      for (const name of HEADERS) {
        const answer = await server.request(page, { headers: { [name]: value } });
        expect(answer.status, `${name}: ${fragment}`).toBeLessThan(500);
      }
    }
    const address = encodeURI(value).slice(0, 12_000).replaceAll("%", "%25");
    for (const url of [`/${address.slice(0, 6000)}`, `/sessions?a=${address.slice(0, 6000)}`]) {
      expect((await server.request(url)).status, url.slice(0, 40)).toBeLessThan(500);
    }
  }
}

export const matchingAttacks: Readonly<Record<string, HttpAttack>> = {
  slashesWithoutEnd: unnoticed(slashesWithoutEnd),
  blanksInBase64: unnoticed(blanksInBase64),
  longNames: unnoticed(longNames),
  longHeaders: unnoticed(longHeaders),
};
