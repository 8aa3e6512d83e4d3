/** The corpus of attacks as code that a client can send. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestServer } from "./server.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const attackDirectory = join(here, "../attack");

/** Facts that an attacker could find out anyway stand in front of the code as plain constants. */
export function attackCode(
  server: TestServer,
  name: string,
  facts: Readonly<Record<string, unknown>>,
): string {
  const constants = Object.entries({
    FORBIDDEN_PATHS: [server.stateDir, server.rootfsDir, join(here, "../..")],
    GATEWAY_PORT: Number(new URL(server.baseUrl).port),
    ...facts,
  }).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  const prelude = readFileSync(join(attackDirectory, "prelude.py"), "utf8");
  const attack = readFileSync(join(attackDirectory, "corpus", `${name}.py`), "utf8");
  return `${constants.join("\n")}\n${prelude}\n${attack}`;
}
