/** JupyterLab's own client library against this server. Its packages lie where NODE_MODULES says. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const { NODE_MODULES, GLOVEBOX_URL, GLOVEBOX_TOKEN } = process.env;
const require = createRequire(`${NODE_MODULES}/x.js`);
const { KernelManager, KernelSpecManager, ServerConnection, SessionManager, ContentsManager } =
  require("@jupyterlab/services");
const { WebSocket } = require("ws");

const serverSettings = ServerConnection.makeSettings({
  ...{ baseUrl: `${GLOVEBOX_URL}/`, wsUrl: `${GLOVEBOX_URL.replace("http", "ws")}/` },
  ...{ token: GLOVEBOX_TOKEN, appendToken: true, WebSocket, fetch },
});

async function run(kernel, code, options = {}) {
  const future = kernel.requestExecute({ code, ...options });
  const outputs = [];
  future.onIOPub = ({ header, content }) => outputs.push({ type: header.msg_type, content });
  const { content } = await future.done;
  return { reply: content, outputs };
}

async function kernels() {
  const specs = new KernelSpecManager({ serverSettings });
  await specs.ready;
  assert.equal(specs.specs.default, "python3");
  const manager = new KernelManager({ serverSettings });
  await manager.ready;
  const kernel = await manager.startNew({ name: "python3" });
  const info = await kernel.info;
  assert.equal(info.language_info.name, "python");
  const { reply, outputs } = await run(kernel, "a = 6\nprint('x')\na * 7");
  assert.equal(reply.status, "ok");
  assert.deepEqual(
    outputs.map(({ type }) => type),
    ["status", "execute_input", "stream", "execute_result", "status"],
  );
  const { content: completed } = await kernel.requestComplete({ code: "prin", cursor_pos: 4 });
  assert.ok(completed.matches.includes("print"));
  const asking = kernel.requestExecute({ code: "print(input('? '))", allow_stdin: true });
  const heard = [];
  asking.onStdin = () => kernel.sendInputReply({ value: "yes", status: "ok" });
  asking.onIOPub = ({ content }) => heard.push(content.text ?? "");
  await asking.done;
  assert.ok(heard.join("").includes("yes"));
  const sleeping = run(kernel, "import time; time.sleep(10)");
  setTimeout(() => void kernel.interrupt(), 300);
  assert.equal((await sleeping).reply.ename, "KeyboardInterrupt");
  await kernel.restart();
  assert.equal((await run(kernel, "a")).reply.ename, "NameError");
  await kernel.shutdown();
  manager.dispose();
  specs.dispose();
}

async function sessions() {
  const kernelManager = new KernelManager({ serverSettings });
  const manager = new SessionManager({ serverSettings, kernelManager });
  await manager.ready;
  const wanted = { path: "n.ipynb", type: "notebook", name: "n", kernel: { name: "python3" } };
  const session = await manager.startNew(wanted);
  assert.equal((await run(session.kernel, "1 + 1")).reply.status, "ok");
  await session.setPath("m.ipynb");
  assert.equal((await manager.findByPath("m.ipynb"))?.id, session.id);
  await session.shutdown();
  manager.dispose();
  kernelManager.dispose();
}

async function contents() {
  const manager = new ContentsManager({ serverSettings });
  const notebook = { cells: [], metadata: {}, nbformat: 4, nbformat_minor: 5 };
  const folder = await manager.newUntitled({ type: "directory", path: "" });
  const made = await manager.newUntitled({ type: "notebook", path: folder.path });
  await manager.save(made.path, { type: "notebook", format: "json", content: notebook });
  const checkpoint = await manager.createCheckpoint(made.path);
  await manager.save(made.path, {
    type: "notebook",
    format: "json",
    content: { ...notebook, metadata: { x: 1 } },
  });
  assert.equal((await manager.get(made.path)).content.metadata.x, 1);
  await manager.restoreCheckpoint(made.path, checkpoint.id);
  assert.equal((await manager.get(made.path)).content.metadata.x, undefined);
  const moved = await manager.rename(made.path, `${folder.path}/moved.ipynb`);
  assert.equal(moved.name, "moved.ipynb");
  const bytes = Buffer.from([0, 255, 1]).toString("base64");
  await manager.save(`${folder.path}/b.bin`, { type: "file", format: "base64", content: bytes });
  assert.equal(
    (await manager.get(`${folder.path}/b.bin`, { content: true, format: "base64" })).content.trim(),
    bytes,
  );
  const copy = await manager.copy(moved.path, folder.path);
  const names = (await manager.get(folder.path)).content.map(({ name }) => name).sort();
  assert.deepEqual(names, ["b.bin", "moved.ipynb", copy.name].sort());
  await manager.delete(copy.path);
  manager.dispose();
}

const parts = { kernels, sessions, contents };
for (const name of process.argv.slice(2)) {
  await parts[name]();
  console.log(`@jupyterlab/services, ${name}: ok`);
}
process.exit(0);
