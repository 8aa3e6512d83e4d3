/** What a kernel says of itself. */

import type { Visit } from "../../../desk/visit.js";
import { PROTOCOL_VERSION } from "../wire/message.js";
import type { AskedKernel } from "./asked-kernel.js";

const VERSION_SCRIPT = "import sys\ndef main(content):\n    return sys.version.split()[0]\n";
const VERSION_CHARACTERS_MAX = 32;

/** A guest may say anything, so no kernel's answer is told of another. */
const versions = new WeakMap<AskedKernel, string>();

export async function kernelInfo(kernel: AskedKernel, visit: Visit): Promise<object> {
  const asked = versions.get(kernel) ?? (await askVersion(kernel, visit).catch(() => undefined));
  if (asked !== undefined) versions.set(kernel, asked);
  const version = asked ?? "3";
  return {
    protocol_version: PROTOCOL_VERSION,
    implementation: "glovebox",
    implementation_version: version,
    language_info: {
      name: "python",
      version,
      mimetype: "text/x-python",
      file_extension: ".py",
      pygments_lexer: "ipython3",
      codemirror_mode: { name: "ipython", version: 3 },
      nbconvert_exporter: "python",
    },
    banner: `Python ${version} in a sandbox of Glovebox: no network, and files in /workspace.`,
    debugger: false,
    help_links: [],
    supported_features: [],
  };
}

async function askVersion(
  { desk, sessionId }: AskedKernel,
  visit: Visit,
): Promise<string | undefined> {
  const content = { source: VERSION_SCRIPT, content: {}, apart: false };
  const reply = await desk.session(visit, sessionId).ask({ name: "script", content });
  const answer = reply?.answer;
  if (typeof answer !== "string" || answer.length > VERSION_CHARACTERS_MAX) return undefined;
  return /^3\.[0-9]{1,3}\.[0-9]{1,3}$/.test(answer) ? answer : undefined;
}
