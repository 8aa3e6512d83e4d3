/** `npm start`: set-up, then the server in the foreground until a signal ends it. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import { repositoryDir } from "./settings.mjs";
import { runMain, setUp } from "./setup.mjs";

const REPEAT_WINDOW_MS = 500;

await runMain(async () => {
  await setUp();
  return serve();
});

/**
 * The server gets a session of its own, so a Ctrl-C at the terminal reaches it once, through here,
 * and not a second time from the terminal. If this process is killed the hard way, the kernel asks
 * the server to stop, so that no server is left behind that nobody watches.
 */
function serve() {
  const entry = join(repositoryDir, "packages/server/bin/glovebox.mjs");
  const command = ["--pdeathsig", "TERM", "--", process.execPath, entry, "serve"];
  const server = spawn("setpriv", command, { stdio: "inherit", detached: true });
  forwardSignals(server);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("exit", (status, signal) => resolve(status ?? 128 + constants.signals[signal]));
  });
}

/** npm passes a signal on that the terminal has already sent to the group: that counts as one. */
function forwardSignals(server) {
  const lastSentAt = new Map();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      const now = Date.now();
      if (now - (lastSentAt.get(signal) ?? 0) < REPEAT_WINDOW_MS) return;
      lastSentAt.set(signal, now);
      server.kill(signal === "SIGHUP" ? "SIGTERM" : signal);
    });
  }
}
