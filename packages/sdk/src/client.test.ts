import { describe, expect, test } from "vitest";
import {
  hangUp,
  json,
  type Respond,
  refusal,
  silence,
  startMisbehaving,
} from "../test/misbehaving-server.js";
import { Glovebox } from "./client.js";
import {
  AuthenticationError,
  CapacityError,
  ConnectionError,
  GloveboxError,
  NotFoundError,
  RateLimitError,
  TimeoutError,
} from "./errors.js";

const start = startMisbehaving();

async function failureOf(promise: Promise<unknown>): Promise<GloveboxError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(GloveboxError.isInstance(error), String(error)).toBe(true);
  return error as GloveboxError;
}

describe("what is sent", () => {
  test("options become the wire's fields, and what is not given is not sent", async () => {
    const { baseUrl, seen } = await start(json({ status: "ok" }));
    const client = new Glovebox({ baseUrl, token: "secret" });
    await client.execute("1", { sessionId: "s", timeoutMs: 1500, memoryLimit: "64m" });
    const [request] = seen;
    expect(JSON.parse(request?.body ?? "")).toEqual({
      code: "1",
      session_id: "s",
      timeout: 1.5,
      memory_limit: "64m",
    });
    expect(request?.headers["authorization"]).toBe("Bearer secret");
    expect(request?.headers["content-type"]).toBe("application/json");
  });

  test("a question travels with its options", async () => {
    const { baseUrl, seen } = await start(json({ status: "ok" }));
    const options = { sessionId: "s", maxAttempts: 2, check: true, timeoutMs: 5000 };
    await new Glovebox({ baseUrl }).generate("how many?", options);
    expect(seen[0]?.url).toBe("/generate-and-execute");
    expect(JSON.parse(seen[0]?.body ?? "")).toEqual({
      ...{ query: "how many?", session_id: "s", max_attempts: 2, check: true, timeout: 5 },
    });
  });

  test("a base URL may have a path", async () => {
    const { baseUrl, seen } = await start(json({ sessions: [] }));
    await new Glovebox({ baseUrl: `${baseUrl}/glovebox?x#y` }).sessions();
    expect(seen[0]?.url).toBe("/glovebox/sessions");
  });

  test("names that a URL would swallow are refused before anything is sent", async () => {
    const { baseUrl, seen } = await start(json({}));
    const client = new Glovebox({ baseUrl });
    for (const id of [".", "..", "", "a/b", "ä", "x".repeat(129)]) {
      expect(() => client.session(id), id).toThrow(GloveboxError);
    }
    for (const path of ["..", "a/../../b", "/etc/passwd", "\ud800"]) {
      const error = await failureOf((async () => client.session("s").files.read(path))());
      expect(error.code, path).toBe("INVALID_ARGUMENT");
    }
    const error = await failureOf(client.admin.killContainer(".."));
    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(seen).toEqual([]);
  });

  test("file names are encoded", async () => {
    const { baseUrl, seen } = await start(json({ path: "x", size: 1 }));
    await new Glovebox({ baseUrl }).session("s").files.write("/workspace/a b/%2e?#é.csv", "x");
    expect(seen[0]?.url).toBe("/sessions/s/files/a%20b/%252e%3F%23%C3%A9.csv");
  });

  test.each([
    [{ baseUrl: "nonsense" }, "not a URL"],
    [{ baseUrl: "ftp://host" }, "http://"],
    [{ baseUrl: "http://user:pass@host" }, "pass the token as token"],
    [{ token: "two words" }, "token"],
    [{ timeoutMs: 0 }, "timeoutMs"],
    [{ retries: -1 }, "retries"],
  ])("a client cannot be made of %j", (options, message) => {
    expect(() => new Glovebox(options)).toThrow(message);
  });
});

