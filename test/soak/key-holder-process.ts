/**
 * Clients with keys of small quotas, in a process of their own: what they cost is asked of the service, and not of
 * whoever measures. Argument: a `HostileTask` as JSON. Goes on until its input ends. Prints a line for
 * each attack, which is empty or says what was wrong.
 */
import { setPriority } from "node:os";
import { Random } from "../fuzz/random.ts";
import type { HostileTask } from "./hostile-clients.ts";
import { abuseOnce } from "./key-holders.ts";

/** They have machines of their own, but for this test. */
const NICENESS = 10;

const { baseUrl, holders } = JSON.parse(process.argv[2] ?? "") as HostileTask;
setPriority(NICENESS);
let isOver = false;
process.stdin.on("end", () => (isOver = true)).resume();

async function abuse(secret: string, random: Random): Promise<void> {
  while (!isOver) {
    let fault = "";
    try {
      await abuseOnce({ server: { baseUrl }, secret, random });
    } catch (error) {
      fault = (error as Error).message.replaceAll("\n", " ");
    }
    process.stdout.write(`${fault}\n`);
  }
}

await Promise.all(holders.map(({ secret, seed }) => abuse(secret, new Random(seed))));
