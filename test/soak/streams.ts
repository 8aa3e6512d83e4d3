/** Honest clients of streams: read to the end, left, resumed, asked and asking. Each knows what must come. */
import assert from "node:assert/strict";
import type { Random } from "../fuzz/random.ts";
import {
  openEvents,
  resultOf,
  type ServerEvent,
  streamExecute,
  textOf,
} from "../support/events.ts";
import type { TestServer } from "../support/server.ts";
import { type HonestWork, inLastingSession } from "./honest.ts";

/** The events of an execution of which something is left to tell. */
async function follow(
  server: TestServer,
  path: string,
  headers: Record<string, string> = {},
): Promise<ServerEvent[]> {
  const stream = await openEvents(server, "GET", path, { headers });
  if (stream.status !== 200) {
    const text = stream.status === 204 ? "" : JSON.stringify(await stream.json());
    assert.fail(`${path} after ${headers["last-event-id"]}: ${stream.status} ${text}`);
  }
  return stream.all();
}

/** Ids are 1, 2, 3, … from `first` on. */
function assertNumbered(events: readonly ServerEvent[], first = 1): void {
  const ids = events.map(({ id }) => id);
  assert.deepEqual(
    ids,
    events.map((_, at) => first + at),
  );
}

function assertEndedOk(events: readonly ServerEvent[], what: string): void {
  const result = resultOf(events);
  assert.equal(result.status, "ok", `${what}: ${JSON.stringify(result).slice(0, 2000)}`);
}

function counting(lines: number): [code: string, text: string] {
  const code = `import time\nfor n in range(${lines}):\n    print(n, flush=True)\n    if n % 10 == 0: time.sleep(0.02)`;
  return [code, Array.from({ length: lines }, (_, n) => `${n}\n`).join("")];
}

export function readStreams(server: TestServer, random: Random): HonestWork {
  return inLastingSession(server, "streams", async (session_id) => {
    const [code, text] = counting(random.between(1, 40));
    const events = await (await streamExecute(server, { session_id, code })).all();
    assertNumbered(events);
    assertEndedOk(events, session_id);
    assert.equal(textOf(events), text);
  });
}

/** Leaving interrupts the run, and the session has its state afterwards. */
export function abandonStreams(server: TestServer): HonestWork {
  let runs = 0;
  return inLastingSession(server, "abandoned", async (session_id) => {
    runs++;
    const code = `import time\nruns = ${runs}\nprint('begun', flush=True)\ntime.sleep(25)\nruns = None`;
    const stream = await streamExecute(server, { session_id, code });
    await stream.until(({ event }) => event === "stream");
    stream.leave();
    const { status, stdout } = await server.execute({ session_id, code: "print(runs)" });
    assert.deepEqual([status, stdout], ["ok", `${runs}\n`], `${session_id} after it was left`);
  });
}

/** Left in the middle and taken up after the last event that was seen. */
export function resumeStreams(server: TestServer, random: Random): HonestWork {
  return inLastingSession(server, "resumed", async (session_id) => {
    const [code, text] = counting(30);
    const request = { session_id, code, on_disconnect: "continue" as const };
    const stream = await streamExecute(server, request);
    const seen: ServerEvent[] = [];
    const enough = random.between(1, 3);
    for await (const event of stream) {
      seen.push(event);
      if (seen.length === enough || event.event === "result") break;
    }
    stream.leave();
    // On a busy machine all of it may come as one event, and then nothing is left to be told.
    if (seen.at(-1)?.event === "result") return assert.equal(textOf(seen), text);
    const last = seen.at(-1)?.id ?? 0;
    const path = `/sessions/${session_id}/executions/${seen[0]?.data.execution_id}/events`;
    const rest = await follow(server, path, { "last-event-id": String(last) });
    assertNumbered(rest, last + 1);
    assertEndedOk(rest, session_id);
    assert.equal(textOf([...seen, ...rest]), text);
  });
}

export function answerInput(server: TestServer, random: Random): HonestWork {
  return inLastingSession(server, "asking", async (session_id) => {
    const name = `n\u00e4me${random.below(1e6)}`;
    const code = "first = input('Who? ')\nprint(first, input('Again? '))";
    const events: ServerEvent[] = [];
    for await (const event of await streamExecute(server, { session_id, code })) {
      events.push(event);
      if (event.event !== "input_request") continue;
      const answer = { body: { text: name } };
      const { status, text } = await server.request(`/sessions/${session_id}/input`, answer);
      assert.equal(status, 200, text);
    }
    assertEndedOk(events, session_id);
    assert.equal(textOf(events), `${name} ${name}\n`);
  });
}

/** What an editor asks between runs. */
export function askQuestions(server: TestServer, random: Random): HonestWork {
  return inLastingSession(server, "questions", async (session_id) => {
    const ask = async <T>(question: string, body?: object): Promise<T> => {
      const path = `/sessions/${session_id}/${question}`;
      const answer = await server.request<T>(path, body ? { body } : {});
      assert.equal(answer.status, 200, `${question}: ${answer.text}`);
      return answer.body;
    };
    const value = random.below(1e6);
    await server.execute({ session_id, code: `known_name = ${value}` });
    const { matches } = await ask<{ matches: string[] }>("complete", { code: "known_na" });
    assert.deepEqual(matches, ["known_name"]);
    const { variables } = await ask<{ variables: { name: string; preview: string }[] }>(
      "variables",
    );
    assert.deepEqual(
      variables.map(({ name, preview }) => [name, preview]),
      [["known_name", String(value)]],
    );
  });
}

/** One fewer than may follow an execution, as its first client is only just leaving. */
const FOLLOWERS = 15;
/** Of one session at a time; not many more would be queued. */
const EXECUTIONS = 25;

/**
 * Many who follow runs that say nothing for seconds: one that sleeps, and those that wait behind it. Each
 * gets its end. They need few sandboxes, as streams cost the gateway alone.
 */
export function followIdly(server: TestServer, count: number): HonestWork {
  const sessions = Math.ceil(count / (FOLLOWERS * EXECUTIONS));
  const share = Math.ceil(count / sessions);
  const works = Array.from({ length: sessions }, () =>
    inLastingSession(server, "idle-streams", (session_id) => followOne(server, session_id, share)),
  );
  return async () => {
    await Promise.all(works.map((work) => work()));
  };
}

async function followOne(server: TestServer, session_id: string, count: number): Promise<void> {
  const ends: Promise<ServerEvent[]>[] = [];
  for (let left = count; left > 0; left -= FOLLOWERS) {
    const code = ends.length === 0 ? "import time\ntime.sleep(8)\nprint('over')" : "print('over')";
    const request = { session_id, code, on_disconnect: "continue" as const };
    const first = await streamExecute(server, request);
    const { data } = await first.until(({ event }) => event === "execution");
    const path = `/sessions/${session_id}/executions/${data.execution_id}/events`;
    first.leave();
    const followers = Math.min(left, FOLLOWERS);
    for (let number = 0; number < followers; number++) ends.push(follow(server, path));
  }
  for (const events of await Promise.all(ends)) {
    assertEndedOk(events, session_id);
    assert.equal(textOf(events), "over\n");
  }
}
