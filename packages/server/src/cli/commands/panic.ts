/** `glovebox panic` and `glovebox resume`. */

import { parseArgs } from "node:util";
import { printJson } from "../json-output.js";
import { printable } from "../terminal/escape-filter.js";
import { COMMON_HELP, COMMON_OPTIONS, type Command, connectWith, parsing } from "./command.js";

const PANIC_HELP = `Usage: glovebox panic [--reason TEXT] [--json]

Freeze and kill every sandbox, count them, and refuse new work until \`glovebox resume\`, also
over a restart. For admins. Ends with 1 where not everything could be seen to be gone.

  --reason TEXT      kept, and shown by \`glovebox status\`
${COMMON_HELP}`;

const RESUME_HELP = `Usage: glovebox resume [--json]

Try every protection on a fresh sandbox, and let work in again when all hold. For admins.
${COMMON_HELP}`;

async function startPanic(args: readonly string[]): Promise<number> {
  const options = { ...COMMON_OPTIONS, reason: { type: "string" } } as const;
  const { values } = parsing(() => parseArgs({ args: [...args], options }));
  const { client } = connectWith(values);
  const { reason } = values;
  const answer = await client.admin.panic(reason === undefined ? {} : { reason });
  if (values.json) printJson(answer);
  else {
    const count = (number: number | null, what: string) =>
      `${number ?? "an unknown number of"} ${what}`;
    process.stdout.write(
      `killed ${count(answer.sandboxes, "sandboxes")} with ${count(answer.processes, "processes")} in ${answer.total_ms} ms; ${answer.sessions} sessions have ended\n`,
    );
    if (!answer.verified) {
      process.stderr.write(
        `glovebox panic: not everything is gone: ${printable(answer.problem ?? "the reason is unknown")}\n`,
      );
    }
    process.stderr.write("New work is refused until `glovebox resume`.\n");
  }
  return answer.verified ? 0 : 1;
}

async function endPanic(args: readonly string[]): Promise<number> {
  const { values } = parsing(() => parseArgs({ args: [...args], options: COMMON_OPTIONS }));
  const answer = await connectWith(values).client.admin.resume();
  if (values.json) printJson(answer);
  else {
    process.stdout.write(
      answer.was_panicked
        ? `work is let in again; it was refused since ${printable(answer.panicked_since ?? "")}\n`
        : "there was no panic; work is let in\n",
    );
  }
  return 0;
}

export const panic: Command = { help: PANIC_HELP, run: startPanic };
export const resume: Command = { help: RESUME_HELP, run: endPanic };
