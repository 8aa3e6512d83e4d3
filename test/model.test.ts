/** The model's client against the scripted server: what the routes do not show, streaming above all. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ModelSettings } from "../packages/server/src/config/model-settings.ts";
import { ModelClient } from "../packages/server/src/generate/model.ts";
import { code, type ModelServer, startModelServer } from "./support/model-server.ts";

const KEY = "sk-canary-model";
let server: ModelServer;
let client: ModelClient;

beforeAll(async () => {
  server = await startModelServer();
  client = newClient({});
});

afterAll(() => server?.stop());

function newClient(settings: Partial<ModelSettings>): ModelClient {
  return new ModelClient(
    {
      ...{ baseUrl: server.baseUrl, model: "scripted", apiKey: KEY, timeoutMs: 1000 },
      ...{ answerTokensMax: 100, replayFile: undefined, recordFile: undefined },
      ...{ apiKeyFile: undefined, vision: "auto", ...settings },
    },
    () => undefined,
  );
}

test("pictures are for models that are known to take them, unless the operator says else", () => {
  const taken = (model: string, vision: ModelSettings["vision"]) =>
    newClient({ model, vision }).takesPictures;
  expect(taken("scripted", "auto")).toBe(false);
  expect(taken("gpt-4o", "auto")).toBe(true);
  expect(taken("scripted", "on")).toBe(true);
  expect(taken("gpt-4o", "off")).toBe(false);
});

describe("a streamed answer", () => {
  async function stream(signal = new AbortController().signal) {
    const messages = [{ role: "user", content: "Say something." }] as const;
    let text = "";
    let tokens: number | undefined;
    let error: unknown;
    try {
      const request = { system: "s", messages, tools: [], signal };
      for await (const part of await client.stream(request)) {
        if (part.type === "text-delta") text += part.text;
        if (part.type === "error") error = part.error;
        if (part.type === "finish-step") tokens = part.usage.outputTokens;
      }
    } catch (thrown) {
      error ??= thrown;
    }
    return { text, error, tokens };
  }

  test("arrives in pieces, and its tokens are counted", async () => {
    server.say([{ text: "The quick brown fox jumps over the lazy dog." }]);
    const { text, error, tokens } = await stream();
    expect([text, error]).toEqual(["The quick brown fox jumps over the lazy dog.", undefined]);
    expect(tokens).toBeGreaterThan(5);
    expect(server.requests[0]?.body.stream).toBe(true);
  });

  test("that is cut off is told as such, after what has arrived", async () => {
    server.say([{ text: "word ".repeat(2000), cutAt: 0.5 }]);
    const { text, error } = await stream();
    expect(text.length).toBeLessThan(10_000);
    expect(client.toServiceError(error).code).toBe("LLM_INCOMPLETE");
  });

  test("that is refused has the same names as a whole one", async () => {
    server.say([{ status: 401, body: `{"error": {"message": "Bad key ${KEY}"}}` }]);
    const known = client.toServiceError((await stream()).error);
    expect(known.code).toBe("LLM_UNAUTHORIZED");
    expect(`${known.message} ${known.cause}`).not.toContain(KEY);
  });

  test("waits out short rate limits before, and leaves unknown options out", async () => {
    server.say((body) => {
      if (body.stream_options) return { status: 400, body: "unknown field stream_options" };
      if (server.requests.length === 2) {
        return { status: 429, headers: { "retry-after": "0" }, body: "{}" };
      }
      return { text: "at last" };
    });
    expect(await stream()).toMatchObject({ text: "at last", error: undefined });
    const asked = server.requests.map(({ body }) => body.stream_options !== undefined);
    expect(asked).toEqual([true, false, false]);
  });

  test("has API_TIMEOUT for all of it", async () => {
    server.say([{ hangs: true }]);
    const { error } = await stream();
    expect(client.toServiceError(error).code).toBe("LLM_TIMEOUT");
  });
});

describe("a whole answer", () => {
  const request = {
    ...{ system: "s", messages: [{ role: "user", content: "u" }] as const },
    form: { name: "form", schema: { type: "object" } as const },
  };

  test("has its text, its tokens and its time", async () => {
    server.say([code("print(1)")]);
    const answer = await client.complete({ ...request, signal: new AbortController().signal });
    expect(answer).toMatchObject({ cutByLength: false, refusal: null });
    expect(JSON.parse(answer.text)).toMatchObject({ code: "print(1)" });
    expect(answer.tokens.output).toBeGreaterThan(5);
    expect(answer.seconds).toBeGreaterThan(0);
    expect(server.requests[0]?.body).toMatchObject({ model: "scripted", max_tokens: 100 });
  });

  test("that is not wanted any more ends at once, with the reason of who did not want it", async () => {
    server.say([{ hangs: true }]);
    const abort = new AbortController();
    const answer = client.complete({ ...request, signal: abort.signal });
    const reason = new Error("the client has gone");
    setTimeout(() => abort.abort(reason), 50);
    await expect(answer).rejects.toBe(reason);
    await expect(client.complete({ ...request, signal: abort.signal })).rejects.toBe(reason);
  });

  test("that takes too long is given up", async () => {
    server.say([{ hangs: true }]);
    const { signal } = new AbortController();
    await expect(client.complete({ ...request, signal })).rejects.toMatchObject({
      code: "LLM_TIMEOUT",
    });
  });

  test("in calls of tools that nobody has offered is read from their arguments", async () => {
    const call = {
      id: "1",
      type: "function",
      function: { name: "run", arguments: '{"code": "2"}' },
    };
    const message = { role: "assistant", content: null, tool_calls: [call] };
    const choices = [{ index: 0, message, finish_reason: "tool_calls" }];
    server.say([{ body: JSON.stringify({ id: "x", model: "m", choices }) }]);
    const { signal } = new AbortController();
    expect((await client.complete({ ...request, signal })).text).toBe('{"code": "2"}');
  });
});
