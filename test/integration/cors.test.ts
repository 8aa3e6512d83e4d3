/** Pages of other origins, as a browser would ask for them: with a token, without any, and for streams of events. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";

const LISTED = "https://app.example";
const FOREIGN = "https://evil.example";
let server: TestServer;

afterAll(() => server?.stop());

/** What a browser looks at before it lets a page read. */
async function ask(
  path: string,
  init: RequestInit,
): Promise<{
  status: number;
  text: string;
  allowed: string | null;
  header: (name: string) => string | null;
}> {
  const answer = await fetch(`${server.baseUrl}${path}`, init);
  return {
    status: answer.status,
    text: await answer.text(),
    allowed: answer.headers.get("access-control-allow-origin"),
    header: (name) => answer.headers.get(name),
  };
}

const preflight = (Origin: string) => ({
  method: "OPTIONS",
  headers: {
    Origin,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type,x-auth-token",
  },
});

function execute(Origin: string, body: object, more: Record<string, string> = {}): RequestInit {
  const headers = {
    Origin,
    "content-type": "application/json",
    "x-auth-token": server.token,
    ...more,
  };
  return { method: "POST", headers, body: JSON.stringify(body) };
}

describe.each(["token", "none"])("AUTH=%s", (AUTH) => {
  beforeAll(async () => {
    await server?.stop();
    server = await startServer({ env: { AUTH, CORS_ORIGINS: LISTED } });
  });

  test("a listed page may ask, and is told how", async () => {
    const { status, allowed, header } = await ask("/execute", preflight(LISTED));
    expect([status, allowed]).toEqual([204, LISTED]);
    expect(header("access-control-allow-methods")).toContain("POST");
    expect(header("access-control-allow-headers")).toBe("content-type,x-auth-token");
    expect(header("vary")).toContain("Origin");
    // Cookies and remembered passwords are never meant.
    expect(header("access-control-allow-credentials")).toBeNull();
  });

  test.each([
    ["JSON", false],
    ["a stream of events", true],
  ])("a listed page reads %s", async (_, stream) => {
    const { status, text, allowed, header } = await ask(
      "/execute",
      execute(LISTED, { code: "print(6 * 7)", stream }),
    );
    expect([status, allowed]).toEqual([200, LISTED]);
    expect(text).toContain("42\\n");
    expect(header("content-type")).toMatch(stream ? /^text\/event-stream/ : /^application\/json/);
    expect(header("vary")).toContain("Origin");
    expect(header("access-control-expose-headers")).toContain("retry-after");
  });

  test("a listed page can read why it is refused", async () => {
    const { status, allowed, text } = await ask(
      "/execute",
      execute(LISTED, { code: "1", cod: "2" }),
    );
    expect([status, allowed]).toEqual([400, LISTED]);
    expect(text).toContain("cod");
  });

  test("a foreign page is told nothing, by an answer, a stream or an error", async () => {
    expect((await ask("/execute", preflight(FOREIGN))).allowed).toBeNull();
    for (const body of [{ code: "1" }, { code: "1", stream: true }, { cod: "1" }]) {
      const { allowed, header } = await ask("/execute", execute(FOREIGN, body));
      expect([allowed, header("access-control-allow-credentials")]).toEqual([null, null]);
    }
  });

  test("what a page sends without asking first does nothing", async () => {
    // A form, or a fetch in the mode no-cors: no header of its own, and the browser's cookies.
    const simple = { "content-type": "text/plain", cookie: `token=${server.token}` };
    const body = JSON.stringify({ session_id: "forged", code: "1" });
    for (const Origin of [FOREIGN, "null"]) {
      const { status } = await ask("/execute", {
        method: "POST",
        headers: { Origin, ...simple },
        body,
      });
      expect(status).toBeGreaterThanOrEqual(400);
    }
    const found = await server.request("/sessions/forged");
    expect(found.status).toBe(404);
  });
});
