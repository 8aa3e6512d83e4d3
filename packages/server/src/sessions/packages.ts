/**
 * Packages from the folder of wheels: runs guest/_glovebox/probes/installer.py in a sandbox, where pip has no more
 * rights than any code. What it answers is the guest's word, and only its own session relies on it.
 */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { WHEELS_MOUNT } from "../config/data-mounts.js";
import type { Config } from "../config.js";
import { ServiceError } from "../errors.js";
import type { ExecutionRequest } from "./execution-request.js";
import type { ExecutionOutcome } from "./outcome.js";

/** Read while the process is still root: its user may have no way into the source's directory. */
const SOURCE = readFileSync(
  fileURLToPath(new URL("../../guest/_glovebox/probes/installer.py", import.meta.url)),
  "utf8",
);
const PLACEHOLDER = "PACKAGES = []";
const ANSWER_BYTES_MAX = 100_000;
const MESSAGE_CHARACTERS_MAX = 2000;
/** A name, extras and versions: neither an option of pip's, nor an address, nor a path. */
const REQUIREMENT =
  /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:\[[A-Za-z0-9._, -]*\])?\s*(?:(?:===?|[~!]=|[<>]=?)\s*[A-Za-z0-9.*+!_-]+\s*(?:,\s*(?=[=~!<>])|$))*$/;

const Answer = Type.Object({
  ok: Type.Boolean(),
  installed: Type.Array(
    Type.Object({
      name: Type.String({ maxLength: 200 }),
      version: Type.String({ maxLength: 200 }),
    }),
    { maxItems: 1000 },
  ),
  output: Type.String(),
});
const answer = Compile(Answer);

export interface Installation {
  readonly installed: readonly { readonly name: string; readonly version: string }[];
  /** The end of what pip said. */
  readonly output: string;
}

/** @throws ServiceError PACKAGES_UNAVAILABLE, INVALID_REQUEST */
export function checkPackages(packages: readonly string[], config: Config): void {
  if (packages.length === 0) return;
  if (!config.mounts.some(({ name }) => name === WHEELS_MOUNT)) {
    throw new ServiceError("PACKAGES_UNAVAILABLE");
  }
  const wrong = packages.find((one) => !REQUIREMENT.test(one));
  if (wrong === undefined) return;
  throw new ServiceError(
    "INVALID_REQUEST",
    `packages: "${wrong}" is not a name with versions, such as "attrs" or "attrs>=24,<26"`,
  );
}

/** The quiet execution that installs them. */
export function installRequest(packages: readonly string[], config: Config): ExecutionRequest {
  return {
    code: SOURCE.replace(PLACEHOLDER, () => `PACKAGES = ${JSON.stringify(packages)}`),
    timeoutMs: config.executionTimeMsMax,
    outputBytesMax: ANSWER_BYTES_MAX,
    allowInput: false,
    quiet: true,
  };
}

/** @throws ServiceError PACKAGE_INSTALL_FAILED with pip's own words */
export function readInstallation(outcome: ExecutionOutcome): Installation {
  if (outcome.status !== "ok") {
    const why = outcome.error?.evalue ?? "it was interrupted";
    throw new ServiceError(
      "PACKAGE_INSTALL_FAILED",
      `Installing ended with ${outcome.status}: ${why}`.slice(0, MESSAGE_CHARACTERS_MAX),
      outcome.error?.hint ? { hint: outcome.error.hint } : {},
    );
  }
  const found = parse(outcome.stdout);
  if (!found.ok) {
    throw new ServiceError(
      "PACKAGE_INSTALL_FAILED",
      `pip could not install them: ${found.output.trim().slice(-MESSAGE_CHARACTERS_MAX)}`,
    );
  }
  return { installed: found.installed, output: found.output };
}

function parse(text: string): Type.Static<typeof Answer> {
  try {
    const value: unknown = JSON.parse(text.slice(text.indexOf("{")));
    if (answer.Check(value)) return value;
  } catch {
    // Told below: it is as wrong as any other text.
  }
  throw new ServiceError(
    "PACKAGE_INSTALL_FAILED",
    "The session's interpreter is too changed by its own code to install anything.",
    { hint: "Reset the session and install before other code runs." },
  );
}
