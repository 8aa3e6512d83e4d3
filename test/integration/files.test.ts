/**
 * Files in and out over a real server: what a caller sees, what is never seen half, and that transfers
 * side by side neither wait for each other nor survive their session.
 */
import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/host.ts";
import { type ErrorBody, startServer, type TestServer, uniqueId } from "../support/server.ts";

const MEGABYTE = 1_000_000;
let server: TestServer;
let session: string;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

interface Listing {
  readonly path: string;
  readonly entries: readonly {
    readonly name: string;
    readonly path: string;
    readonly type: string;
    readonly size: number;
    readonly mtime: string;
  }[];
  readonly truncated: boolean;
}

function fileUrl(path: string, query = "", id = session): string {
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  return `${server.baseUrl}/sessions/${id}/files/${encoded}${query}`;
}
const token = () => ({ "x-auth-token": server.token });

type Body = NonNullable<RequestInit["body"]>;
async function put(path: string, body: Body, query = "", id = session): Promise<Response> {
  return fetch(fileUrl(path, query, id), { method: "PUT", headers: token(), body });
}
function get(path: string, headers: Record<string, string> = {}, query = ""): Promise<Response> {
  return fetch(fileUrl(path, query), { headers: { ...token(), ...headers } });
}
async function list(query = "?recursive=true", id = session): Promise<Listing> {
  const answer = await server.request<Listing>(`/sessions/${id}/files${query}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.body;
}
const names = async (id = session) =>
  (await list("?recursive=true", id)).entries.map(({ path }) => path);
async function code(response: Response): Promise<string> {
  return ((await response.json()) as ErrorBody).error.code;
}
const soon = (check: Parameters<typeof eventually>[0]) => eventually(check, 10_000);
const run = (source: string) => server.execute({ session_id: session, code: source });

describe("one session's files", () => {
  beforeAll(() => {
    session = uniqueId("files");
  });

  test("a file goes in and comes out as it was, and the first upload makes the session", async () => {
    const bytes = randomBytes(3 * MEGABYTE);
    const made = await put("data/ü 日本.bin", bytes);
    expect(made.status).toBe(201);
    expect(await made.json()).toEqual({ path: "data/ü 日本.bin", size: bytes.length });
    const read = await get("data/ü 日本.bin");
    expect(read.status).toBe(200);
    expect(Buffer.from(await read.arrayBuffer()).equals(bytes)).toBe(true);
    const hash = createHash("sha256").update(bytes).digest("hex");
    const inside = await run(
      "import hashlib\nprint(hashlib.sha256(open('data/ü 日本.bin','rb').read()).hexdigest())",
    );
    expect(inside.stdout).toBe(`${hash}\n`);
    expect(inside.files_created).toEqual([]);
    expect((await put("data/ü 日本.bin", "again")).status).toBe(200);
  });

  test("what code writes can be listed and read", async () => {
    await run("import os\nos.makedirs('out')\nopen('out/a.csv','w').write('x,y\\n1,2\\n')");
    const { entries } = await list("?path=out");
    expect(entries).toMatchObject([{ name: "a.csv", path: "out/a.csv", type: "file", size: 8 }]);
    expect(Date.parse(entries[0]?.mtime ?? "")).toBeGreaterThan(Date.now() - 60_000);
    const read = await get("out/a.csv");
    expect(await read.text()).toBe("x,y\n1,2\n");
    expect(Object.fromEntries(read.headers)).toMatchObject({
      "content-type": "text/csv; charset=utf-8",
      "content-length": "8",
      "content-disposition": "inline; filename=\"a.csv\"; filename*=UTF-8''a.csv",
      "accept-ranges": "bytes",
      "x-content-type-options": "nosniff",
      "content-security-policy": "sandbox; default-src 'none'",
    });
  });

  test("parts of a file, and nothing where nothing has changed", async () => {
    await put("letters", "abcdefghij");
    const part = await get("letters", { range: "bytes=2-4" });
    expect([part.status, await part.text()]).toEqual([206, "cde"]);
    expect(part.headers.get("content-range")).toBe("bytes 2-4/10");
    expect(await (await get("letters", { range: "bytes=-3" })).text()).toBe("hij");
    const beyond = await get("letters", { range: "bytes=10-" });
    expect(beyond.status).toBe(416);
    expect(beyond.headers.get("content-range")).toBe("bytes */10");
    expect(await code(beyond)).toBe("RANGE_NOT_SATISFIABLE");
    const etag = part.headers.get("etag") ?? "";
    expect((await get("letters", { "if-none-match": etag })).status).toBe(304);
    const old = { range: "bytes=0-0", "if-range": '"another"' };
    expect((await get("letters", old)).status).toBe(200);
    await put("letters", "0123456789");
    expect((await get("letters", { "if-none-match": etag })).status).toBe(200);
  });

  test("HEAD says what GET would, without the bytes", async () => {
    const head = await fetch(fileUrl("letters"), { method: "HEAD", headers: token() });
    expect([head.status, head.headers.get("content-length")]).toEqual([200, "10"]);
    expect(await head.text()).toBe("");
    const missing = await fetch(fileUrl("nothing"), { method: "HEAD", headers: token() });
    expect(missing.status).toBe(404);
  });

  test("folders are made, listed, renamed and deleted", async () => {
    expect((await put("f/g", "", "?type=directory")).status).toBe(201);
    expect((await put("f/g", "", "?type=directory")).status).toBe(200);
    await put("f/g/x", "x");
    await put("y", "y");
    const rename = (path: string, body: unknown) =>
      server.request<ErrorBody>(`/sessions/${session}/files/${path}`, { method: "PATCH", body });
    expect((await rename("f/g", { path: "f/h" })).body).toEqual({ path: "f/h" });
    expect((await rename("f/h/x", { path: "y" })).body.error.code).toBe("FILE_EXISTS");
    expect((await rename("f/h/x", { path: "y", overwrite: true })).status).toBe(200);
    expect((await rename("f", { path: "f/h/f" })).status).toBe(400);
    expect((await rename("nothing", { path: "z" })).status).toBe(404);
    const remove = async (path: string, query = "") =>
      fetch(fileUrl(path, query), { method: "DELETE", headers: token() });
    expect(await code(await remove("f"))).toBe("DIRECTORY_NOT_EMPTY");
    expect((await remove("f", "?recursive=true")).status).toBe(204);
    expect((await remove("f")).status).toBe(404);
    expect((await list("?path=")).entries.map(({ name }) => name)).not.toContain("f");
  });

  test("what is meant for the other kind is refused", async () => {
    expect(await code(await get("out"))).toBe("IS_A_DIRECTORY");
    expect(await code(await put("out", "x"))).toBe("IS_A_DIRECTORY");
    expect(await code(await put("letters/x", "x"))).toBe("NOT_A_DIRECTORY");
    expect(await code(await put("letters", "", "?type=directory"))).toBe("FILE_EXISTS");
    const listed = await server.request<ErrorBody>(`/sessions/${session}/files?path=letters`);
    expect(listed.body.error.code).toBe("NOT_A_DIRECTORY");
  });

  test.each([
    ["a%00b"],
    ["a%0Ab"],
    ["a%0D%0AX-Injected:%201"],
    ["%2Fetc%2Fpasswd"],
    ["..%2F..%2Fetc%2Fpasswd"],
    ["a//b"],
    ["x".repeat(300)],
    [`${"d".repeat(200)}/`.repeat(25)],
  ])("the path %j is refused with a hint", async (path) => {
    for (const method of ["GET", "PUT", "DELETE"]) {
      const url = `/sessions/${session}/files/${path}`;
      const { status, body } = await rawRequest<ErrorBody>(method, url);
      expect([status, body.error.code]).toEqual([400, "INVALID_PATH"]);
      expect(body.error.hint).toContain("/workspace");
    }
  });

  test("names that no header or page is safe from are carried safely", async () => {
    await run(
      "open('evil\\r\\nSet-Cookie: a=b','w').close(); open(b'\\xff\\xfe','w').close()\n" +
        "open('<script>\"quoted\".html','w').write('<script>1</script>')",
    );
    const all = (await list("")).entries.map(({ name }) => name);
    expect(all).toContain("evil\r\nSet-Cookie: a=b");
    expect(all).toContain("\ufffd\ufffd");
    const page = await get('<script>"quoted".html');
    expect(page.headers.get("content-disposition")).toBe(
      "inline; filename=\"_script__quoted_.html\"; filename*=UTF-8''%3Cscript%3E%22quoted%22.html",
    );
    expect(page.headers.get("content-security-policy")).toContain("sandbox");
  });

  test("a folder comes as tar or zip", async () => {
    await run(
      "import os\nos.makedirs('pack/in', exist_ok=True)\nopen('pack/in/ü.txt','w').write('hello')\n" +
        "os.symlink('/etc/passwd','pack/link')\nos.mkfifo('pack/fifo')",
    );
    const tar = await get("pack", {}, "?archive=tar");
    expect(tar.headers.get("content-type")).toBe("application/x-tar");
    expect(tar.headers.get("content-disposition")).toContain('attachment; filename="pack.tar"');
    const listed = spawnSync("tar", ["-tvf", "-"], {
      input: Buffer.from(await tar.arrayBuffer()),
      encoding: "utf8",
      env: { LC_ALL: "C.UTF-8", PATH: process.env["PATH"] },
    });
    expect(listed.stdout).toMatch(/in\/ü\.txt/);
    expect(listed.stdout).toContain("link -> /etc/passwd");
    expect(listed.stdout).not.toContain("fifo");
    expect(listed.status).toBe(0);
    const zip = await get("pack", {}, "?archive=zip");
    await put("back.zip", Buffer.from(await zip.arrayBuffer()));
    const checked = await run(
      "import zipfile\nz = zipfile.ZipFile('back.zip')\nprint(z.testzip(), sorted(z.namelist()), z.read('in/ü.txt'))",
    );
    expect(checked.stdout).toBe("None ['in/', 'in/ü.txt'] b'hello'\n");
    const whole = await server.request(`/sessions/${session}/files?archive=tar`);
    expect([whole.status, whole.text.includes("pack/in/")]).toEqual([200, true]);
    expect(await code(await get("letters", {}, "?archive=tar"))).toBe("NOT_A_DIRECTORY");
    await run("open('holes','w').truncate(900 * 1024 * 1024)");
    const huge = await server.request<ErrorBody>(`/sessions/${session}/files?archive=tar`);
    expect([huge.status, huge.body.error.code]).toEqual([413, "FILE_TOO_LARGE"]);
    expect(await code(await get("holes"))).toBe("FILE_TOO_LARGE");
    await run("os.remove('holes')");
  });

  test("several files come in one form, all or none", async () => {
    const upload = (form: FormData, query = "") =>
      fetch(`${server.baseUrl}/sessions/${session}/files${query}`, {
        method: "POST",
        headers: token(),
        body: form,
      });
    const form = new FormData();
    form.append("note", "no file");
    form.append("file", new Blob(["one"]), "eins.txt");
    form.append("file", new Blob([randomBytes(MEGABYTE)]), "sub/zwei ü.bin");
    const done = await upload(form, "?path=form");
    expect(await done.json()).toEqual({
      files: [
        { path: "form/eins.txt", size: 3 },
        { path: "form/sub/zwei ü.bin", size: MEGABYTE },
      ],
    });
    const bad = new FormData();
    bad.append("file", new Blob(["one"]), "good.txt");
    bad.append("file", new Blob(["two"]), "../bad.txt");
    expect(await code(await upload(bad))).toBe("INVALID_PATH");
    expect(await names()).not.toContain("good.txt");
    expect(await code(await upload(new FormData()))).toBe("INVALID_REQUEST");
    const json = await server.request<ErrorBody>(`/sessions/${session}/files`, { body: {} });
    expect([json.status, json.body.error.code]).toEqual([415, "UNSUPPORTED_MEDIA_TYPE"]);
    const broken = await fetch(`${server.baseUrl}/sessions/${session}/files`, {
      method: "POST",
      headers: { ...token(), "content-type": "multipart/form-data; boundary=x" },
      body: '--x\r\nContent-Disposition: form-data; name="f"; filename="half"\r\n\r\nabc',
    });
    expect([broken.status, await code(broken)]).toEqual([400, "INVALID_REQUEST"]);
    expect(await names()).not.toContain("half");
  });

  /** Found by the fuzzer: the parser never gets past these, whatever is sent afterwards. */
  test.each([
    ["without a name", "X: y"],
    ["with a line end in its name", 'Content-Disposition: form-data; name="f"; filename="a\rb"'],
  ])("a form with a large part %s is refused, and its session is free again", async (_, header) => {
    const refused = await fetch(`${server.baseUrl}/sessions/${session}/files`, {
      method: "POST",
      headers: { ...token(), "content-type": "multipart/form-data; boundary=x" },
      body: `--x\r\n${header}\r\n\r\n${"z".repeat(3 * MEGABYTE)}\r\n--x--\r\n`,
      signal: AbortSignal.timeout(15_000),
    });
    expect([refused.status, await code(refused)]).toEqual([400, "INVALID_REQUEST"]);
    const { body } = await server.request<{ expires_at: string | null }>(`/sessions/${session}`);
    expect(body.expires_at).not.toBeNull();
  });

  test("links work inside and lead nowhere outside; no special file is read", async () => {
    await run(
      "import os, socket\nos.symlink('letters','l1'); os.symlink('/etc/passwd','l2')\n" +
        "os.symlink('../../../etc/passwd','l3'); os.symlink('/proc/self/environ','l4')\n" +
        "os.mkfifo('p'); s = socket.socket(socket.AF_UNIX); s.bind('s')",
    );
    expect(await (await get("l1")).text()).toBe("0123456789");
    for (const link of ["l2", "l3", "l4"]) expect((await get(link)).status, link).toBe(404);
    for (const special of ["p", "s"]) expect((await get(special)).status, special).toBe(403);
  });

  test("changes are told while they happen", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const url = `${server.baseUrl}/sessions/${session}/watch?path=out`;
    const answer = await fetch(url, { headers: token(), signal });
    expect(answer.headers.get("content-type")).toContain("text/event-stream");
    const told: string[] = [];
    const reading = (async () => {
      for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
        told.push(Buffer.from(chunk).toString());
      }
    })().catch(() => undefined);
    await run("open('out/new.txt','w').write('1')");
    await soon(() =>
      told.join("").includes('data: {"path":"out/new.txt","change":"created","type":"file"}')
        ? undefined
        : told.join(""),
    );
    controller.abort();
    await reading;
  });

  test("changes are in the audit log", async () => {
    await put("audited.txt", "12345");
    const directory = join(server.stateDir, "gateway/audit");
    await soon(() => {
      const text = readdirSync(directory)
        .map((name) => readFileSync(join(directory, name), "utf8"))
        .join("");
      return /"event":"files_changed".*"change":"created","path":"audited.txt","bytes":5/.test(text)
        ? undefined
        : "no record yet";
    });
  });

  test("a session without a sandbox has no files, and of another nobody is told", async () => {
    const id = uniqueId("empty");
    await server.request("/sessions", { body: { session_id: id } });
    await server.request(`/sessions/${id}/reset`, { method: "POST" });
    expect((await list("", id)).entries).toEqual([]);
    expect((await fetch(fileUrl("x", "", id), { headers: token() })).status).toBe(404);
    const unknown = await fetch(fileUrl("x", "", "nobody"), { headers: token() });
    expect(await code(unknown)).toBe("SESSION_NOT_FOUND");
    const key = await server.request<{ key: string }>("/api/keys", {
      body: { name: "other", role: "execute" },
    });
    const foreign = await fetch(fileUrl("letters"), {
      headers: { "x-api-key": key.body.key },
    });
    expect(await code(foreign)).toBe("SESSION_NOT_FOUND");
  });
});

describe("files that travel with an execution", () => {
  const execute = (body: Record<string, unknown>) =>
    server.request<
      ErrorBody & {
        stdout: string;
        status: string;
        files_created: string[];
        files?: { path: string; size: number; encoding: string | null; content: string | null }[];
      }
    >("/execute", { body });

  test("inputs are there before the code, and small results come with the answer", async () => {
    const bytes = randomBytes(2000);
    const { body } = await execute({
      code: [
        "import shutil",
        "print(open('in/ü.txt').read(), len(open('raw','rb').read()))",
        "shutil.copy('raw', 'copy'); open('text.md','w').write('# é')",
        "open('large','wb').write(bytes(2_000_000))",
      ].join("\n"),
      files: [
        { path: "in/ü.txt", content: "hallo" },
        { path: "raw", content: bytes.toString("base64"), encoding: "base64" },
      ],
      include_files: true,
    });
    expect(body.stdout).toBe("hallo 2000\n");
    expect(body.files_created).toEqual(["copy", "large", "text.md"]);
    expect(body.files).toEqual([
      { path: "copy", size: 2000, encoding: "base64", content: bytes.toString("base64") },
      { path: "large", size: 2_000_000, encoding: null, content: null },
      { path: "text.md", size: 4, encoding: "utf-8", content: "# é" },
    ]);
    expect((await execute({ code: "1" })).body).not.toHaveProperty("files");
    expect((await execute({ code: "1", include_files: true })).body.files).toEqual([]);
  });

  test("when one cannot be put in place none is, and nothing runs", async () => {
    session = uniqueId("inputs");
    await put("file", "x");
    const refused = await execute({
      session_id: session,
      code: "open('ran', 'w')",
      files: [
        { path: "good", content: "1" },
        { path: "file/bad", content: "2" },
      ],
    });
    expect([refused.status, refused.body.error.code]).toEqual([409, "NOT_A_DIRECTORY"]);
    expect(await names()).toEqual(["file"]);
    for (const [file, problem] of [
      [{ path: "../x", content: "" }, "INVALID_PATH"],
      [{ path: "x", content: "no base64!", encoding: "base64" }, "INVALID_REQUEST"],
      [{ path: "x" }, "INVALID_REQUEST"],
    ] as const) {
      const answer = await execute({ session_id: session, code: "1", files: [file] });
      expect([answer.status, answer.body.error.code]).toEqual([400, problem]);
    }
  });

  test("more than eight megabytes do not come with an answer", async () => {
    const { body } = await execute({
      code: "for n in range(10): open(f'f{n}', 'wb').write(b'x' * 1_000_000)",
      include_files: true,
    });
    const whole = (body.files ?? []).filter(({ content }) => content !== null);
    expect([body.files?.length, whole.length]).toEqual([10, 8]);
  });
});

describe("transfers that do not end well", () => {
  test("an upload that stops half-way leaves nothing", async () => {
    session = uniqueId("half");
    await put("whole", "whole");
    const socket = connect(Number(new URL(server.baseUrl).port), "127.0.0.1");
    socket.write(
      `PUT /sessions/${session}/files/half HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${server.token}\r\n` +
        `Content-Length: ${20 * MEGABYTE}\r\n\r\n`,
    );
    socket.write(Buffer.alloc(5 * MEGABYTE));
    await soon(async () => ((await usedBytes()) > 4 * MEGABYTE ? undefined : "not yet"));
    expect(await names()).toEqual(["whole"]);
    socket.destroy();
    await soon(async () => ((await usedBytes()) < MEGABYTE ? undefined : "still there"));
    expect(await names()).toEqual(["whole"]);
  });

  test("a gigabyte is refused by its announcement", async () => {
    session = uniqueId("announced");
    const answer = await upload(1_000_000_000, { "content-length": "1000000000" });
    expect([answer.status, answer.code]).toEqual([413, "FILE_TOO_LARGE"]);
    expect(answer.sentBytes).toBeLessThan(50 * MEGABYTE);
    const gone = await server.request(`/sessions/${session}`);
    expect(gone.status).toBe(404);
  });

  test("a gigabyte that is not announced is refused at the cap, and leaves nothing", async () => {
    session = uniqueId("stream");
    await put("whole", "whole");
    const answer = await upload(1_000_000_000, { "transfer-encoding": "chunked" });
    expect([answer.status, answer.code]).toEqual([413, "FILE_TOO_LARGE"]);
    expect(answer.hint).toContain("MAX_WORKSPACE_MB");
    expect(answer.sentBytes).toBeLessThan(500 * MEGABYTE);
    await soon(async () => ((await usedBytes()) < MEGABYTE ? undefined : "still there"));
    expect(await names()).toEqual(["whole"]);
  });

  test("what is too much for the room that is left is refused before it is sent", async () => {
    await run("open('ballast','wb').write(bytes(90_000_000))");
    const answer = await upload(50 * MEGABYTE, { "content-length": String(50 * MEGABYTE) });
    expect([answer.status, answer.code]).toEqual([413, "FILE_TOO_LARGE"]);
    expect(answer.sentBytes).toBeLessThan(40 * MEGABYTE);
    await run("import os\nos.remove('ballast')");
  });

  test("a deleted session ends its transfers", async () => {
    session = uniqueId("deleted");
    await put("big", Buffer.alloc(50 * MEGABYTE));
    const download = await get("big");
    const reader = download.body?.getReader();
    await reader?.read();
    const sending = upload(90 * MEGABYTE, { "transfer-encoding": "chunked" }, 20);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await server.request(`/sessions/${session}`, { method: "DELETE" });
    await expect(
      (async () => {
        while (!(await reader?.read())?.done);
      })(),
    ).rejects.toThrow();
    expect((await sending).code).toBe("SESSION_NOT_FOUND");
  });

  test("a porter that is killed fails what it carries, and the next request has another", async () => {
    session = uniqueId("killed");
    await put("big", Buffer.alloc(50 * MEGABYTE, 1));
    const porter = porterOf();
    const download = await get("big");
    const reader = download.body?.getReader();
    await reader?.read();
    process.kill(porter, "SIGKILL");
    await expect(
      (async () => {
        while (!(await reader?.read())?.done);
      })(),
    ).rejects.toThrow();
    expect(await names()).toEqual(["big"]);
    expect(porterOf()).not.toBe(porter);
    expect((await run("print(1)")).stdout).toBe("1\n");
  });

  test("a file that is cut short while it is read breaks the answer off", async () => {
    session = uniqueId("cut");
    await put("big", Buffer.alloc(50 * MEGABYTE, 1));
    const download = await get("big");
    const reader = download.body?.getReader();
    await reader?.read();
    await run("open('big','w').close()");
    await expect(
      (async () => {
        while (!(await reader?.read())?.done);
      })(),
    ).rejects.toThrow();
  });
});

describe("transfers side by side", () => {
  beforeAll(async () => {
    session = uniqueId("many");
    await put("big", randomBytes(20 * MEGABYTE));
  });

  test("fifty downloads and uploads go on beside one that is not read", async () => {
    const slow = await get("big");
    const reader = slow.body?.getReader();
    await reader?.read();
    const all = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        if (index % 2) return (await put(`up/${index}`, Buffer.alloc(MEGABYTE, index))).status;
        const read = await get("big", { range: `bytes=0-${2 * MEGABYTE - 1}` });
        return (await read.arrayBuffer()).byteLength;
      }),
    );
    expect(new Set(all)).toEqual(new Set([201, 2 * MEGABYTE]));
    let rest = 0;
    for (;;) {
      const next = await reader?.read();
      if (!next || next.done) break;
      rest += next.value.length;
    }
    expect(rest).toBeGreaterThan(15 * MEGABYTE);
  });

  test("files are served while code runs, and where it has all processes and memory it may have", async () => {
    const greedy = server.execute({
      session_id: session,
      timeout: 20,
      code: [
        "import os, time, subprocess",
        "kept = []",
        "try:",
        "    while True: kept.append(subprocess.Popen(['sleep', '8']))",
        "except OSError: pass",
        "open('full','w').close()",
        "end = time.time() + 4",
        "while time.time() < end: pass",
        "for one in kept: one.kill(); one.wait()",
      ].join("\n"),
    });
    await soon(async () => ((await names()).includes("full") ? undefined : "not yet"));
    const startedAt = Date.now();
    expect((await put("beside", "x")).status).toBe(201);
    expect((await (await get("big")).arrayBuffer()).byteLength).toBe(20 * MEGABYTE);
    expect(Date.now() - startedAt).toBeLessThan(3500);
    expect((await greedy).status).toBe("ok");
    expect((await greedy).files_created).toEqual(["full"]);
  });
});

/** How much of the workspace is taken, half uploads included. */
async function usedBytes(): Promise<number> {
  const { stdout } = await run(
    "import os\ns = os.statvfs('/workspace')\nprint((s.f_blocks - s.f_bfree) * s.f_frsize)",
  );
  return Number(stdout);
}

/** The porter of the present session: the only one whose workspace has its names. */
function porterOf(): number {
  const found = server
    .processes()
    .map(({ pid }) => pid)
    .filter((pid) => readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "gb-porter");
  const newest = found.toSorted((a, b) => startOf(b) - startOf(a))[0];
  if (newest === undefined) throw new Error("there is no porter");
  return newest;
}
const startOf = (pid: number) =>
  Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[19]);

function rawRequest<T>(method: string, path: string): Promise<{ status: number; body: T }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${server.baseUrl}/`, { method, path, headers: token() });
    request.on("error", reject);
    request.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => (text += chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as T }),
      );
    });
    request.end();
  });
}

