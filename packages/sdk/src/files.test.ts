import { describe, expect, test } from "vitest";
import {
  events,
  json,
  type Respond,
  refusal,
  startMisbehaving,
} from "../test/misbehaving-server.js";
import { Glovebox } from "./client.js";
import { ConnectionError, NotFoundError } from "./errors.js";

const start = startMisbehaving();

async function filesOf(...turns: Respond[]) {
  const server = await start(...turns);
  return { ...server, files: new Glovebox({ baseUrl: server.baseUrl }).session("s").files };
}

const bytes: Respond = (response) => {
  response.writeHead(200, { "content-type": "text/csv", etag: '"e"', "content-length": "4" });
  response.end("ä,b");
};

describe("reading", () => {
  test("gives bytes, text or a stream", async () => {
    const { files } = await filesOf(bytes);
    expect(await files.read("a.csv")).toEqual(new TextEncoder().encode("ä,b"));
    expect(await files.readText("a.csv")).toBe("ä,b");
    expect(await new Response(await files.readStream("a.csv")).text()).toBe("ä,b");
  });

  test("a range excludes its end", async () => {
    const { files, seen } = await filesOf(bytes);
    await files.read("a.csv", { range: { start: 2, end: 6 } });
    await files.read("a.csv", { range: { start: 2 } });
    expect(seen.map(({ headers }) => headers["range"])).toEqual(["bytes=2-5", "bytes=2-"]);
  });

  test("stat asks for no bytes", async () => {
    const { files, seen } = await filesOf(bytes);
    expect(await files.stat("a.csv")).toEqual({
      size: 4,
      contentType: "text/csv",
      etag: '"e"',
      lastModified: null,
    });
    expect(seen[0]?.method).toBe("HEAD");
  });

  test("a file that breaks off is an error, and never a short file", async () => {
    const { files } = await filesOf((response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("half", () => setTimeout(() => response.destroy(), 20));
    });
    await expect(files.read("a")).rejects.toSatisfy(ConnectionError.isInstance);
  });

  test("an abort in the middle rejects with its reason", async () => {
    const { files } = await filesOf((response) => {
      response.writeHead(200, { "content-length": "100" }).write("half");
    });
    const controller = new AbortController();
    const reader = (await files.readStream("a", { signal: controller.signal })).getReader();
    expect((await reader.read()).value).toEqual(new TextEncoder().encode("half"));
    controller.abort(new Error("enough"));
    await expect(reader.read()).rejects.toThrow("enough");
  });

  test("a file that is not there", async () => {
    const { files } = await filesOf(refusal("FILE_NOT_FOUND", 404));
    await expect(files.read("a")).rejects.toSatisfy(NotFoundError.isInstance);
  });

  test("a file that may not be read is no matter of tokens", async () => {
    const { files } = await filesOf(refusal("FILE_ACCESS_DENIED", 403));
    const error = await files.read("a").catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "GloveboxError", code: "FILE_ACCESS_DENIED" });
  });
});

describe("writing", () => {
  const written = json({ path: "a", size: 3 }, 201);

  test.each<[string, () => Parameters<Awaited<ReturnType<typeof filesOf>>["files"]["write"]>[1]]>([
    ["a string", () => "abc"],
    ["bytes", () => new TextEncoder().encode("abc")],
    ["a buffer", () => new TextEncoder().encode("abc").buffer as ArrayBuffer],
    ["a Blob", () => new Blob(["abc"])],
    ["a stream", () => new Blob(["abc"]).stream()],
  ])("takes %s", async (_, content) => {
    const { files, seen } = await filesOf(written);
    expect(await files.write("a", content())).toEqual({ path: "a", size: 3 });
    expect(seen[0]).toMatchObject({ method: "PUT", url: "/sessions/s/files/a", body: "abc" });
    expect(seen[0]?.headers["content-type"]).toBe("application/octet-stream");
  });

  test("a stream is never sent twice", async () => {
    const { files, seen } = await filesOf(refusal("QUOTA_EXCEEDED", 429, 1), written);
    const writing = files.write("a", new Blob(["abc"]).stream());
    await expect(writing).rejects.toMatchObject({ code: "QUOTA_EXCEEDED" });
    expect(seen.length).toBe(1);
  });

  test("several at once travel as a form whose names are the paths", async () => {
    const { files, seen } = await filesOf(json({ files: [{ path: "d/a", size: 1 }] }, 201));
    await files.upload({ "d/a": "1", b: new Uint8Array([50]) });
    expect(seen[0]?.headers["content-type"]).toMatch(/^multipart\/form-data; boundary=/);
    expect(seen[0]?.body).toMatch(
      /name="d\/a"; filename="d\/a"[\s\S]*\r\n\r\n1\r\n[\s\S]*name="b"/,
    );
  });
});

describe("folders", () => {
  test("are listed, made, renamed, deleted and packed", async () => {
    const { files, seen } = await filesOf(json({ path: "", entries: [], truncated: false }));
    await files.list("./a//b/", { recursive: true });
    await files.mkdir("a");
    await files.rename("a", "/workspace/b", { overwrite: true });
    await files.delete("b", { recursive: true });
    await files.archive("b", { format: "zip" });
    await files.archive();
    expect(seen.map(({ method, url, body }) => `${method} ${url} ${body}`.trim())).toEqual([
      "GET /sessions/s/files?path=a%2Fb&recursive=true",
      "PUT /sessions/s/files/a?type=directory",
      'PATCH /sessions/s/files/a {"path":"b","overwrite":true}',
      "DELETE /sessions/s/files/b?recursive=true",
      "GET /sessions/s/files/b?archive=zip",
      "GET /sessions/s/files?archive=tar",
    ]);
  });

  test("a watch tells what changes, and ends with its loop", async () => {
    const change = { path: "a", change: "created", type: "file" };
    const { files } = await filesOf(events([{ event: "change", data: change }], "open"));
    for await (const one of await files.watch()) {
      expect(one).toMatchObject({ type: "change", data: change });
      break;
    }
  });

  test("a watch that breaks says so, as changes may be missed", async () => {
    const { files } = await filesOf(events([], "cut"));
    const watching = (async () => {
      for await (const _ of await files.watch());
    })();
    await expect(watching).rejects.toSatisfy(ConnectionError.isInstance);
  });
});
