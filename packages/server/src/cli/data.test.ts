/**
 * Downloads from a server of the test's own, which speaks Hugging Face's two routes and does what
 * servers do: redirect, cut off, answer late, change, and lie.
 */

import { createHash } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { loadConfig } from "../config.js";
import { download, type Expectation } from "./data/download.js";
import { DownloadProgress } from "./data/download-progress.js";
import { listFiles, parseReference } from "./data/hub.js";
import { nameOfUrl, PARTS_DIRECTORY, safeSegments } from "./data/names.js";
import { checkedUrl } from "./data/requests.js";
import { Wildcard } from "./data/wildcard.js";
import { data } from "./data.js";

const CONTENT = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
const SHA256 = createHash("sha256").update(CONTENT).digest("hex");

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let origin: string;
let base: string;
let said: string;
let handlers: Record<string, Handler>;
let seen: IncomingMessage[];

beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), "glovebox-data-"));
  said = "";
  seen = [];
  handlers = {};
  server = createServer((request, response) => {
    seen.push(request);
    const path = new URL(request.url ?? "", "http://x").pathname;
    const handler = handlers[path];
    if (handler) handler(request, response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(base, { recursive: true });
  vi.restoreAllMocks();
});

/** Ranges and entity tags as a good server has them. */
function serve(content: Buffer, etag = '"one"', cutAfter = Number.POSITIVE_INFINITY): Handler {
  return (request, response) => {
    const [, from] = /^bytes=(\d+)-$/.exec(request.headers.range ?? "") ?? [];
    const fits = from !== undefined && request.headers["if-range"] === etag;
    const start = fits ? Number(from) : 0;
    const body = content.subarray(start);
    response.writeHead(fits ? 206 : 200, {
      etag,
      "content-length": body.length,
      ...(fits
        ? { "content-range": `bytes ${start}-${content.length - 1}/${content.length}` }
        : {}),
    });
    if (body.length <= cutAfter) response.end(body);
    else response.write(body.subarray(0, cutAfter), () => response.destroy());
  };
}

function fetchFile(path: string, expected: Expectation = {}, signal?: AbortSignal) {
  return download({
    source: { url: new URL(`${origin}${path}`) },
    base,
    segments: ["file.bin"],
    expected,
    signal: signal ?? new AbortController().signal,
    progress: new DownloadProgress({ write: (text: string) => (said += text) }),
    pauseFirstMs: 1,
  });
}

const target = () => join(base, "file.bin");
const parts = () => join(base, PARTS_DIRECTORY);

describe("a download", () => {
  test("arrives, checked, and leaves nothing else", async () => {
    handlers["/file"] = serve(CONTENT);
    const done = await fetchFile("/file", { sha256: SHA256 });
    expect(done).toEqual({ path: target(), wasThere: false });
    expect(readFileSync(target()).equals(CONTENT)).toBe(true);
    expect(readdirSync(base)).toEqual(["file.bin"]);
    expect(said).toContain("done, 300 kB");
  });

  test("goes on after each cut, without a byte twice", async () => {
    handlers["/file"] = serve(CONTENT, '"one"', 90_000);
    await fetchFile("/file", { sha256: SHA256 });
    expect(readFileSync(target()).equals(CONTENT)).toBe(true);
    const ranges = seen.map(({ headers }) => headers.range);
    expect(ranges[0]).toBeUndefined();
    expect(ranges.slice(1).every((range) => /^bytes=[1-9]\d*-$/.test(range ?? ""))).toBe(true);
    // fetch adds the word once more to a request for a range.
    const encodings = seen.map(({ headers }) => String(headers["accept-encoding"]).split(", "));
    expect(new Set(encodings.flat())).toEqual(new Set(["identity"]));
  });

  test("goes on in another run", async () => {
    handlers["/file"] = (request, response) => {
      response.writeHead(200, { etag: '"one"', "content-length": CONTENT.length });
      response.write(CONTENT.subarray(0, 100_000));
      request.on("close", () => undefined);
    };
    const interrupt = new AbortController();
    const first = fetchFile("/file", {}, interrupt.signal);
    await vi.waitFor(() => {
      const [name] = readdirSync(parts()).filter((one) => !one.endsWith(".json"));
      expect(lstatSync(join(parts(), name ?? "")).size).toBe(100_000);
    });
    interrupt.abort();
    await expect(first).rejects.toThrow();
    expect(existsSync(target())).toBe(false);

    handlers["/file"] = serve(CONTENT);
    await fetchFile("/file", { sha256: SHA256 });
    expect(seen.at(-1)?.headers.range).toBe("bytes=100000-");
    expect(readFileSync(target()).equals(CONTENT)).toBe(true);
    expect(existsSync(parts())).toBe(false);
  });

  test("begins anew when the file has changed meanwhile", async () => {
    const other = Buffer.from(CONTENT).reverse();
    let requests = 0;
    handlers["/file"] = (request, response) => {
      const now = requests++ === 0 ? serve(CONTENT, '"one"', 50_000) : serve(other, '"two"');
      now(request, response);
    };
    await fetchFile("/file");
    expect(readFileSync(target()).equals(other)).toBe(true);
  });

  test("does not believe a part that another version is glued to", async () => {
    handlers["/file"] = (request, response) => {
      if (request.headers.range === undefined) serve(CONTENT, '"one"', 50_000)(request, response);
      else {
        const rest = CONTENT.subarray(50_000);
        response.writeHead(206, {
          etag: '"two"',
          "content-range": `bytes 50000-299999/300000`,
          "content-length": rest.length,
        });
        response.end(rest);
      }
    };
    await expect(fetchFile("/file")).rejects.toThrow(/given up after 6 attempts/);
    expect(existsSync(target())).toBe(false);
  });

  test("waits as servers ask for, and tries again", async () => {
    let requests = 0;
    handlers["/file"] = (request, response) => {
      requests++;
      if (requests < 4) response.writeHead(requests === 1 ? 429 : 503).end();
      else serve(CONTENT)(request, response);
    };
    await fetchFile("/file");
    expect(said.match(/trying again/g)).toHaveLength(3);
  });

  test("gives up on what will not get better", async () => {
    handlers["/denied"] = (_, response) => response.writeHead(401).end();
    handlers["/down"] = (_, response) => response.writeHead(500).end();
    await expect(fetchFile("/none")).rejects.toThrow("answers 404: there is no such file");
    await expect(fetchFile("/denied")).rejects.toThrow("--token-file");
    await expect(fetchFile("/down")).rejects.toThrow("answers 500; given up after 6 attempts");
    expect(seen).toHaveLength(8);
  });

  test("with another checksum is thrown away", async () => {
    handlers["/file"] = serve(CONTENT);
    const sha256 = "0".repeat(64);
    await expect(fetchFile("/file", { sha256 })).rejects.toThrow(`but ${SHA256}`);
    expect(existsSync(target())).toBe(false);
    expect(existsSync(parts())).toBe(false);
  });

  test("knows git's names of small files", async () => {
    handlers["/file"] = serve(Buffer.from("hello\n"));
    const gitBlob = "ce013625030ba8dba906f756967f9e9ca394464a";
    await fetchFile("/file", { gitBlob, size: 6 });
    expect((await fetchFile("/file", { gitBlob })).wasThere).toBe(true);
    await expect(fetchFile("/file", { gitBlob: "0".repeat(40) })).rejects.toThrow("another file");
  });

  test("of another length than was announced is refused", async () => {
    handlers["/file"] = serve(CONTENT);
    await expect(fetchFile("/file", { size: 10 })).rejects.toThrow("300000 bytes instead of 10");
    handlers["/endless"] = (_, response) => {
      response.writeHead(200);
      response.end(CONTENT);
    };
    await expect(fetchFile("/endless", { size: 10 })).rejects.toThrow("more than the 10 bytes");
    handlers["/packed"] = (_, response) => {
      response.writeHead(200, { "content-encoding": "gzip" }).end("x");
    };
    await expect(fetchFile("/packed")).rejects.toThrow("compressed, unasked");
  });

  test("for which there is no room does not begin", async () => {
    handlers["/file"] = (_, response) => {
      response.writeHead(200, { "content-length": 2 ** 52 });
      response.write("x");
    };
    await expect(fetchFile("/file")).rejects.toThrow("has room for");
  });

  test("never replaces what is there, nor follows a link", async () => {
    handlers["/file"] = serve(CONTENT);
    const outside = join(base, "outside");
    writeFileSync(outside, "mine");
    writeFileSync(target(), "mine");
    await expect(fetchFile("/file")).rejects.toThrow("is there already");
    rmSync(target());
    symlinkSync(outside, target());
    await expect(fetchFile("/file", { sha256: SHA256 })).rejects.toThrow("is no file");
    rmSync(target());
    symlinkSync(base, parts());
    await expect(fetchFile("/file")).rejects.toThrow("or a link");
    rmSync(parts());
    mkdirSync(parts());
    const name = createHash("sha256").update("/file.bin").digest("hex").slice(0, 32);
    symlinkSync(outside, join(parts(), name));
    await expect(fetchFile("/file")).rejects.toThrow("ELOOP");
    expect(readFileSync(outside, "utf8")).toBe("mine");
  });

  test("puts a file where it began, whatever is exchanged meanwhile", async () => {
    const outside = join(base, "outside");
    mkdirSync(outside);
    handlers["/file"] = (request, response) => {
      for (const name of ["sub", PARTS_DIRECTORY]) {
        renameSync(join(base, "in", name), join(base, "in", `${name}-before`));
        symlinkSync(outside, join(base, "in", name));
      }
      serve(CONTENT)(request, response);
    };
    await download({
      source: { url: new URL(`${origin}/file`) },
      ...{ base: join(base, "in"), segments: ["sub", "file.bin"], expected: { sha256: SHA256 } },
      signal: new AbortController().signal,
      progress: new DownloadProgress({ write: () => undefined }),
    });
    expect(readdirSync(outside)).toEqual([]);
    expect(readFileSync(join(base, "in/sub-before/file.bin")).equals(CONTENT)).toBe(true);
  });

  test("leaves a file alone that appears under its name meanwhile", async () => {
    handlers["/file"] = (request, response) => {
      writeFileSync(target(), "mine");
      serve(CONTENT)(request, response);
    };
    await expect(fetchFile("/file")).rejects.toThrow("has appeared meanwhile");
    expect(readFileSync(target(), "utf8")).toBe("mine");
  });

  test("follows redirects, without the token at another server", async () => {
    handlers["/start"] = (_, response) => {
      response.writeHead(302, { location: `http://localhost:${new URL(origin).port}/file` }).end();
    };
    handlers["/file"] = serve(CONTENT);
    const url = new URL(`${origin}/start`);
    await download({
      source: { url, token: "secret" },
      ...{ base, segments: ["file.bin"], expected: { sha256: SHA256 } },
      signal: new AbortController().signal,
      progress: new DownloadProgress({ write: () => undefined }),
    });
    expect(seen.map(({ headers }) => headers.authorization)).toEqual(["Bearer secret", undefined]);
    handlers["/round"] = (_, response) => response.writeHead(302, { location: "/round" }).end();
    await expect(fetchFile("/round", { sha256: "0".repeat(64) })).rejects.toThrow(
      /another file|more than 10 times/,
    );
    handlers["/away"] = (_, response) => {
      response.writeHead(302, { location: "http://192.0.2.1/file" }).end();
    };
    rmSync(target());
    await expect(fetchFile("/round")).rejects.toThrow("more than 10 times");
    await expect(fetchFile("/away")).rejects.toThrow("https only");
  });
});

describe("addresses", () => {
  test.each(["http://example.org/x", "ftp://x/y", "file:///etc/passwd", "x", "https://a:b@c/d"])(
    "%s is refused",
    (url) => expect(() => checkedUrl(url)).toThrow(),
  );

  test("a server elsewhere does not lead to this machine", () => {
    const elsewhere = new URL("https://example.org/x");
    for (const url of ["http://localhost/x", "https://127.0.0.1/x", "http://[::1]:8000/x"]) {
      expect(() => checkedUrl(url, elsewhere)).toThrow("which is refused");
      expect(checkedUrl(url).href).toBe(url);
    }
    expect(checkedUrl("/y", elsewhere).href).toBe("https://example.org/y");
  });
});

describe("names", () => {
  test.each(
    [
      ["..", "../x", "a/../../x", "/etc/passwd", "a//b", "a/", "", ".", "a\\..\\b", "a\u0000b"],
      ["a\u001b[2Jb", "a\nb", "a\u202eb", "\ud800", `${PARTS_DIRECTORY}/x`, "x".repeat(256)],
      [Array(41).fill("a").join("/"), Array(7).fill("x".repeat(200)).join("/")],
    ].flat(),
  )("%j is refused", (path) => expect(() => safeSegments(path)).toThrow("which is refused"));

  test("of all languages are taken", () => {
    expect(safeSegments("données/数据 1.csv")).toEqual(["données", "数据 1.csv"]);
    expect(nameOfUrl(new URL("https://x/a/b%20c.csv?d=e"))).toBe("b c.csv");
    for (const url of ["https://x/", "https://x/a/", "https://x/..%2fa", "https://x/%zz"]) {
      expect(() => nameOfUrl(new URL(url))).toThrow("--name");
    }
  });

  test("patterns fit as in fnmatch", () => {
    expect(new Wildcard("*.csv").fits("a/b.csv")).toBe(true);
    expect(new Wildcard("data/?.csv").fits("data/1.csv")).toBe(true);
    expect(new Wildcard("data/?.csv").fits("data/10.csv")).toBe(false);
    expect(new Wildcard("a+b.csv").fits("aab.csv")).toBe(false);
  });
});

describe("a data set", () => {
  const tree = "/api/datasets/some/set/tree/main";

  function json(value: unknown, headers: Record<string, string> = {}): Handler {
    return (_, response) => {
      response.writeHead(200, { "content-type": "application/json", ...headers });
      response.end(JSON.stringify(value));
    };
  }

  function list(reference = "hf:some/set", include: string[] = []) {
    const options = { endpoint: origin, token: undefined, signal: new AbortController().signal };
    return listFiles(parseReference(reference), include, { ...options, say: () => undefined });
  }

  async function run(...args: string[]): Promise<number> {
    vi.spyOn(process.stderr, "write").mockImplementation((text) => {
      said += String(text);
      return true;
    });
    return data(loadConfig({ HF_ENDPOINT: origin, STATE_DIR: base }, "none"), args);
  }

  test("comes whole, page by page, and is not fetched twice", async () => {
    const small = Buffer.from("hello\n");
    const large = { type: "file", path: "data/train 1.bin", size: 130, oid: "0".repeat(40) };
    handlers[tree] = (request, response) => {
      const second = request.url?.includes("cursor=");
      const next = `<${origin}${tree}?recursive=true&cursor=2>; rel="next"`;
      const first = [{ type: "directory", path: "data", oid: "0".repeat(40), size: 0 }];
      const files = second
        ? [{ ...large, lfs: { oid: SHA256, size: CONTENT.length, pointerSize: 130 } }]
        : [
            {
              type: "file",
              path: "README.md",
              size: 6,
              oid: "ce013625030ba8dba906f756967f9e9ca394464a",
            },
          ];
      json([...first, ...files], second ? {} : { link: next })(request, response);
    };
    handlers["/datasets/some/set/resolve/main/README.md"] = serve(small);
    handlers["/datasets/some/set/resolve/main/data/train%201.bin"] = (_, response) => {
      response.writeHead(302, { location: "/cdn/object?signature=x" }).end();
    };
    handlers["/cdn/object"] = serve(CONTENT);
    expect(await run("download", "hf:some/set", "--to", base)).toBe(0);
    expect(readFileSync(join(base, "set/README.md"), "utf8")).toBe("hello\n");
    expect(readFileSync(join(base, "set/data/train 1.bin")).equals(CONTENT)).toBe(true);
    expect(readdirSync(join(base, "set")).sort()).toEqual(["README.md", "data"]);
    expect(said).toContain(`DATA_MOUNTS=data=${base}/set`);

    const before = seen.length;
    expect(await run("download", "hf:some/set", "--to", base)).toBe(0);
    expect(seen.length - before).toBe(2);
    expect(said).toContain("2 of them were there already");
  });

  test("comes in part, of a revision", async () => {
    handlers["/api/datasets/some/set/tree/refs%2Fpr%2F1"] = json([
      { type: "file", path: "a.csv", size: 6 },
      { type: "file", path: "b.bin", size: 6 },
    ]);
    const found = await list("hf:some/set@refs/pr/1", ["*.csv"]);
    expect(found.map(({ source }) => source.url.pathname)).toEqual([
      "/datasets/some/set/resolve/refs%2Fpr%2F1/a.csv",
    ]);
  });

  test.each(["hf:set", "hf:a/b/c", "hf:a/..", "hf:a/b@../x", "hf:a b/c", "hf:"])(
    "%s is none",
    (reference) => expect(() => parseReference(reference)).toThrow("is not hf:OWNER/DATASET"),
  );

  test("whose list is odd is refused as a whole", async () => {
    const odd: unknown[] = [
      {},
      [{ type: "file" }],
      [{ type: "file", path: "../x", size: 1 }],
      [{ type: "file", path: "x", size: -1 }],
      [{ type: "file", path: "x", size: 1, lfs: { oid: "y", size: 1 } }],
    ];
    for (const value of odd) {
      handlers[tree] = json(value);
      await expect(list(), JSON.stringify(value)).rejects.toThrow(/list of files|refused/);
    }
    handlers[tree] = (_, response) => response.end("<html>");
    await expect(list()).rejects.toThrow("with JSON");
    handlers[tree] = json([], { link: '<http://localhost:1/x>; rel="next"' });
    await expect(list()).rejects.toThrow("goes on at another server");
    handlers[tree] = json([], { link: `<${tree}>; rel="next"` });
    await expect(list()).rejects.toThrow("more files than can be listed");
  });

  test("wrong use is told", async () => {
    expect(await run()).toBe(2);
    for (const args of [
      ["download"],
      ["download", "hf:a/b", "hf:c/d"],
      ["download", "hf:a/b", "--sha256", SHA256],
      ["download", "https://x/y", "--include", "*"],
      ["download", "https://x/y", "--sha256", "12"],
      ["download", "https://x/y", "--name", "../x"],
      ["download", "https://x/y", "--token-file", "/nonexistent"],
      ["download", "--what"],
    ]) {
      await expect(run(...args), args.join(" ")).rejects.toThrow();
    }
    expect(await run("download", `${origin}/none.csv`, "--to", base)).toBe(1);
    expect(said).toContain("glovebox data: ");
  });
});

test("data list tells what is shared, and what cannot be", async () => {
  mkdirSync(join(base, "in"));
  writeFileSync(join(base, "in/x"), "12345");
  let printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  const DATA_MOUNTS = `a=${base}/in,b=/etc:ask,c=${base}/none`;
  expect(await data(loadConfig({ DATA_MOUNTS }, "none"), ["list"])).toBe(0);
  expect(printed).toContain(`/data/a  ro  ${base}/in\n    1 files, 5 bytes; `);
  expect(printed).toMatch(
    /\/data\/b {2}ro, on request {2}\/etc\n.*\n {4}cannot be shared: .*system/,
  );
  expect(printed).toContain("there is no folder");
});
