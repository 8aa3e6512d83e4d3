import { parseArgs } from "node:util";

export type Scenario = "a" | "b" | "c" | "d" | "s" | "i" | "f" | "g" | "j" | "m";
const SCENARIOS: readonly Scenario[] = ["a", "b", "c", "d", "s", "i", "f", "g", "j", "m"];

export interface Options {
  quick: boolean;
  withPeers: boolean;
  only: ReadonlySet<Scenario>;
  jsonFile: string | null;
}

export const USAGE = `npm run bench -- [options]
  --quick       few rounds, under a minute
  --only a,b    these scenarios only: a load, b new session, c plot, d memory,
                s streams, i interaction, f files,
                g generation by a scripted model, j by Jupyter's interface, m many sessions alive
  --no-peers    leave jupyter-server out, and install nothing; the bare Fastify route stays
  --json FILE   write every figure to FILE as well
  --help        print this`;

/** Throws with a message for the operator; null asks for the usage text. */
export function readOptions(args: string[]): Options | null {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string" },
      "no-peers": { type: "boolean", default: false },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  return {
    quick: values.quick,
    withPeers: !values["no-peers"],
    only: new Set(values.only === undefined ? SCENARIOS : readScenarios(values.only)),
    jsonFile: values.json ?? null,
  };
}

function readScenarios(list: string): Scenario[] {
  return list.split(",").map((name) => {
    const scenario = SCENARIOS.find((known) => known === name.trim());
    if (!scenario) throw new Error(`--only knows ${SCENARIOS.join(", ")}, not "${name}".`);
    return scenario;
  });
}
