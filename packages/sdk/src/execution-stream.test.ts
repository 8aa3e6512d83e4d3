import { describe, expect, test } from "vitest";
import {
  events,
  hangUp,
  json,
  type Respond,
  refusal,
  type SentEvent,
  startMisbehaving,
} from "../test/misbehaving-server.js";
import { Glovebox } from "./client.js";
import { CapacityError, ConnectionError, GloveboxError, NotFoundError } from "./errors.js";
import type { ExecutionEvent, ExecutionStream } from "./execution-stream.js";

const start = startMisbehaving();

const execution: SentEvent = {
  id: 1,
  event: "execution",
  data: { execution_id: 7, session_id: "s", state: "running", queued_before: 0 },
};
const said = (id: number, text: string): SentEvent => ({
  id,
  event: "stream",
  data: { name: "stdout", text },
});
const result = (id: number): SentEvent => ({ id, event: "result", data: { status: "ok" } });

async function sessionOf(...turns: Respond[]) {
  const server = await start(...turns);
  const client = new Glovebox({ baseUrl: server.baseUrl, token: "t" });
  return { ...server, client, session: client.session("s") };
}

async function collect(stream: ExecutionStream): Promise<ExecutionEvent[]> {
  const collected = [];
  for await (const event of stream) collected.push(event);
  return collected;
}

async function failureOf(promise: Promise<unknown>): Promise<GloveboxError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(GloveboxError.isInstance(error), String(error)).toBe(true);
  return error as GloveboxError;
}

describe("a stream that goes well", () => {
  test("gives typed events in order, and the result beside them", async () => {
    const { session, seen } = await sessionOf(
      events([execution, said(2, "a"), said(3, "b"), result(4)]),
    );
    const stream = session.stream("code", { timeoutMs: 500 });
    let text = "";
    const types = [];
    for await (const event of stream) {
      types.push(`${event.id} ${event.type}`);
      if (event.type === "stream") text += event.data.text;
    }
    expect(types).toEqual(["1 execution", "2 stream", "3 stream", "4 result"]);
    expect(text).toBe("ab");
    expect(await stream.result).toEqual({ status: "ok" });
    expect(seen[0]?.headers["accept"]).toBe("text/event-stream");
    expect(JSON.parse(seen[0]?.body ?? "")).toEqual({
      code: "code",
      session_id: "s",
      timeout: 0.5,
      allow_input: false,
      stream: true,
    });
  });

  test("the result alone reads the events away", async () => {
    const { client } = await sessionOf(events([execution, said(2, "a"), result(3)]));
    expect(await client.stream("code").result).toEqual({ status: "ok" });
  });

  test("the result may be asked for before the events, as long as they are taken at once", async () => {
    const { session } = await sessionOf(events([execution, said(2, "a"), result(3)]));
    const stream = session.stream("code");
    const promised = stream.result;
    expect((await collect(stream)).length).toBe(3);
    expect(await promised).toEqual({ status: "ok" });
  });

  test("events can be taken once", async () => {
    const { session } = await sessionOf(events([execution, result(2)]));
    const stream = session.stream("code");
    await stream.result;
    expect((await failureOf(collect(stream))).code).toBe("INVALID_ARGUMENT");
  });

  test("events that a newer server has are passed over", async () => {
    const { session } = await sessionOf(
      events([execution, { id: 2, event: "weather", data: "rain" }, result(3)]),
    );
    expect((await collect(session.stream("code"))).map(({ type }) => type)).toEqual([
      "execution",
      "result",
    ]);
  });
});

describe("after the result", () => {
  test.each<["cut" | "open"]>([["cut"], ["open"]])(
    "a connection that does not end as it should (%s) is no error",
    async (ending) => {
      const { session, seen } = await sessionOf(events([execution, result(2)], ending));
      const stream = session.stream("code", { onDisconnect: "continue" });
      expect((await collect(stream)).length).toBe(2);
      expect(await stream.result).toEqual({ status: "ok" });
      expect(seen.length).toBe(1);
    },
  );
});

