/** Clients that mean no harm, and know what each answer has to be. */
import assert from "node:assert/strict";
import type { Random } from "../fuzz/random.ts";
import { type ExecutionResponse, type TestServer, uniqueId } from "../support/server.ts";

/** One exchange, checked; it is repeated until the soak is over. */
export type HonestWork = () => Promise<void>;

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function assertOk(answer: ExecutionResponse, stdout: string, what: string): void {
  const shown = `${what}: ${JSON.stringify({ ...answer, original_code: "", executed_code: "" })}`;
  assert.equal(answer.status, "ok", shown.slice(0, 3000));
  assert.equal(answer.stdout, stdout, shown.slice(0, 3000));
  assert.equal(answer.stderr, "", shown.slice(0, 3000));
}

async function create(server: TestServer, session_id: string, ttl: number): Promise<void> {
  const { status, text } = await server.request("/sessions", { body: { session_id, ttl } });
  assert.equal(status, 201, text);
}

/** Work in one session, which is there for as long as the soak lasts, however slow the client is. */
export function inLastingSession(
  server: TestServer,
  prefix: string,
  work: (session_id: string) => Promise<void>,
): HonestWork {
  const session_id = uniqueId(prefix);
  let isMade = false;
  return async () => {
    if (!isMade) await create(server, session_id, 86_400);
    isMade = true;
    await work(session_id);
  };
}

async function remove(server: TestServer, session_id: string): Promise<void> {
  const { status, text } = await server.request(`/sessions/${session_id}`, { method: "DELETE" });
  assert.equal(status, 204, text);
}

/** Keeps a number and a file for as long as the soak lasts. */
export function keepCounter(server: TestServer, random: Random): HonestWork {
  const session_id = uniqueId("counter");
  let sum = 0;
  let runs = 0;
  return async () => {
    if (runs === 0) {
      await create(server, session_id, 86_400);
      const made = await server.execute({
        session_id,
        code: "sum = 0\nopen('sum', 'w').write('0')",
      });
      assertOk(made, "", session_id);
      runs = 1;
    }
    const step = random.below(1000);
    sum += step;
    runs += 1;
    const code = `import os\nsum += ${step}\nassert int(open('sum').read()) == sum - ${step}\nopen('sum', 'w').write(str(sum))\nprint(sum, sorted(os.listdir()))`;
    const answer = await server.execute({ session_id, code });
    assertOk(answer, `${sum} ['sum']\n`, session_id);
    assert.equal(answer.execution_count, runs, `${session_id} was started afresh`);
  };
}

export function runStateless(server: TestServer, random: Random): HonestWork {
  return async () => {
    const [a, b] = [random.below(1e6), random.below(1e6)];
    const answer = await server.execute({
      code: `print('mine' in globals(), ${a} * ${b})\nmine = 1`,
    });
    assertOk(answer, `False ${a * b}\n`, "stateless");
    assert.equal(answer.execution_count, 1);
  };
}

export function plot(server: TestServer, random: Random): HonestWork {
  const session_id = uniqueId("plot");
  return async () => {
    const points = random.between(2, 20);
    const code = `import matplotlib.pyplot as plt\nplt.plot(range(${points}))\nprint(${points})\nplt.show()`;
    const answer = await server.execute({ session_id, code });
    assertOk(answer, `${points}\n`, session_id);
    assert.match(answer.result_base64 ?? "", /^iVBORw0KGgo/, "the plot is no PNG");
  };
}

export function runChildren(server: TestServer, random: Random): HonestWork {
  const session_id = uniqueId("children");
  return async () => {
    const word = `word${random.below(1e9)}`;
    const code = `import subprocess\nprint(subprocess.run(['sh', '-c', 'echo ${word} | tr a-z A-Z'], capture_output=True, text=True).stdout, end='')`;
    assertOk(await server.execute({ session_id, code }), `${word.toUpperCase()}\n`, session_id);
  };
}

/** Made, used, reset, used and deleted: nothing of before may be there. */
export function churn(server: TestServer, random: Random): HonestWork {
  return async () => {
    const session_id = uniqueId("churn");
    await create(server, session_id, 600);
    const code = "import os\nprint('kept' in globals(), os.listdir())\nkept = open('file', 'w')";
    assertOk(await server.execute({ session_id, code }), "False []\n", session_id);
    if (random.chance(0.5)) {
      const { status, text } = await server.request(`/sessions/${session_id}/reset`, {
        method: "POST",
      });
      assert.equal(status, 200, text);
      assertOk(await server.execute({ session_id, code }), "False []\n", session_id);
    }
    await remove(server, session_id);
  };
}

/** Left alone until its time is over, and then used again. */
export function expire(server: TestServer): HonestWork {
  const session_id = uniqueId("expiring");
  return async () => {
    await create(server, session_id, 0.5);
    const code = "print('kept' in globals())\nkept = 1";
    assertOk(await server.execute({ session_id, code }), "False\n", session_id);
    const deadline = performance.now() + 20_000;
    while ((await server.request(`/sessions/${session_id}`)).status !== 404) {
      assert.ok(performance.now() < deadline, `${session_id} does not expire`);
      await pause(400);
    }
  };
}
