import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "../support/client.ts";
import { type ErrorBody, startServer, type TestServer, uniqueId } from "../support/server.ts";
import { joinSharedServer } from "../support/shared-server.ts";
import { writeWheel } from "../support/wheels.ts";

interface Installed extends ErrorBody {
  readonly status: string;
  readonly installed: readonly { readonly name: string; readonly version: string }[];
  readonly output: string;
}

let base: string;
let server: TestServer;
let bare: Client;

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "glovebox-wheels-"));
  const wheels = join(base, "wheels");
  mkdirSync(wheels);
  writeWheel(wheels, { name: "gbxfirst", version: "1.0", source: "answer = 42\n" });
  writeWheel(wheels, { name: "gbxfirst", version: "2.0", source: "answer = 43\n" });
  writeWheel(wheels, {
    name: "gbxsecond",
    version: "0.5",
    source: "from gbxfirst import answer\n",
    requires: ["gbxfirst<2"],
  });
  writeWheel(wheels, { name: "gbxbroken", version: "1", source: "", requires: ["gbxabsent"] });
  server = await startServer({ env: { WHEEL_DIR: wheels, MAX_CPUS: "1" } });
  bare = await joinSharedServer();
});

afterAll(async () => {
  await server?.stop();
  rmSync(base, { recursive: true, force: true });
});

async function open(body: Record<string, unknown> = {}, on: Client = server) {
  const session_id = uniqueId("packages");
  const answer = await on.request<ErrorBody>("/sessions", { body: { session_id, ...body } });
  return { session_id, answer };
}

function install(session_id: string, packages: unknown, on: Client = server) {
  return on.request<Installed>(`/sessions/${session_id}/packages`, { body: { packages } });
}

describe("installing into a session", () => {
  test("brings packages and what they need, and they can be imported at once", async () => {
    const { session_id } = await open();
    await server.execute({
      session_id,
      code: "kept = 1\ntry: import gbxfirst\nexcept ImportError: pass",
    });
    const { status, body, text } = await install(session_id, ["gbxsecond"]);
    expect(status, text).toBe(200);
    expect(body.status).toBe("ok");
    expect(body.installed).toEqual(
      expect.arrayContaining([
        { name: "gbxfirst", version: "1.0" },
        { name: "gbxsecond", version: "0.5" },
      ]),
    );
    expect(body.output).toContain("Successfully installed");
    const answer = await server.execute({
      session_id,
      code: "import gbxsecond\nprint(gbxsecond.answer, kept, [name for name in dir() if 'pip' in name.lower() or 'install' in name.lower()], len(In))",
    });
    expect(answer.stdout).toBe("42 1 [] 3\n");
    // The installation is no execution of the session's.
    expect(answer.execution_count).toBe(2);
    const session = await server.request<{ execution_count: number }>(`/sessions/${session_id}`);
    expect(session.body.execution_count).toBe(2);
  });

  test("takes versions, and does nothing twice", async () => {
    const { session_id } = await open();
    const first = await install(session_id, ["gbxfirst==1.0"]);
    expect(first.body.installed).toEqual([{ name: "gbxfirst", version: "1.0" }]);
    const again = await install(session_id, ["gbxfirst >= 1, < 2"]);
    expect(again.body.installed, again.text).toEqual([]);
    expect(again.body.output).toContain("already satisfied");
  });

  test("tells in pip's words what is missing", async () => {
    const { session_id } = await open();
    for (const name of ["gbxnothing", "gbxbroken", "gbxfirst==9"]) {
      const { status, body } = await install(session_id, [name]);
      expect(status).toBe(422);
      expect(body.error.code).toBe("PACKAGE_INSTALL_FAILED");
      expect(body.error.message).toContain("No matching distribution found");
    }
    const answer = await server.execute({ session_id, code: "print('lives')" });
    expect(answer.stdout).toBe("lives\n");
  });

  test("takes names and versions only", async () => {
    const { session_id } = await open();
    for (const name of [
      "--index-url=http://x",
      "-r/etc/passwd",
      "gbxfirst @ file:///etc",
      "/opt/wheels/gbxfirst-1.0-py3-none-any.whl",
      "./gbxfirst",
      "git+https://x/y",
      "gbxfirst; import os",
      "gbxfirst==1.0 --user",
      "gbxfirst\n--pre",
      " ",
    ]) {
      const { status, body } = await install(session_id, [name]);
      expect(status, name).toBe(400);
      expect(body.error.message).toContain("is not a name with versions");
    }
    for (const list of [[], "gbxfirst", [1], Array(51).fill("gbxfirst"), ["x".repeat(201)]]) {
      expect((await install(session_id, list)).status, JSON.stringify(list).slice(0, 50)).toBe(400);
    }
    expect((await install(uniqueId("nobody"), ["gbxfirst"])).status).toBe(404);
  });

  test("is answered also where the session's own code has changed its interpreter", async () => {
    const { session_id } = await open();
    await server.execute({
      session_id,
      code: "import subprocess\ndef fails(*a, **k): raise RuntimeError('changed')\nsubprocess.run = fails",
    });
    const { status, body } = await install(session_id, ["gbxfirst"]);
    expect(status).toBe(422);
    expect(body.error.message).toContain("changed");
  });

  test("works by %pip as well", async () => {
    const answer = await server.execute({
      code: "%pip install -q gbxfirst==1.0\nimport gbxfirst\nprint(gbxfirst.answer)",
    });
    expect(answer.stdout).toContain("42\n");
  });
});

describe("a session that is made with packages", () => {
  test("has them from the start, and again in each further sandbox", async () => {
    const { session_id, answer } = await open({ packages: ["gbxfirst~=1.0"] });
    expect(answer.status, answer.text).toBe(201);
    const use = { session_id, code: "import gbxfirst\nprint(gbxfirst.__file__, gbxfirst.answer)" };
    const first = await server.execute(use);
    expect(first.stdout).toMatch(/^\/tmp\/home\/.*site-packages\/gbxfirst.py 42\n$/);
    expect(first.execution_count).toBe(1);
    await server.request(`/sessions/${session_id}/reset`, { method: "POST" });
    expect((await server.execute(use)).stdout).toBe(first.stdout);
  });

  test("is not made where they cannot be installed", async () => {
    const { session_id, answer } = await open({ packages: ["gbxnothing"] });
    expect(answer.status).toBe(422);
    expect(answer.body.error.message).toContain("gbxnothing");
    expect((await server.request(`/sessions/${session_id}`)).status).toBe(404);
    const unnamed = await open({ packages: ["--pre"] });
    expect(unnamed.answer.status).toBe(400);
  });
});

describe("without a folder of wheels", () => {
  test("the answer says so", async () => {
    const { answer } = await open({ packages: ["gbxfirst"] }, bare);
    expect(answer.status).toBe(409);
    expect(answer.body.error.code).toBe("PACKAGES_UNAVAILABLE");
    expect(answer.body.error.hint).toContain("WHEEL_DIR");
    const { session_id } = await open({}, bare);
    expect((await install(session_id, ["gbxfirst"], bare)).status).toBe(409);
  });

  test("pip gives up after one attempt", async () => {
    const answer = await bare.execute({ code: "!pip install gbxnothing", timeout: 20 });
    expect(answer.status).toBe("ok");
    expect(answer.stdout + answer.stderr).not.toContain("Retrying");
    expect(answer.stdout + answer.stderr).toContain("No matching distribution");
  });
});
