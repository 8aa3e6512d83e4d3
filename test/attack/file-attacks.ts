/**
 * Attacks on the files of a session: code in the sandbox against what carries them. Each throws when
 * something of the host shows, or when the answers are not what they should be.
 */
import { expect } from "vitest";
import { type ErrorBody, type TestServer, uniqueId } from "../support/server.ts";
import type { HttpAttack } from "./http-attacks.ts";

/** In every passwd, of the host and of the root file system. */
const SECRET = /root:|daemon:|PATH=/;
const CONTENT = "inside";

class Files {
  readonly id = uniqueId("file-attack");
  readonly #server: TestServer;

  constructor(server: TestServer) {
    this.#server = server;
  }

  async run(code: string, timeout = 15): Promise<string> {
    const { stdout } = await this.#server.execute({ session_id: this.id, code, timeout });
    return stdout;
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.#server.baseUrl}/sessions/${this.id}/files${path}`, {
      ...init,
      headers: { "x-auth-token": this.#server.token, ...init.headers },
    });
  }

  /** Whatever is answered, nothing of the host is in it. */
  async expectNothingForeign(path: string, init?: RequestInit): Promise<number> {
    const answer = await this.fetch(path, init);
    const text = await answer.text();
    expect(text, `${init?.method ?? "GET"} ${path}`).not.toMatch(SECRET);
    expect([200, 201, 204, 206, 400, 403, 404, 409, 503], text.slice(0, 500)).toContain(
      answer.status,
    );
    return answer.status;
  }

  async end(): Promise<void> {
    await this.#server.request(`/sessions/${this.id}`, { method: "DELETE" });
  }
}

function attack(work: (files: Files) => Promise<void>): HttpAttack {
  return async (server) => {
    const files = new Files(server);
    await files.run("import os");
    await work(files);
    await files.end();
  };
}

/** Two names are exchanged as fast as the kernel can, between what is inside and what leads out. */
const SWAP_FOLDERS = `
import ctypes, os, time
os.makedirs("real"); os.symlink("/etc", "fake")
open("real/passwd", "w").write("${CONTENT}")
libc = ctypes.CDLL(None)
end = time.monotonic() + 4
while time.monotonic() < end:
    for _ in range(1000):
        libc.renameat2(-100, b"real", -100, b"fake", 2)
`;
const SWAP_FILES = `
import ctypes, os, time
open("real", "w").write("${CONTENT}"); os.symlink("/etc/passwd", "fake")
libc = ctypes.CDLL(None)
end = time.monotonic() + 4
while time.monotonic() < end:
    for _ in range(1000):
        libc.renameat2(-100, b"real", -100, b"fake", 2)
`;

const swappedFolders = attack(async (files) => {
  const swapping = files.run(SWAP_FOLDERS);
  const seen = new Set<number>();
  const until = performance.now() + 3000;
  while (performance.now() < until) {
    seen.add(await files.expectNothingForeign("/real/passwd"));
    seen.add(await files.expectNothingForeign("?path=real"));
    seen.add(await files.expectNothingForeign("?archive=tar"));
    seen.add(await files.expectNothingForeign("/real/shadow", { method: "PUT", body: "x" }));
    await files.expectNothingForeign("/fake/shadow?recursive=true", { method: "DELETE" });
    await files.expectNothingForeign("/real/made?type=directory", { method: "PUT" });
  }
  await swapping;
  expect(seen).toContain(200);
  const written = await files.run("print(os.path.exists('/etc/made'), os.listdir('/workspace'))");
  expect(written).toContain("False");
});

const swappedLinks = attack(async (files) => {
  const swapping = files.run(SWAP_FILES);
  const until = performance.now() + 3000;
  const seen = new Set<number>();
  while (performance.now() < until) {
    seen.add(await files.expectNothingForeign("/real"));
    seen.add(await files.expectNothingForeign("/fake", { headers: { range: "bytes=0-3" } }));
    await files.expectNothingForeign("?archive=zip");
  }
  await swapping;
  expect(seen.size).toBeGreaterThan(0);
  await files.fetch("/real", { method: "PUT", body: "new" });
  expect(await files.run("print(len(open('/etc/passwd').read()) > 10)")).toBe("True\n");
});

const linksOut = attack(async (files) => {
  await files.run(
    [
      "import os",
      "for n, t in enumerate(['/etc/passwd', '/proc/self/environ', '/proc/1/environ', '/proc/self/root/etc/passwd',",
      "  '../../../../etc/passwd', '/proc/self/fd/3', '/dev/stdin', '/opt/glovebox/guest/_glovebox/keeper/keeper.py', '/run/glovebox']):",
      "    os.symlink(t, f'l{n}')",
      "os.symlink('/', 'root'); os.symlink('/proc', 'proc'); os.symlink('..', 'up')",
    ].join("\n"),
  );
  for (let number = 0; number < 9; number++) {
    expect(await files.expectNothingForeign(`/l${number}`)).toBe(404);
  }
  for (const path of ["/root/etc/passwd", "/proc/self/environ", "/up/etc/passwd"]) {
    expect(await files.expectNothingForeign(path)).toBe(404);
  }
  await files.expectNothingForeign("/root/tmp/x", { method: "PUT", body: "x" });
  expect(await files.run("print(os.path.exists('/tmp/x'))")).toBe("False\n");
  await files.expectNothingForeign("?recursive=true");
});

