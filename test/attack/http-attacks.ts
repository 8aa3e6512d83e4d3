/**
 * Attacks on the HTTP side, from clients without and with a token. Each throws when the server does
 * not refuse as it should; that it still serves everybody else is checked by the suite afterwards.
 */
import { expect } from "vitest";
import { type TestServer, uniqueId } from "../support/server.ts";
import { commandAttacks } from "./command-attacks.ts";
import { connectionAttacks } from "./connection-attacks.ts";
import { fileAttacks } from "./file-attacks.ts";
import { keyAttacks } from "./key-attacks.ts";
import { matchingAttacks } from "./matching-attacks.ts";
import { outputAttacks } from "./output-attacks.ts";
import { expectHealthy, open, pause } from "./raw-connections.ts";

export type HttpAttack = (server: TestServer) => Promise<void>;

interface RawAnswer {
  readonly text: string;
  readonly closed: boolean;
}

/** Sends bytes as they are and collects what comes back within the time. */
async function sendRaw(server: TestServer, data: string, waitMs = 1_500): Promise<RawAnswer> {
  const socket = await open(server);
  let text = "";
  let closed = false;
  socket.on("error", () => undefined);
  const finished = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, waitMs);
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
    });
    socket.on("close", () => {
      closed = true;
      clearTimeout(timer);
      resolve();
    });
  });
  socket.write(data);
  await finished;
  socket.destroy();
  return { text, closed };
}

function expectRefused(answer: RawAnswer): void {
  if (answer.text === "") {
    expect(answer.closed).toBe(true);
    return;
  }
  expect(answer.text).toMatch(/^HTTP\/1\.1 4\d\d/);
  expect(answer.text).not.toMatch(/\bat .+\.(js|ts|mjs):\d+/);
}

function postHead(server: TestServer, headers: string): string {
  return (
    "POST /execute HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" +
    `X-Auth-Token: ${server.token}\r\n${headers}\r\n`
  );
}

async function guessedTokens(server: TestServer): Promise<void> {
  const guesses = [
    "",
    " ",
    "null",
    "undefined",
    server.token.toUpperCase(),
    ` ${server.token.slice(1)}`,
    server.token.repeat(2),
    server.token.slice(0, 20),
    "x".repeat(server.token.length),
  ];
  for (const guess of guesses) {
    for (const headers of [
      { "x-auth-token": guess },
      { "x-api-key": guess },
      { authorization: `Bearer ${guess}` },
      { authorization: guess },
      { cookie: `token=${guess}` },
    ]) {
      const { status, text } = await server.request("/execute", {
        authenticated: false,
        headers,
        body: { code: "1" },
      });
      expect(status, JSON.stringify(headers)).toBe(401);
      expect(text).not.toContain(server.token);
    }
  }
  const inQuery = await server.request(`/sessions?token=${server.token}&x_auth_token=1`, {
    authenticated: false,
  });
  expect(inQuery.status).toBe(401);
}

async function headerInjection(server: TestServer): Promise<void> {
  for (const value of ["a\0b", "a\x01b", "a\rb", "\x7f"]) {
    expectRefused(
      await sendRaw(server, `GET /sessions HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${value}\r\n\r\n`),
    );
  }
  const reflected = await server.request("/sessions/a%0d%0aSet-Cookie:%20evil=1");
  expect(reflected.status).toBeGreaterThanOrEqual(400);
  expect(reflected.headers.get("set-cookie")).toBeNull();
}

async function deepJson(server: TestServer): Promise<void> {
  for (const rawBody of [
    `${"[".repeat(100_000)}${"]".repeat(100_000)}`,
    `${'{"code":'.repeat(50_000)}1${"}".repeat(50_000)}`,
    "[".repeat(500_000),
  ]) {
    const { status } = await server.request("/execute", { rawBody });
    expect(status).toBe(400);
  }
}

async function hugeBody(server: TestServer): Promise<void> {
  const answer = await sendRaw(
    server,
    `${postHead(server, "Content-Length: 900000000\r\n")}{"code": "${"x".repeat(200_000)}`,
  );
  expectRefused(answer);
}

async function endlessChunks(server: TestServer): Promise<void> {
  const socket = await open(server);
  let text = "";
  let closed = false;
  socket.on("error", () => undefined);
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
  });
  socket.on("close", () => {
    closed = true;
  });
  socket.write(postHead(server, "Transfer-Encoding: chunked\r\n"));
  const chunk = `10000\r\n${" ".repeat(0x10000)}\r\n`;
  for (let count = 0; count < 200 && !closed && text === ""; count += 1) {
    socket.write(chunk);
    await pause(5);
  }
  await pause(500);
  socket.destroy();
  expectRefused({ text, closed });
}

async function absurdNumbers(server: TestServer): Promise<void> {
  const values = ["1e999", "-1e999", "1e-999", "-0", "NaN", "Infinity", "9".repeat(400), "0x10"];
  for (const value of values) {
    for (const field of ["timeout", "memory_limit", "cpu_limit"]) {
      const { status } = await server.request("/execute", {
        rawBody: `{"code":"1","${field}":${value}}`,
      });
      expect(status, `${field}: ${value}`).toBe(400);
    }
  }
  for (const value of ["1e9g", "0x10m", "١٢m", "1m1", "-1", " 5m", "1.5.5g", ""]) {
    const { status } = await server.request("/execute", {
      body: { code: "1", memory_limit: value },
    });
    expect(status, `memory_limit: ${value}`).toBe(400);
  }
}

