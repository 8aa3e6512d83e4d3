import { expect, test } from "vitest";
import { warnOfOpenFiles } from "./open-files.js";

const limits = (hard: string) =>
  `Limit                     Soft Limit           Hard Limit           Units     \nMax processes             100                  100                  processes \nMax open files            64                   ${hard.padEnd(20)} files     \n`;

test("a hard limit below what all sandboxes need is told, with what to do", () => {
  const config = { sessionsMax: 1000, poolSize: 24 };
  expect(warnOfOpenFiles(config, limits("5247"))).toMatch(
    /limit of open files is 5247, .* 1023 sandboxes; .* ask for 1024\. Raise it to 5248 .*or lower MAX_SESSIONS\.\n$/,
  );
  expect(warnOfOpenFiles(config, limits("5248"))).toBe("");
  expect(warnOfOpenFiles(config, limits("unlimited"))).toBe("");
  expect(warnOfOpenFiles(config, limits("100"))).toContain("enough for 0 sandboxes");
});

test("this machine's own limits are read", () => {
  expect(warnOfOpenFiles({ sessionsMax: 1, poolSize: 0 })).toBe("");
  expect(warnOfOpenFiles({ sessionsMax: 1e9, poolSize: 0 })).toMatch(/ask for 1000000000/);
});
