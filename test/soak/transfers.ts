/** Honest clients of files, watches and notebooks. What goes in comes out, byte by byte. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import type { Random } from "../fuzz/random.ts";
import { openEvents } from "../support/events.ts";
import type { TestServer } from "../support/server.ts";
import { type HonestWork, inLastingSession } from "./honest.ts";

const MIB = 2 ** 20;

function transfer(
  server: TestServer,
  path: string,
  init: RequestInit & { headers?: Record<string, string> } = {},
): Promise<Response> {
  const headers = { "x-auth-token": server.token, ...init.headers };
  return fetch(`${server.baseUrl}/sessions/${path}`, { ...init, headers });
}

async function bytesOf(response: Response, status: number): Promise<Buffer> {
  const bytes = Buffer.from(await response.arrayBuffer());
  assert.equal(response.status, status, bytes.toString("utf8", 0, 500));
  return bytes;
}

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** Up, looked at by code, down, in part, in an archive, and deleted. */
export function carryFiles(server: TestServer, random: Random): HonestWork {
  return inLastingSession(server, "files", async (session_id) => {
    const bytes = randomBytes(random.between(1, 4 * MIB));
    const path = `${session_id}/files/carried/it.bin`;
    await bytesOf(await transfer(server, path, { method: "PUT", body: bytes }), 201);
    const code =
      "import hashlib\nprint(hashlib.sha256(open('carried/it.bin','rb').read()).hexdigest())";
    const { stdout } = await server.execute({ session_id, code });
    assert.equal(stdout, `${sha256(bytes)}\n`, "code sees other bytes than were sent");
    const whole = await bytesOf(await transfer(server, path), 200);
    assert.equal(sha256(whole), sha256(bytes), "other bytes come than were sent");
    const from = random.below(bytes.length);
    const part = await transfer(server, path, { headers: { range: `bytes=${from}-` } });
    assert.ok((await bytesOf(part, 206)).equals(bytes.subarray(from)), "a part is wrong");
    const tar = await bytesOf(await transfer(server, `${session_id}/files?archive=tar`), 200);
    assert.ok(tar.includes(bytes), "the archive has other bytes");
    await bytesOf(await transfer(server, path, { method: "DELETE" }), 204);
  });
}

export function watchFiles(server: TestServer, random: Random): HonestWork {
  return inLastingSession(server, "watched", async (session_id) => {
    await server.execute({
      session_id,
      code: "import glob, os\nfor f in glob.glob('*'): os.remove(f)",
    });
    const watch = await openEvents(server, "GET", `/sessions/${session_id}/watch`);
    assert.equal(watch.status, 200, watch.status === 200 ? "" : JSON.stringify(await watch.json()));
    const name = `seen-${random.below(1e9)}`;
    const [told] = await Promise.all([
      watch.until(({ data }) => data.path === name),
      server.execute({ session_id, code: `open('${name}', 'w').close()` }),
    ]);
    assert.equal(told.data.change, "created");
    watch.leave();
  });
}

interface WithFiles {
  readonly stdout: string;
  readonly files: readonly { path: string; content: string }[];
}

/** Inputs and results within one stateless request. */
export function carryInline(server: TestServer, random: Random): HonestWork {
  return async () => {
    const content = `content ${random.below(1e9)} \u00e4`;
    const body = {
      code: "text = open('in/a.txt').read()\nprint(text)\nopen('out.txt', 'w').write(text[::-1])",
      files: [{ path: "in/a.txt", content }],
      include_files: true,
    };
    const answer = await server.request<WithFiles>("/execute", { body });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.body.stdout, `${content}\n`);
    const back = answer.body.files.map(({ path, content: text }) => [path, text]);
    assert.deepEqual(back, [["out.txt", [...content].reverse().join("")]]);
  };
}

interface Notebook {
  readonly cells: readonly { source: string; outputs?: readonly { text?: string }[] }[];
}

/** A notebook that is run, and the session's own notebook, which has its cells. */
export function runNotebooks(server: TestServer, random: Random): HonestWork {
  return inLastingSession(server, "notebook", async (session_id) => {
    const value = random.below(1e6);
    const sources = [`value = ${value}`, "print(value * 2)"];
    const cells = sources.map((source) => ({
      cell_type: "code",
      metadata: {},
      source,
      outputs: [],
    }));
    const notebook = { nbformat: 4, nbformat_minor: 5, metadata: {}, cells };
    const path = `/sessions/${session_id}/notebook`;
    const run = await server.request<{ notebook: Notebook; status: string }>(path, {
      body: { notebook },
    });
    assert.deepEqual([run.status, run.body.status], [200, "ok"], run.text);
    assert.equal(run.body.notebook.cells[1]?.outputs?.[0]?.text, `${value * 2}\n`);
    const own = await server.request<Notebook>(path);
    assert.deepEqual(
      own.body.cells.slice(-2).map(({ source }) => source),
      sources,
    );
  });
}
