/**
 * `npm run surface`: measures which system calls a guest of Glovebox reaches, beside containers of
 * Docker and gVisor on the same kernel, and prints one table. Fails where Glovebox misses its bounds,
 * or where what guests were answered contradicts what their filters say.
 */
import { parseArgs } from "node:util";
import { contradictions, missedBounds } from "./bounds.ts";
import { measureGlovebox } from "./glovebox.ts";
import { installPeers, measurePeers } from "./peers.ts";
import { readCallTable } from "./surface.ts";
import { toMarkdown } from "./table.ts";

const USAGE = `npm run surface -- [options]      as root

  --no-peers          measure Glovebox alone
  --peers-dir DIR     where Docker and gVisor are installed, from Debian's packages, if they
                      are not there yet (default /var/cache/glovebox/surface-peers)
  --json              print all that was measured instead of the table`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      "no-peers": { type: "boolean", default: false },
      "peers-dir": { type: "string", default: "/var/cache/glovebox/surface-peers" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const table = readCallTable();
  const glovebox = await measureGlovebox(table);
  if (!values["no-peers"]) installPeers(values["peers-dir"]);
  const peers = values["no-peers"] ? undefined : await measurePeers(values["peers-dir"], table);
  const measured = { table, glovebox, peers };
  console.log(values.json ? JSON.stringify(measured) : toMarkdown(measured));
  const failures = [...missedBounds(glovebox), ...contradictions(measured)];
  for (const failure of failures) console.error(failure);
  if (failures.length > 0) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  process.exitCode = 2;
}
