/** Reads the variables that are numbers, choices and switches, by their rows. */

import { ConfigError } from "./config-error.js";
import { type ConfigVariable, configVariables, type Variable } from "./variables.js";

type Row<Kind extends Variable["kind"]> = Extract<ConfigVariable, { kind: Kind }>;

/** What a row's key stands for, in the unit that the key names. */
export type Settings = { readonly [R in Row<"number"> as R["key"]]: number } & {
  readonly [R in Row<"choice"> as R["key"]]: R["choices"][number];
} & { readonly [R in Row<"switch"> as R["key"]]: boolean };

/** @throws ConfigError naming the variable and what it accepts */
export function readSettings(values: Readonly<Record<string, string>>): Settings {
  const settings: Record<string, number | string | boolean> = {};
  for (const variable of configVariables) {
    if (variable.kind === "text") continue;
    settings[variable.key] = readOne(variable, values[variable.name] ?? variable.default);
  }
  return settings as Settings;
}

function readOne(
  variable: Exclude<Variable, { kind: "text" }>,
  text: string,
): number | string | boolean {
  if (variable.kind === "number") {
    const { low, high, fractions, orZero, times = 1 } = variable;
    const value = Number(text);
    const isWhole = value % 1 === 0;
    const isInRange = value >= low && value <= high && (isWhole || fractions);
    if (isInRange || (orZero && value === 0)) return value * times;
    const kind = `${orZero ? "0, or " : ""}${fractions ? "a number" : "a whole number"}`;
    throw new ConfigError(
      `${variable.name} must be ${kind} from ${low} to ${high}, and is "${text}"`,
    );
  }
  const { name, kind, choices } = variable;
  if (!choices.includes(text)) {
    throw new ConfigError(`${name} must be one of ${choices.join(", ")}, and is "${text}"`);
  }
  return kind === "switch" ? text === choices[0] : text;
}
