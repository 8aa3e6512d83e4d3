import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/host.ts";
import { startServer, type TestServer, uniqueId } from "../support/server.ts";

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ env: { POOL_SIZE: "3", MAX_SESSIONS: "30" } });
});

afterAll(async () => {
  await server?.stop();
});

const leaveTraces = `
import builtins, json, math, os, socket, sys, tempfile
builtins.trace = 1
math.pi = 3
json.dumps = lambda *a, **k: "patched"
os.environ["TRACE"] = "1"
sys.path.insert(0, "/workspace/trace-path")
sys.modules["trace_module"] = math
open("/workspace/trace", "w").write("1")
open("/tmp/trace", "w").write("1")
open("/workspace/sitecustomize.py", "w").write("import builtins; builtins.trace = 2")
try: open("/dev/shm/trace", "w").write("1")
except OSError: pass
`;

const findTraces = `
import builtins, importlib, json, math, os, sys
found = [name for name, present in {
    "builtins": hasattr(builtins, "trace"),
    "math": math.pi == 3,
    "json": json.dumps([1]) != "[1]",
    "environ": "TRACE" in os.environ,
    "path": "/workspace/trace-path" in sys.path,
    "modules": "trace_module" in sys.modules,
    "workspace": os.listdir("/workspace") != [],
    "tmp": os.path.exists("/tmp/trace"),
    "shm": os.path.exists("/dev/shm/trace"),
}.items() if present]
print(found)
`;

test("a sandbox that ran code is never given to another session", async () => {
  for (let round = 0; round < 3; round += 1) {
    const session_id = uniqueId("dirty");
    await server.execute({ session_id, code: leaveTraces });
    await server.request(`/sessions/${session_id}`, { method: "DELETE" });
    const checks = await Promise.all(
      Array.from({ length: 5 }, () => server.execute({ code: findTraces })),
    );
    for (const check of checks) {
      expect(check.stdout).toBe("[]\n");
    }
  }
});

test("traces of a living session are not visible to others", async () => {
  const session_id = uniqueId("dirty");
  await server.execute({ session_id, code: leaveTraces });
  const other = await server.execute({ code: findTraces });
  expect(other.stdout).toBe("[]\n");
});

test("sessions differ in everything random", async () => {
  const code = `
import json, multiprocessing, os, random, secrets, socket, tempfile, uuid
import numpy
print(json.dumps({
    "random": random.random(),
    "numpy": float(numpy.random.rand()),
    "default_rng": float(numpy.random.default_rng().random()),
    "uuid4": str(uuid.uuid4()),
    "uuid1": str(uuid.uuid1()),
    "secrets": secrets.token_hex(8),
    "hostname": socket.gethostname(),
    "mktemp": tempfile.mktemp(),
    "named": os.path.basename(tempfile.mkdtemp()),
    "authkey": multiprocessing.current_process().authkey.hex(),
}))
`;
  const answers = await Promise.all(Array.from({ length: 6 }, () => server.execute({ code })));
  const values = answers.map((answer) => JSON.parse(answer.stdout) as Record<string, unknown>);
  for (const name of Object.keys(values[0] ?? {})) {
    const distinct = new Set(values.map((value) => value[name]));
    expect(distinct.size, name).toBe(values.length);
  }
});

test("ten new sessions at once all get their own answer", async () => {
  const answers = await Promise.all(
    Array.from({ length: 10 }, async (_, index) => {
      const session_id = uniqueId(`many-${index}`);
      await server.execute({ session_id, code: `mine = ${index}` });
      const { stdout } = await server.execute({ session_id, code: "print(mine * 2)" });
      await server.request(`/sessions/${session_id}`, { method: "DELETE" });
      return stdout;
    }),
  );
  expect(answers).toEqual(Array.from({ length: 10 }, (_, index) => `${index * 2}\n`));
});

test("the pool refills: session after session is quick", async () => {
  for (let round = 0; round < 12; round += 1) {
    const start = performance.now();
    await server.execute({ code: "1" });
    expect(performance.now() - start).toBeLessThan(2_000);
  }
});

test("deleted sessions leave no process behind", async () => {
  const marker = `${Math.floor(Math.random() * 1e6)}.0815`;
  const session_id = uniqueId("children");
  await server.execute({
    session_id,
    code: `import subprocess\nchild = subprocess.Popen(['sleep', '${marker}'], start_new_session=True)`,
  });
  const isAlive = (): boolean =>
    server.processes().some((process) => process.commandLine.includes(marker));
  expect(isAlive()).toBe(true);
  await server.request(`/sessions/${session_id}`, { method: "DELETE" });
  await eventually(() => (isAlive() ? "the child is alive" : undefined), 3_000);
});
