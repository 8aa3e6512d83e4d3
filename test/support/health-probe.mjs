/**
 * Asks /health again and again, in a process of its own, so that nothing else that a suite does delays the
 * measurement. Prints the milliseconds of each answer, -1 for none. Arguments: URL, pause in ms.
 */
import { Agent, get } from "node:http";
import { setPriority } from "node:os";

const [url, pauseMs] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const TIMEOUT_MS = 10_000;
setPriority(-15);

function ask() {
  const start = performance.now();
  let told = false;
  const tell = (ms) => {
    if (told) return;
    told = true;
    process.stdout.write(`${ms.toFixed(1)}\n`);
    setTimeout(ask, Number(pauseMs));
  };
  const request = get(url, { agent, timeout: TIMEOUT_MS }, (response) => {
    response.resume();
    response.on("end", () => tell(response.statusCode === 200 ? performance.now() - start : -1));
    response.on("error", () => tell(-1));
  });
  request.on("timeout", () => request.destroy());
  request.on("error", () => tell(-1));
}

process.stdin.on("end", () => process.exit(0)).resume();
ask();