describe("errors", () => {
  test.each<[string, number, typeof GloveboxError]>([
    ["UNAUTHENTICATED", 401, AuthenticationError],
    ["FORBIDDEN", 403, AuthenticationError],
    ["SESSION_NOT_FOUND", 404, NotFoundError],
    ["QUOTA_EXCEEDED", 429, RateLimitError],
    ["POOL_EXHAUSTED", 503, CapacityError],
    ["INVALID_REQUEST", 400, GloveboxError],
  ])("%s carries all that the server told", async (code, status, ErrorClass) => {
    const { baseUrl } = await start(refusal(code, status, 7000));
    const error = await failureOf(new Glovebox({ baseUrl, retries: 0 }).execute("1"));
    expect(error).toBeInstanceOf(ErrorClass);
    expect(ErrorClass.isInstance(error)).toBe(true);
    expect(error.name).toBe(ErrorClass === GloveboxError ? "GloveboxError" : ErrorClass.name);
    const { message, hint, requestId, retryAfterMs } = error;
    expect({
      code: error.code,
      status: error.status,
      message,
      hint,
      requestId,
      retryAfterMs,
    }).toEqual({
      code,
      status,
      message: `${code} it is.`,
      hint: "Try something else.",
      requestId: "req-1",
      retryAfterMs: 7000,
    });
  });

  test("one class is not taken for another", () => {
    const error = new RateLimitError("QUOTA_EXCEEDED", "");
    expect(CapacityError.isInstance(error)).toBe(false);
    expect(GloveboxError.isInstance(new Error("x"))).toBe(false);
    expect(GloveboxError.isInstance(null)).toBe(false);
  });

  const html: Respond = (response) => response.writeHead(200).end("<html>");
  const badGateway: Respond = (response) => response.writeHead(502).end("<html>");
  test.each<[string, Respond]>([
    ["a 200 that is not JSON", html],
    ["a list where an object should be", json([])],
    ["null where an object should be", json(null)],
    ["nothing where an object should be", (response) => response.writeHead(204).end()],
    ["an error that is not Glovebox's", badGateway],
  ])("%s is told as such", async (_, respond) => {
    const { baseUrl } = await start(respond);
    const error = await failureOf(new Glovebox({ baseUrl }).execute("1"));
    expect(error.code).toBe("INVALID_RESPONSE");
    expect(error.hint).toContain("baseUrl");
  });

  test("a server that is not there", async () => {
    const error = await failureOf(
      new Glovebox({ baseUrl: "http://127.0.0.1:9", retries: 0 }).execute("1"),
    );
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.message).toContain("http://127.0.0.1:9");
    expect(error.cause).toBeDefined();
  });

  test("a redirect is not followed", async () => {
    const elsewhere: Respond = (response) =>
      response.writeHead(307, { location: "/elsewhere" }).end();
    const { baseUrl, seen } = await start(elsewhere);
    const error = await failureOf(new Glovebox({ baseUrl, retries: 0 }).sessions());
    expect(error.code).toBe("CONNECTION_FAILED");
    expect(seen.length).toBe(1);
  });
});