const specialFiles = attack(async (files) => {
  await files.run(
    [
      "import socket",
      "os.mkfifo('fifo')",
      "s = socket.socket(socket.AF_UNIX); s.bind('socket')",
      "os.mkdir('closed', 0)",
      "open('unreadable', 'w').write('x'); os.chmod('unreadable', 0)",
      "try: open('holes', 'w').truncate(10**13)",
      "except OSError as error: assert error.errno == 27, error",
      "open('holes', 'w').truncate(10**9)",
      "open('one', 'w').write('x' * 1000)",
      "for n in range(3000): os.link('one', f'name{n}')",
    ].join("\n"),
  );
  const startedAt = performance.now();
  for (const name of ["fifo", "socket", "unreadable"]) {
    expect((await files.fetch(`/${name}`)).status, name).toBe(403);
  }
  expect((await files.fetch("/closed/x")).status).toBe(403);
  // More of nothing than there could ever be of something: whole, in part or in an archive.
  const part = await files.fetch("/holes", { headers: { range: "bytes=900000000-900000009" } });
  expect([(await files.fetch("/holes")).status, part.status]).toEqual([413, 413]);
  for (const format of ["tar", "zip"]) {
    expect((await files.fetch(`?archive=${format}`)).status).toBe(413);
  }
  await files.fetch("/holes", { method: "DELETE" });
  // Three thousand names of one file are one file.
  const tar = await (await files.fetch("?archive=tar")).arrayBuffer();
  expect(tar.byteLength).toBeLessThan(8_000_000);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});

const deepFolders = attack(async (files) => {
  await files.run(
    "for _ in range(3000):\n    os.mkdir('d' * 100); os.chdir('d' * 100); open('f', 'w').close()\nos.chdir('/workspace')",
  );
  const startedAt = performance.now();
  const listed = await files.fetch("?recursive=true");
  expect(((await listed.json()) as { truncated: boolean }).truncated).toBe(true);
  expect((await files.fetch("?archive=tar")).status).toBe(200);
  const removed = await files.fetch(`/${"d".repeat(100)}?recursive=true`, { method: "DELETE" });
  expect(removed.status).toBe(204);
  expect(await files.run("print(os.listdir('/workspace'))")).toBe("[]\n");
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});

const namesInHeaders = attack(async (files) => {
  const names = [
    "a\\r\\nSet-Cookie: stolen=1.html",
    'a"; filename=\\"b.exe',
    "a\\x00b",
    "\\u202egnp.exe",
    "x'; y*=UTF-8''z",
    "<svg onload=alert(1)>.svg",
  ];
  await files.run(
    `for n in [${names.map((name) => `'''${name}'''`).join(", ")}]:\n    try: open(n, 'w').write('<script>alert(1)</script>')\n    except ValueError: pass`,
  );
  const { entries } = (await (await files.fetch("")).json()) as { entries: { name: string }[] };
  expect(entries.length).toBe(5);
  for (const { name } of entries) {
    const answer = await files.fetch(`/${encodeURIComponent(name)}`);
    expect(answer.headers.get("set-cookie")).toBeNull();
    if (answer.status === 200) {
      expect(answer.headers.get("content-security-policy")).toContain("sandbox");
      expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
      expect(answer.headers.get("content-disposition")).toMatch(
        /^inline; filename="[\w ._+=@()-]*"; filename\*=UTF-8''[\w.%~-]*$/,
      );
    } else {
      expect(((await answer.json()) as ErrorBody).error.code).toBe("INVALID_PATH");
    }
  }
});

const stormWatched = attack(async (files) => {
  const controller = new AbortController();
  const watching = await files.fetch("/../watch", { signal: controller.signal });
  expect(watching.status).toBe(200);
  const storming = files.run(
    [
      "import time",
      "for n in range(2000): open(f'f{n}', 'w').close()",
      "end = time.monotonic() + 4",
      "while time.monotonic() < end:",
      "    for n in range(2000): os.rename(f'f{n}', f'g{n}')",
      "    for n in range(2000): os.rename(f'g{n}', f'f{n}')",
    ].join("\n"),
  );
  // Nobody reads what is told, and everything else is still served.
  for (let round = 0; round < 20; round++) {
    const startedAt = performance.now();
    expect((await files.fetch("/x", { method: "PUT", body: "x" })).status).toBeLessThan(300);
    expect(performance.now() - startedAt).toBeLessThan(3000);
  }
  await storming;
  controller.abort();
});

export const fileAttacks: Readonly<Record<string, HttpAttack>> = {
  swappedFolders,
  swappedLinks,
  linksOut,
  specialFiles,
  deepFolders,
  namesInHeaders,
  stormWatched,
};