describe("a stream that fails", () => {
  test("a refusal before the first event is an ordinary error", async () => {
    const { session, seen } = await sessionOf(refusal("POOL_EXHAUSTED", 503));
    const stream = session.stream("code");
    expect(await failureOf(collect(stream))).toBeInstanceOf(CapacityError);
    expect(await failureOf(stream.result)).toBeInstanceOf(CapacityError);
    expect(seen.length).toBe(1);
  });

  test("a failure event is thrown", async () => {
    const told = { error: { code: "SESSION_NOT_FOUND", message: "It ended.", request_id: "r" } };
    const { session } = await sessionOf(
      events([execution, { id: 2, event: "failure", data: told }]),
    );
    const stream = session.stream("code");
    expect(await failureOf(collect(stream))).toBeInstanceOf(NotFoundError);
    expect((await failureOf(stream.result)).requestId).toBe("r");
  });

  test.each<[string, Respond]>([
    ["JSON instead of events", json({ status: "ok" })],
    [
      "data that is not JSON",
      (response) => {
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.end("event: stream\ndata: {oops\n\n");
      },
    ],
  ])("%s is told as such", async (_, respond) => {
    const { session, seen } = await sessionOf(respond);
    const error = await failureOf(collect(session.stream("code", { onDisconnect: "continue" })));
    expect(error.code).toBe("INVALID_RESPONSE");
    expect(seen.length).toBe(1);
  });

  test.each<["cut" | "close"]>([["cut"], ["close"]])(
    "a connection that ends early (%s) is an error, and the run is not sent again",
    async (ending) => {
      const { session, seen } = await sessionOf(events([execution, said(2, "a")], ending));
      const stream = session.stream("code");
      const taken: string[] = [];
      const reading = (async () => {
        for await (const { type } of stream) taken.push(type);
      })();
      expect(await failureOf(reading)).toBeInstanceOf(ConnectionError);
      expect(taken).toEqual(["execution", "stream"]);
      expect(await failureOf(stream.result)).toBeInstanceOf(ConnectionError);
      expect(seen.length).toBe(1);
    },
  );

  test("a stream that nobody reads ends no program", async () => {
    const { session } = await sessionOf(hangUp);
    session.stream("code");
    await new Promise((resolve) => setTimeout(resolve, 50));
  });
});

describe("taking a broken stream up again", () => {
  const later = { onDisconnect: "continue" } as const;

  test("goes on after the last event, by a GET", async () => {
    const { session, seen } = await sessionOf(
      events([execution, said(2, "a")], "cut"),
      events([said(2, "a"), said(3, "b")], "close"),
      events([said(4, "c"), result(5)]),
    );
    const stream = session.stream("code", later);
    const collected = await collect(stream);
    expect(collected.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5]);
    expect(await stream.result).toEqual({ status: "ok" });
    expect(seen.map(({ method, url, headers }) => [method, url, headers["last-event-id"]])).toEqual(
      [
        ["POST", "/execute", undefined],
        ["GET", "/sessions/s/executions/7/events", "2"],
        ["GET", "/sessions/s/executions/7/events", "3"],
      ],
    );
  });

  test("tells of events that are no longer kept", async () => {
    const gap = { event: "gap", data: { missed_from: 2, missed_to: 40 } };
    const { session } = await sessionOf(
      events([execution], "cut"),
      events([gap, said(41, "z"), result(42)]),
    );
    const collected = await collect(session.stream("code", later));
    expect(collected.map(({ type, id }) => `${id} ${type}`)).toEqual([
      "1 execution",
      "null gap",
      "41 stream",
      "42 result",
    ]);
  });

  test("is not possible before it is known which run it is", async () => {
    const { session, seen } = await sessionOf(events([], "cut"));
    expect(await failureOf(collect(session.stream("code", later)))).toBeInstanceOf(ConnectionError);
    expect(seen.length).toBe(1);
  });

  test("ends where the server no longer knows the run", async () => {
    const { session, seen } = await sessionOf(
      events([execution], "cut"),
      refusal("EXECUTION_NOT_FOUND", 404),
    );
    expect((await failureOf(collect(session.stream("code", later)))).code).toBe(
      "EXECUTION_NOT_FOUND",
    );
    expect(seen.length).toBe(2);
  });

  test("is given up when nothing new comes", { timeout: 20_000 }, async () => {
    const { session, seen } = await sessionOf(
      events([execution], "cut"),
      events([execution], "close"),
    );
    expect(await failureOf(collect(session.stream("code", later)))).toBeInstanceOf(ConnectionError);
    expect(seen.length).toBe(6);
    expect(seen.filter(({ method }) => method === "POST").length).toBe(1);
  });

  test("an abort while waiting ends it", async () => {
    const { session } = await sessionOf(events([execution], "cut"), hangUp);
    const { signal } = new (class extends AbortController {
      constructor() {
        super();
        setTimeout(() => this.abort(new Error("enough")), 150);
      }
    })();
    await expect(collect(session.stream("code", { ...later, signal }))).rejects.toThrow("enough");
  });
});

