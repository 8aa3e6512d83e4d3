import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/host.ts";
import { type ErrorBody, startServer, type TestServer, uniqueId } from "../support/server.ts";

/** No user of the host; only the number matters. */
const OWNER = 12_345;
const GROUP = 12_346;

let base: string;
let server: TestServer;

function makeFolder(name: string, owner = 0, group = 0): string {
  const path = join(base, name);
  mkdirSync(path);
  writeFileSync(join(path, "public.txt"), `public of ${name}`);
  writeFileSync(join(path, "private.txt"), `private of ${name}`);
  chmodSync(join(path, "private.txt"), 0o600);
  for (const one of ["", "public.txt", "private.txt"]) chownSync(join(path, one), owner, group);
  return path;
}

async function run(code: string, session_id?: string): Promise<string> {
  const answer = await server.execute({ code, ...(session_id ? { session_id } : {}) });
  return answer.stdout + answer.stderr;
}

/** Python that prints what opening, or whatever else, ends with. */
function attempts(...expressions: string[]): string {
  const lines = expressions.map(
    (expression) =>
      `try: print(${expression})\nexcept OSError as e: print(errno.errorcode[e.errno])`,
  );
  return `import errno, os\n${lines.join("\n")}`;
}

async function openSession(mounts: string[], body: Record<string, unknown> = {}) {
  const session_id = uniqueId("mounts");
  const answer = await server.request<ErrorBody>("/sessions", {
    body: { session_id, mounts, ...body },
  });
  return { session_id, answer };
}

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "glovebox-folders-"));
  chmodSync(base, 0o755);
  const reference = makeFolder("reference");
  symlinkSync("/etc/shadow", join(reference, "shadow"));
  symlinkSync(base, join(reference, "up"));
  mkdirSync(join(reference, "closed"), { mode: 0o700 });
  makeFolder("own", OWNER, GROUP);
  makeFolder("results", OWNER, GROUP);
  makeFolder("secret", OWNER, GROUP);
  server = await startServer({
    env: {
      DATA_MOUNTS: [
        `reference=${base}/reference`,
        `own=${base}/own:ro`,
        `results=${base}/results:rw`,
        `secret=${base}/secret:ask`,
        `shared=${base}/results:rw:ask`,
        `broken=${base}/secret:ask`,
      ].join(", "),
    },
  });
});

afterAll(async () => {
  await server?.stop();
  rmSync(base, { recursive: true, force: true });
});

describe("folders that every sandbox has", () => {
  test("are read where the host lets everybody read", async () => {
    const said = await run(
      attempts(
        "sorted(os.listdir('/data'))",
        "open('/data/reference/public.txt').read()",
        "open('/data/reference/private.txt').read()",
        "os.listdir('/data/reference/closed')",
      ),
    );
    expect(said).toBe("['own', 'reference', 'results']\npublic of reference\nEACCES\nEACCES\n");
  });

  test("of a user are read as that user reads them", async () => {
    const said = await run(
      attempts("open('/data/own/private.txt').read()", "os.stat('/data/own').st_uid"),
    );
    expect(said).toBe("private of own\n1000\n");
  });

  test("are not written without rw", async () => {
    const said = await run(
      attempts(
        "open('/data/own/new', 'w')",
        "open('/data/own/public.txt', 'a')",
        "os.unlink('/data/own/public.txt')",
        "os.chmod('/data/own/public.txt', 0o777)",
        "os.mkdir('/data/new')",
      ),
    );
    expect(said).toBe("EROFS\n".repeat(5));
  });

  test("are written with rw, and what is written is the owner's on the host", async () => {
    await run(
      "import os\nopen('/data/results/new.txt', 'w').write('by code')\nos.makedirs('/data/results/a/b')\nos.unlink('/data/results/public.txt')",
    );
    const path = join(base, "results/new.txt");
    expect(readFileSync(path, "utf8")).toBe("by code");
    for (const one of [path, join(base, "results/a/b")]) {
      const { uid, gid } = statSync(one);
      expect({ uid, gid }).toEqual({ uid: OWNER, gid: GROUP });
    }
    expect(existsSync(join(base, "results/public.txt"))).toBe(false);
  });

  test("are seen by several sessions, what the host adds included", async () => {
    writeFileSync(join(base, "reference/later.txt"), "added");
    const [first, second] = await Promise.all([
      run("print(open('/data/reference/later.txt').read())", uniqueId("one")),
      run("print(open('/data/reference/later.txt').read())", uniqueId("two")),
    ]);
    expect([first, second]).toEqual(["added\n", "added\n"]);
  });

  test("lead nowhere else by links", async () => {
    const said = await run(
      attempts(
        "open('/data/reference/shadow').read()",
        "os.listdir('/data/reference/up')",
        "sorted(os.listdir('/data/reference/..'))",
      ),
    );
    expect(said).toBe("EACCES\nENOENT\n['own', 'reference', 'results']\n");
  });

  test("hold programs and set-uid files that do nothing", async () => {
    const said = await run(
      attempts(
        "os.statvfs('/data/results').f_flag & (os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC) == os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC",
        "os.chown('/data/results/new.txt', 0, 0)",
      ),
    );
    expect(said).toBe("True\nEINVAL\n");
  });

  test("are part of what is verified", async () => {
    const health = await server.request<{ status: string; protections: { name: string }[] }>(
      "/api/security/health",
    );
    expect(health.status, health.text).toBe(200);
    expect(health.text).toContain("inside.shared_folders");
    expect(health.text).not.toContain('"verified":false');
  });
});

