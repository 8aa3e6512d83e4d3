/**
 * Starts a server with the Node.js that runs this, has it execute code, and stops it: what
 * `npm run test:nodes` does on each newer Node.js. Fails unless the exit is clean and nothing is left.
 */
import assert from "node:assert/strict";
import { startServer } from "../support/server.ts";

const server = await startServer();
try {
  const { status, stdout } = await server.execute({ code: "print(6 * 7)" });
  assert.deepEqual({ status, stdout }, { status: "ok", stdout: "42\n" });
  await server.stop();
} finally {
  await server.end("SIGTERM");
}
console.log(`smoke test passed on Node.js ${process.version}`);
