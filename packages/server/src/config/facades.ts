/** Protocols of other products in front of the same sessions. Each is off until it is named. */

import { ConfigError } from "./config-error.js";

export const FACADES = ["jupyter"] as const;
export type Facade = (typeof FACADES)[number];

/** @throws ConfigError */
export function readFacades(list: string): ReadonlySet<Facade> {
  const named = list.split(",").map((name) => name.trim());
  const facades = named.filter((name) => name !== "").map(readFacade);
  return new Set(facades);
}

function readFacade(name: string): Facade {
  const known = FACADES.find((facade) => facade === name);
  if (known !== undefined) return known;
  throw new ConfigError(`FACADES knows ${FACADES.join(", ")}, and has "${name}"`);
}