describe("folders for sessions that ask", () => {
  test("are there for them and for nobody else", async () => {
    const { session_id, answer } = await openSession(["secret", "shared", "own"]);
    expect(answer.status, answer.text).toBe(201);
    const list = "import os\nprint(sorted(os.listdir('/data')))";
    expect(await run(list, session_id)).toBe(
      "['own', 'reference', 'results', 'secret', 'shared']\n",
    );
    expect(await run(list)).toBe("['own', 'reference', 'results']\n");
    const code = attempts(
      "open('/data/secret/private.txt').read()",
      "open('/data/secret/new', 'w')",
      "open('/data/shared/asked.txt', 'w').write('x')",
    );
    expect(await run(code, session_id)).toBe("private of secret\nEROFS\n1\n");
    expect(statSync(join(base, "results/asked.txt")).uid).toBe(OWNER);
  });

  test("are there again after a reset and after the kernel has died", async () => {
    const { session_id } = await openSession(["secret"]);
    const read = "print(open('/data/secret/public.txt').read())";
    await server.request(`/sessions/${session_id}/reset`, { method: "POST" });
    expect(await run(read, session_id)).toBe("public of secret\n");
    await server.tryExecute({ code: "import os; os.kill(os.getpid(), 9)", session_id });
    expect(await run(read, session_id)).toBe("public of secret\n");
  });

  test("and that do not exist are told from those that do", async () => {
    const { answer, session_id } = await openSession(["secret", "nothing"]);
    expect(answer.status).toBe(400);
    expect(answer.body.error.message).toContain('no folder "nothing"');
    expect(answer.body.error.message).toContain("reference, own, results, secret, shared, broken");
    expect((await server.request(`/sessions/${session_id}`)).status).toBe(404);
    const wheels = await openSession([".wheels"]);
    expect(wheels.answer.status).toBe(400);
  });

  test("that cannot be mounted refuse the session and leave no sandbox", async () => {
    const keeper = String(server.findProcess(/python3 .*keeper/).pid);
    const place = "/run/mounts/broken";
    const inKeeper = ["--target", keeper, "--mount", "--root", "--wd=/", "sh", "-c"];
    execFileSync("nsenter", [...inKeeper, `umount -l ${place}`]);
    const { answer, session_id } = await openSession(["broken"]);
    expect(answer.status, answer.text).toBe(503);
    expect(answer.body.error.code).toBe("MOUNT_FAILED");
    expect(server.log()).toContain("broken could not be mounted");
    expect((await server.request(`/sessions/${session_id}`)).status).toBe(404);
    expect(await run("print(1)")).toBe("1\n");
  });
});

test("the operator is warned of folders that code can change", async () => {
  await eventually(
    () => (server.log().includes("can change, delete and create files in") ? undefined : "no word"),
    1000,
  );
  expect(server.log()).toContain(`${base}/results (at /data/results)`);
  expect(server.log()).not.toContain(`${base}/own (at`);
});

describe("a start is refused", () => {
  async function refusal(mounts: string): Promise<string> {
    const failure = await startServer({ env: { DATA_MOUNTS: mounts } }).then(
      async (started) => {
        await started.stop();
        return new Error("it started");
      },
      (error: Error) => error,
    );
    return failure.message;
  }

  test("with a writable folder of root's", async () => {
    expect(await refusal(`x=${base}/reference:rw`)).toMatch(/DATA_MOUNTS: x: .*root.*chown -R/);
  });

  test("with a writable folder whose file system cannot translate ids", async () => {
    // An overlay is no such file system, and can be mounted wherever Glovebox runs.
    const merged = join(base, "merged");
    for (const name of ["lower", "merged"]) mkdirSync(join(base, name));
    writeFileSync(join(base, "lower/all.txt"), "for all");
    for (const one of ["lower", "lower/all.txt"]) chownSync(join(base, one), OWNER, GROUP);
    const layers = `lowerdir=${base}/lower:${base}/merged`;
    execFileSync("mount", ["-t", "overlay", "overlay", "-o", layers, merged]);
    try {
      const message = await refusal(`x=${merged}:rw`);
      expect(message).toMatch(/DATA_MOUNTS: x cannot be rw.*translate ids.*share it :ro/);
      expect(message).not.toContain("cannot be isolated");

      const readOnly = await startServer({ env: { DATA_MOUNTS: `x=${merged}`, POOL_SIZE: "0" } });
      const code = attempts("open('/data/x/all.txt').read()", "open('/data/x/new', 'w')");
      expect((await readOnly.execute({ code })).stdout).toBe("for all\nEROFS\n");
      expect(readOnly.log()).toContain("the file system of x cannot translate ids");
      await readOnly.stop();
    } finally {
      execFileSync("umount", [merged]);
    }
  });

  test("with a folder that is not there", async () => {
    expect(await refusal(`x=${base}/nothing`)).toContain("DATA_MOUNTS: x: there is no folder");
  });
});