describe("leaving", () => {
  /** Resolves when the client has gone. */
  function watched(sent: readonly SentEvent[]): { respond: Respond; gone: Promise<void> } {
    let leave!: () => void;
    const gone = new Promise<void>((resolve) => {
      leave = resolve;
    });
    const respond: Respond = (response, request) => {
      response.once("close", () => leave());
      events(sent, "open")(response, request);
    };
    return { respond, gone };
  }

  test("a break disconnects, and the result says so", async () => {
    const { respond, gone } = watched([execution, said(2, "a")]);
    const { session } = await sessionOf(respond);
    const stream = session.stream("code");
    for await (const event of stream) if (event.type === "stream") break;
    await gone;
    expect((await failureOf(stream.result)).code).toBe("STREAM_CLOSED");
  });

  test("an abort disconnects and rejects with its reason", async () => {
    const { respond, gone } = watched([execution, said(2, "a")]);
    const { session } = await sessionOf(respond);
    const controller = new AbortController();
    const reason = new Error("enough");
    const stream = session.stream("code", { signal: controller.signal });
    const reading = (async () => {
      for await (const event of stream) {
        if (event.type === "stream") controller.abort(reason);
      }
    })();
    await expect(reading).rejects.toBe(reason);
    await expect(stream.result).rejects.toBe(reason);
    await gone;
  });

  test("await using disconnects, also where nothing was read", async () => {
    const { respond, gone } = watched([execution]);
    const { session, seen } = await sessionOf(respond);
    {
      await using _stream = session.stream("code");
      while (seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await gone;
  });
});

describe("questions of the code", () => {
  const question: SentEvent = {
    id: 2,
    event: "input_request",
    data: { prompt: "? ", password: false },
  };

  /** Goes on once the answer has come, and has been answered. */
  function asking(answered: Respond = json({ status: "ok" })) {
    let goOn: () => void = () => undefined;
    const respond: Respond = (response, request) => {
      if (request.url.endsWith("/input")) {
        answered(response, request);
        setTimeout(goOn, 100);
        return;
      }
      events([execution, question], "open")(response, request);
      goOn = () => response.end(`id: 3\nevent: result\ndata: {"status":"ok"}\n\n`);
    };
    return respond;
  }

  test("onInput answers them", async () => {
    const { session, seen } = await sessionOf(asking());
    const stream = session.stream("input('? ')", { onInput: async ({ prompt }) => `${prompt}42` });
    await stream.result;
    expect(JSON.parse(seen[0]?.body ?? "").allow_input).toBe(true);
    expect(seen[1]?.url).toBe("/sessions/s/input");
    expect(JSON.parse(seen[1]?.body ?? "")).toEqual({ text: "? 42" });
  });

  test("an onInput that fails ends the stream with its error", async () => {
    const { session } = await sessionOf(asking());
    const onInput = () => {
      throw new Error("nobody there");
    };
    await expect(session.stream("x", { onInput }).result).rejects.toThrow("nobody there");
  });

  test("an answer that comes too late is nobody's fault", async () => {
    const { session } = await sessionOf(asking(refusal("NO_INPUT_REQUESTED", 409)));
    expect(await session.stream("x", { onInput: () => "late" }).result).toEqual({ status: "ok" });
  });

  test("an answer that is refused for another reason ends the stream", async () => {
    const { session } = await sessionOf(asking(refusal("REQUEST_TOO_LARGE", 413)));
    const { result } = session.stream("x", { onInput: () => "long" });
    expect((await failureOf(result)).code).toBe("REQUEST_TOO_LARGE");
  });

  test("without a session nobody could answer", async () => {
    const { client } = await sessionOf(hangUp);
    expect(() => client.stream("x", { onInput: () => "y" })).toThrow(GloveboxError);
  });
});
