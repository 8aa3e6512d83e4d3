/**
 * `npm run jupyter`: clients of Jupyter's own against the façade. They are many packages, which come from PyPI and npm,
 * so `npm test` leaves them out; what of the protocol it holds is in test/integration/jupyter.test.ts.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pythonWith, runChild } from "../support/python-client.ts";
import { startServer } from "../support/server.ts";

const here = fileURLToPath(new URL(".", import.meta.url));

/** The packages of `npm/package-lock.json`, in a folder of the state directory's cache. */
function nodeModules(): string {
  const lock = readFileSync(join(here, "npm/package-lock.json"));
  const hash = createHash("sha256").update(lock).digest("hex").slice(0, 16);
  const folder = join(process.env["STATE_DIR"] ?? "/var/lib/glovebox", "cache", `jupyter-${hash}`);
  if (!existsSync(folder)) {
    const unfinished = `${folder}.${process.pid}`;
    mkdirSync(unfinished, { recursive: true });
    cpSync(join(here, "npm"), unfinished, { recursive: true });
    const install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    execFileSync("npm", install, { cwd: unfinished, stdio: "inherit" });
    renameSync(unfinished, folder);
  }
  return join(folder, "node_modules");
}

const python = await pythonWith("../../test/jupyter/requirements.txt");
const modules = nodeModules();
const server = await startServer({ env: { FACADES: "jupyter" } });
let failed = 0;
try {
  for (const [name, program, ...args] of [
    ["jupyter_kernel_test", python, "kernel_suite.py"],
    ["nbclient", python, "notebooks.py", "nbclient"],
    ["papermill", python, "notebooks.py", "papermill"],
    ["@jupyterlab/services", process.execPath, "services.mjs"],
  ] as const) {
    const env = {
      ...{ GLOVEBOX_URL: server.baseUrl, GLOVEBOX_TOKEN: server.token },
      ...{ NODE_MODULES: modules, IPYTHONDIR: "/tmp", JUPYTER_PLATFORM_DIRS: "1" },
    };
    const { status, output } = await runChild(program, args, env, here);
    if (status !== 0) failed++;
    const ran = /^Ran \d+ tests?.*$/m.exec(output)?.[0] ?? "";
    console.log(status === 0 ? `${name}: passed ${ran}` : `${output}\nFAILED ${name}`);
  }
} finally {
  await server.stop();
}
process.exitCode = failed === 0 ? 0 : 1;
