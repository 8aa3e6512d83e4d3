/** Variables of the environment that somebody has set for us, as it seems, and that mean nothing to us. */

import { nearestOf } from "./nearest.js";
import { clientVariables, configVariables } from "./variables.js";

/** Known from products of the same kind. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  ENABLE_NETWORKING: "sandboxes have no network",
  MAX_MEMORY: "the memory limit is MAX_MEMORY_MB",
  MEMORY_LIMIT: "the memory limit is MAX_MEMORY_MB",
  MAX_TIMEOUT: "the longest run is MAX_EXECUTION_TIME",
  EXECUTION_TIMEOUT: "the longest run is MAX_EXECUTION_TIME",
};
/** Shorter names are too common to be told from those of others. */
const CHARACTERS_MIN = 6;

/** A sentence for each, which names the variable and not its value. */
export function tellUnknownVariables(environment: Readonly<NodeJS.ProcessEnv>): string[] {
  const known = [...configVariables, ...clientVariables].map(({ name }) => name as string);
  return Object.keys(environment).flatMap((name) => {
    if (known.includes(name) || name.length < CHARACTERS_MIN) return [];
    const own = Object.hasOwn(ELSEWHERE, name) ? ELSEWHERE[name] : undefined;
    const meant = own ?? meantBy(name, known);
    return meant === undefined ? [] : [`${name} is set and has no effect: ${meant}`];
  });
}

function meantBy(name: string, known: readonly string[]): string | undefined {
  const nearest = nearestOf(name, known) ?? known.find((one) => one.startsWith(`${name}_`));
  return nearest === undefined ? undefined : `is ${nearest} meant?`;
}
