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
      if (seen.length === enough) break;
    }
    stream.leave();
    const last = seen.at(-1)?.id ?? 0;
    const path = `/sessions/${session_id}/executions/${seen[0]?.data.execution_id}/events`;
    const again = await openEvents(server, "GET", path, {
      headers: { "last-event-id": String(last) },
    });
    const rest = await again.all();
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

/**
 * Many who follow a run that says nothing for seconds. Each gets its end. They are clients of one session, as
 * streams cost the gateway and no sandbox.
 */
export function followIdly(server: TestServer, count: number): HonestWork {
  return inLastingSession(server, "idle-streams", async (session_id) => {
    const request = {
      ...{ session_id, on_disconnect: "continue" as const },
      code: "import time\ntime.sleep(8)\nprint('over')",
    };
    const first = await streamExecute(server, request);
    const { data } = await first.until(({ event }) => event === "execution");
    first.leave();
    const path = `/sessions/${session_id}/executions/${data.execution_id}/events`;
    const followers = await Promise.all(
      Array.from({ length: count }, () => openEvents(server, "GET", path)),
    );
    const ends = await Promise.all(followers.map((follower) => follower.all()));
    for (const events of ends) {
      assertEndedOk(events, session_id);
      assert.equal(textOf(events), "over\n");
    }
  });
}