interface Upload {
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;
  readonly sentBytes: number;
}

/** Sends zeros until there is an answer, and fails where the connection is reset instead. */
function upload(bytes: number, headers: Record<string, string>, pauseMs = 0): Promise<Upload> {
  return new Promise((resolve, reject) => {
    let sentBytes = 0;
    const chunk = Buffer.alloc(MEGABYTE);
    const body = Readable.from(
      (async function* () {
        for (; sentBytes < bytes; sentBytes += chunk.length) {
          if (pauseMs > 0) await new Promise((next) => setTimeout(next, pauseMs));
          yield chunk;
        }
      })(),
    );
    const url = fileUrl("big-upload");
    const request = httpRequest(url, { method: "PUT", headers: { ...token(), ...headers } });
    request.on("error", reject);
    request.on("response", (response) => {
      let text = "";
      body.unpipe(request);
      body.destroy();
      response.setEncoding("utf8");
      response.on("data", (part) => (text += part));
      response.on("end", () => {
        const { error } = JSON.parse(text) as ErrorBody;
        resolve({
          status: response.statusCode ?? 0,
          code: error.code,
          hint: error.hint,
          sentBytes,
        });
        request.removeAllListeners("error");
        request.on("error", () => undefined);
        request.destroy();
      });
    });
    body.pipe(request);
  });
}
