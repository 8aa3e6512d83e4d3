/** The surface of Glovebox's own sandboxes: of every process of a live one, from outside and inside. */
import { join } from "node:path";
import { isSandboxProcess } from "../support/host.ts";
import { startServer, type TestServer, uniqueId } from "../support/server.ts";
import {
  type CallTable,
  type LiveAnswers,
  liveProbe,
  parseLiveAnswers,
  readPrograms,
  type Surface,
  surfaceOf,
} from "./surface.ts";

const PROBE_SECONDS = 120;

export interface GloveboxMeasurement {
  /** One for each process of the sandboxes: wardens, kernels, and a child of user code. */
  readonly surfaces: readonly Surface[];
  readonly live: LiveAnswers;
}

export async function measureGlovebox(table: CallTable): Promise<GloveboxMeasurement> {
  const server = await startServer({
    env: { POOL_SIZE: "0", MAX_EXECUTION_TIME: String(PROBE_SECONDS) },
  });
  try {
    const session_id = uniqueId("surface");
    await server.execute({
      session_id,
      code: "import subprocess, sys\nchild = subprocess.Popen(['sleep', '600'])",
    });
    const surfaces = measureProcesses(server, table);
    const live = await tryFromInside(server, session_id, table);
    await server.request(`/sessions/${session_id}`, { method: "DELETE" });
    return { surfaces, live };
  } finally {
    await server.stop();
  }
}

function measureProcesses(server: TestServer, table: CallTable): Surface[] {
  const members = server.processes().filter(isSandboxProcess);
  if (members.length < 3) {
    throw new Error(`a sandbox with ${members.length} processes instead of warden, kernel, child`);
  }
  const tree = join(server.rootfsDir, "current");
  return members.map(({ pid }) => surfaceOf(readPrograms(pid, tree), table));
}

/** In a fresh interpreter, because the probe forks for each call and the kernel's memory is large. */
async function tryFromInside(
  server: TestServer,
  session_id: string,
  table: CallTable,
): Promise<LiveAnswers> {
  const probe = JSON.stringify(liveProbe(table));
  const answer = await server.execute({
    session_id,
    timeout: PROBE_SECONDS,
    code:
      "run = subprocess.run([sys.executable, '-I', '-'], text=True, capture_output=True, " +
      `input=${probe})\nprint(run.stdout, run.stderr)`,
  });
  return parseLiveAnswers(answer.stdout);
}