describe("repeating", () => {
  test("a GET is repeated after a broken connection", async () => {
    const { baseUrl, seen } = await start(hangUp, json({ sessions: [] }));
    expect(await new Glovebox({ baseUrl }).sessions()).toEqual([]);
    expect(seen.length).toBe(2);
  });

  test("an execution is not, as it may have begun", async () => {
    const { baseUrl, seen } = await start(hangUp, json({ status: "ok" }));
    const error = await failureOf(new Glovebox({ baseUrl }).execute("1"));
    expect(error).toBeInstanceOf(ConnectionError);
    expect(seen.length).toBe(1);
  });

  test("an execution is repeated when the server says that nothing was run, and when", async () => {
    const { baseUrl, seen } = await start(
      refusal("POOL_EXHAUSTED", 503, 50),
      json({ status: "ok" }),
    );
    const startedAt = performance.now();
    await new Glovebox({ baseUrl }).execute("1");
    expect(performance.now() - startedAt).toBeGreaterThan(45);
    expect(seen.map(({ body }) => body)).toEqual(['{"code":"1"}', '{"code":"1"}']);
  });

  test.each<[string, Respond]>([
    ["without Retry-After", refusal("POOL_EXHAUSTED", 503)],
    ["for a code that could mean anything", refusal("AUDIT_UNAVAILABLE", 503, 10)],
    ["for a 503 of a proxy", json("busy", 503, { "retry-after": "0" })],
    ["for a time that is too long to wait", refusal("QUOTA_EXCEEDED", 429, 3_600_000)],
    ["for an error of the service", refusal("INTERNAL", 500, 10)],
  ])("an execution is not repeated %s", async (_, respond) => {
    const { baseUrl, seen } = await start(respond, json({ status: "ok" }));
    await failureOf(new Glovebox({ baseUrl }).execute("1"));
    expect(seen.length).toBe(1);
  });

  test("it ends after as many times as were allowed", async () => {
    const { baseUrl, seen } = await start(refusal("QUOTA_EXCEEDED", 429, 1));
    await failureOf(new Glovebox({ baseUrl, retries: 3 }).sessions());
    expect(seen.length).toBe(4);
  });

  test("a panic is no reason to try again", async () => {
    const { baseUrl, seen } = await start(refusal("PANICKED", 503, 1));
    await failureOf(new Glovebox({ baseUrl }).sessions());
    expect(seen.length).toBe(1);
  });

  test("a DELETE whose answer was lost finds nothing the second time, and is content", async () => {
    const { baseUrl, seen } = await start(hangUp, refusal("SESSION_NOT_FOUND", 404));
    await new Glovebox({ baseUrl }).session("s").delete();
    expect(seen.length).toBe(2);
  });

  test("a DELETE that finds nothing at once says so, and release does not mind", async () => {
    const { baseUrl } = await start(refusal("SESSION_NOT_FOUND", 404));
    const session = new Glovebox({ baseUrl }).session("s");
    expect(await failureOf(session.delete())).toBeInstanceOf(NotFoundError);
    await session.release();
  });
});

describe("time", () => {
  test("no answer within timeoutMs is a TimeoutError", async () => {
    const { baseUrl } = await start(silence);
    const error = await failureOf(new Glovebox({ baseUrl, timeoutMs: 50 }).sessions());
    expect(error).toBeInstanceOf(TimeoutError);
  });

  test("an answer that stops half-way is one, too", async () => {
    const { baseUrl } = await start((response) => {
      response.writeHead(200, { "content-type": "application/json" }).write('{"sessions"');
    });
    const error = await failureOf(new Glovebox({ baseUrl, timeoutMs: 80 }).sessions());
    expect(error).toBeInstanceOf(TimeoutError);
  });

  test("executions take as long as they take", async () => {
    const late: Respond = (response, request) => {
      setTimeout(() => json({ status: "ok" })(response, request), 150);
    };
    const { baseUrl } = await start(late);
    const { status } = await new Glovebox({ baseUrl, timeoutMs: 20 }).execute("1");
    expect(status).toBe("ok");
  });

  test("an abort rejects with the signal's reason, also while waiting to try again", async () => {
    const { baseUrl, seen } = await start(refusal("QUOTA_EXCEEDED", 429, 20_000));
    const controller = new AbortController();
    const running = new Glovebox({ baseUrl }).sessions({ signal: controller.signal });
    setTimeout(() => controller.abort(new Error("enough")), 50);
    await expect(running).rejects.toThrow("enough");
    expect(seen.length).toBe(1);
  });

  test("a signal that is aborted already sends nothing", async () => {
    const { baseUrl, seen } = await start(json({}));
    const running = new Glovebox({ baseUrl }).execute("1", { signal: AbortSignal.abort() });
    await expect(running).rejects.toThrow(/abort/i);
    expect(seen).toEqual([]);
  });
});

describe("answers that are no successes and no errors either", () => {
  test("the health of a server that has panicked", async () => {
    const { baseUrl } = await start(
      json({ status: "panicked", version: "1", uptime_seconds: 1 }, 503),
    );
    expect((await new Glovebox({ baseUrl }).health()).status).toBe("panicked");
  });

  test("a failed protection", async () => {
    const { baseUrl } = await start(json({ status: "failed", failed: ["x"] }, 503));
    const health = await new Glovebox({ baseUrl }).admin.securityHealth();
    expect(health.failed).toEqual(["x"]);
  });

  test("a refusal with the same status stays an error", async () => {
    const { baseUrl } = await start(refusal("SHUTTING_DOWN", 503));
    const error = await failureOf(new Glovebox({ baseUrl }).health());
    expect(error).toBeInstanceOf(CapacityError);
  });
});
