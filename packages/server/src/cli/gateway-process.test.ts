import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { FREED_MEMORY } from "./gateway-process.js";

/** Large pieces with small ones behind them; the large ones are freed. Prints how many MiB they have left resident. */
const PROGRAM = `
const { memoryUsage } = process;
Buffer.allocUnsafeSlow(30 * 2 ** 20);
gc();
const before = memoryUsage.rss();
const small = [];
(() => {
  const large = [];
  for (let n = 0; n < 200; n++) {
    large.push(Buffer.allocUnsafeSlow(2 ** 20).fill(1));
    small.push(Buffer.allocUnsafeSlow(4096).fill(1));
  }
})();
// Another thread frees them.
setTimeout(() => (gc(), setTimeout(() => {
  console.log(Math.round((memoryUsage.rss() - before) / 2 ** 20), small.length);
}, 300)), 10);
`;

async function left(environment: Readonly<Record<string, string>>): Promise<number> {
  const options = { env: { ...environment } };
  const run = promisify(execFile)(process.execPath, ["--expose-gc", "-e", PROGRAM], options);
  return Number.parseInt((await run).stdout, 10);
}

test("what large pieces held goes back to the system, though small ones behind them are held", async () => {
  expect(await left(FREED_MEMORY)).toBeLessThan(40);
  // Otherwise it would not be needed.
  expect(await left({})).toBeGreaterThan(100);
});
