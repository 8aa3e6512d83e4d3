/** Ports for servers of suites that run side by side. */
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** Below the ports that the kernel gives to clients, which come and go by the hundred meanwhile. */
const LOWEST = 10_000;
const HIGHEST = 32_000;

/** A port that nobody listens at, chosen so that two who ask at once hardly get the same. */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST);
    const probe = createServer();
    try {
      await once(probe.listen(port, "127.0.0.1"), "listening");
    } catch {
      continue;
    }
    probe.close();
    await once(probe, "close");
    return port;
  }
}
