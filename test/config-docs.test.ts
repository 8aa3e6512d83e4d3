/** The tables of docs/config.md are the rows by which the configuration is read. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  clientVariables,
  configVariables,
  type Variable,
  variableGroups,
} from "../packages/server/src/config/variables.ts";
import { expectPrinted, printTable } from "./support/printed.ts";

const variables: readonly Variable[] = [...configVariables, ...clientVariables];

function accepted(variable: Variable): string {
  switch (variable.kind) {
    case "text":
      return variable.accepted;
    case "number": {
      const { low, high, fractions, orZero } = variable;
      const range = `${orZero ? "0, or " : ""}${low} to ${high}`;
      return variable.accepted ?? `${range}${fractions ? ", fractions allowed" : ""}`;
    }
    default:
      return variable.choices.map((choice) => `\`${choice}\``).join(", ");
  }
}

function row(variable: Variable): string[] {
  const isSecret = variable.kind === "text" && variable.secret;
  return [
    `\`${variable.name}\``,
    variable.default === "" ? "empty" : `\`${variable.default}\``,
    `${variable.meaning}${isSecret ? " Secret." : ""}`,
    accepted(variable),
  ];
}

describe.each(variableGroups)("the group %s", (group) => {
  test("is printed in docs/config.md", () => {
    const rows = variables.filter((variable) => variable.group === group).map(row);
    expect(rows.length).toBeGreaterThan(0);
    const table = printTable([["variable", "default", "meaning", "accepted"], ...rows]);
    expectPrinted("docs/config.md", `variables: ${group}`, table);
  });
});

test("docs/config.md has no other table of variables", () => {
  const page = readFileSync(new URL("../docs/config.md", import.meta.url), "utf8");
  const named = [...page.matchAll(/^\| `([A-Z][A-Z0-9_]*)`/gm)].map((match) => match[1]);
  expect(named.sort()).toEqual(variables.map(({ name }) => name).sort());
});

test("defaults lie within what is accepted, and keys are used once", () => {
  const keys = variables.flatMap((variable) => ("key" in variable ? [variable.key] : []));
  expect(new Set(keys).size).toBe(keys.length);
  for (const variable of variables) {
    if (variable.kind === "number") {
      expect(Number(variable.default), variable.name).toBeGreaterThanOrEqual(variable.low);
      expect(Number(variable.default), variable.name).toBeLessThanOrEqual(variable.high);
    } else if (variable.kind !== "text") {
      expect(variable.choices, variable.name).toContain(variable.default);
    }
  }
});
