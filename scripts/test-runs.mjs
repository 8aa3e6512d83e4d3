/** Which runs `npm test` consists of, and what their outcomes come to. */

const PROJECTS = new Map(
  Object.entries({
    all: [],
    attack: ["--project", "attack"],
    integration: ["--project", "integration-*"],
    long: ["--project", "long"],
    unit: ["--project", "unit"],
  }),
);

/**
 * @param {string | undefined} name as in `npm test -- NAME`
 * @returns {{projects: string[], withGuest: boolean} | undefined} undefined where nothing is called so
 */
export function projectArguments(name) {
  const projects = name === undefined ? ["--project", "!long"] : PROJECTS.get(name);
  if (projects === undefined) return undefined;
  return { projects, withGuest: [undefined, "all", "unit"].includes(name) };
}

/**
 * Reads the closing lines of Python's unittest. Several failures in the parts of one test count as
 * one each, so no more are subtracted than there were tests.
 */
export function guestCounts(output) {
  const number = (pattern) => Number(pattern.exec(output)?.[1] ?? 0);
  const ran = number(/^Ran (\d+) tests? in /m);
  const failed = number(/^FAILED \(.*?failures=(\d+)/m) + number(/^FAILED \(.*?errors=(\d+)/m);
  return { passed: Math.max(0, ran - failed), failed };
}

/** A runner that failed without a failed test (it found none, or died) counts as one failure. */
export function sumUp(results) {
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  const failed = results.reduce(
    (sum, { status, failed }) => sum + (status !== 0 && failed === 0 ? 1 : failed),
    0,
  );
  return { passed, failed };
}