async function manyFields(server: TestServer): Promise<void> {
  const fields = Array.from({ length: 50_000 }, (_, index) => `"f${index}":1`).join(",");
  const start = performance.now();
  const { status, text } = await server.request("/execute", { rawBody: `{${fields}}` });
  expect(status).toBe(400);
  expect(text.length).toBeLessThan(10_000);
  expect(performance.now() - start).toBeLessThan(2_000);
}

async function prototypePollution(server: TestServer): Promise<void> {
  for (const rawBody of [
    '{"code":"1","__proto__":{"session_id":"polluted"}}',
    '{"code":"1","constructor":{"prototype":{"session_id":"polluted"}}}',
    '{"__proto__":{"code":"1"}}',
  ]) {
    const { status } = await server.request("/execute", { rawBody });
    expect(status, rawBody).toBe(400);
  }
  const clean = await server.execute({ code: "1" });
  expect(clean.session_id).not.toBe("polluted");
}

async function requestSmuggling(server: TestServer): Promise<void> {
  const hidden = "GET /status HTTP/1.1\r\nHost: x\r\n\r\n";
  for (const headers of [
    `Transfer-Encoding: chunked\r\nContent-Length: ${hidden.length}\r\n`,
    "Content-Length: 5\r\nContent-Length: 6\r\n",
    "Transfer-Encoding: chunked, identity\r\n",
    "Transfer-Encoding : chunked\r\n",
    "Content-Length: +5\r\n",
  ]) {
    const answer = await sendRaw(server, `${postHead(server, headers)}0\r\n\r\n${hidden}`);
    expectRefused(answer);
    expect(answer.text.match(/HTTP\/1\.1 2\d\d/g)).toBeNull();
  }
}

async function slowHeaders(server: TestServer): Promise<void> {
  const sockets = await Promise.all(Array.from({ length: 50 }, () => open(server)));
  for (const socket of sockets) {
    socket.on("error", () => undefined);
    socket.write("GET /health HTTP/1.1\r\nX-Slow: ");
  }
  await expectHealthy(server);
  for (let round = 0; round < 3; round += 1) {
    for (const socket of sockets) {
      socket.write("x");
    }
    await pause(200);
  }
  await expectHealthy(server);
  for (const socket of sockets) {
    socket.destroy();
  }
}

async function slowBody(server: TestServer): Promise<void> {
  const sockets = await Promise.all(Array.from({ length: 50 }, () => open(server)));
  for (const socket of sockets) {
    socket.on("error", () => undefined);
    socket.write(`${postHead(server, "Content-Length: 1000\r\n")}{"code": "`);
  }
  await expectHealthy(server);
  const run = await server.execute({ code: "print('beside slow bodies')" });
  expect(run.stdout).toBe("beside slow bodies\n");
  for (const socket of sockets) {
    socket.destroy();
  }
}

async function idleConnections(server: TestServer): Promise<void> {
  const sockets = await Promise.all(Array.from({ length: 400 }, () => open(server)));
  await expectHealthy(server);
  for (const socket of sockets) {
    socket.on("error", () => undefined);
    socket.destroy();
  }
}

async function abandonedRuns(server: TestServer): Promise<void> {
  const body = JSON.stringify({ code: "import time\ntime.sleep(5)", timeout: 5 });
  for (let count = 0; count < 10; count += 1) {
    const socket = await open(server);
    socket.on("error", () => undefined);
    socket.write(`${postHead(server, `Content-Length: ${body.length}\r\n`)}${body}`);
    await pause(50);
    socket.destroy();
  }
  await expectHealthy(server);
}

async function slowReader(server: TestServer): Promise<void> {
  const session_id = uniqueId("slow-reader");
  const body = JSON.stringify({ session_id, code: "print('x' * 900_000)" });
  const sockets = await Promise.all(Array.from({ length: 10 }, () => open(server)));
  for (const socket of sockets) {
    socket.on("error", () => undefined);
    socket.pause();
    socket.write(`${postHead(server, `Content-Length: ${body.length}\r\n`)}${body}`);
  }
  await pause(1_000);
  await expectHealthy(server);
  for (const socket of sockets) {
    socket.destroy();
  }
  const next = await server.execute({ session_id, code: "print('next')" });
  expect(next.stdout).toBe("next\n");
  await server.request(`/sessions/${session_id}`, { method: "DELETE" });
}

async function pathTraversal(server: TestServer): Promise<void> {
  for (const path of [
    "/sessions/../../etc/passwd",
    "/sessions/..%2f..%2f..%2fetc%2fpasswd",
    "/sessions/%2e%2e/%2e%2e/status",
    "/sessions/a%00b",
    "/sessions/%c0%ae%c0%ae",
    "/sessions/a%0ab",
    "//evil.example/sessions",
    "/sessions/__proto__",
    "/sessions/constructor",
  ]) {
    const answer = await sendRaw(
      server,
      `GET ${path} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${server.token}\r\nConnection: close\r\n\r\n`,
    );
    expectRefused(answer);
    expect(answer.text).not.toContain("root:");
  }
}

export const httpAttacks: Readonly<Record<string, HttpAttack>> = {
  guessedTokens,
  headerInjection,
  deepJson,
  hugeBody,
  endlessChunks,
  absurdNumbers,
  manyFields,
  prototypePollution,
  requestSmuggling,
  slowHeaders,
  slowBody,
  idleConnections,
  abandonedRuns,
  slowReader,
  pathTraversal,
  ...connectionAttacks,
  ...fileAttacks,
  ...outputAttacks,
  ...commandAttacks,
  ...keyAttacks,
  ...matchingAttacks,
};
