/** Runs programs by the sandboxes' own Python in their own tree, without a sandbox and without a network. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Outcome } from "./outcome.ts";
import { type Cell, cellsToRun, fileNameOf, type Program } from "./programs.ts";

const RUNNER = readFileSync(fileURLToPath(new URL("outside.py", import.meta.url)), "utf8");
/** Private mounts: the tree stays as it is, and all of this is gone with the last process. */
const SCRIPT = `
set -eu
tree=$1 work=$2
mount --bind "$tree" "$tree"
mount -o remount,bind,ro "$tree"
mount -t proc proc "$tree/proc"
mount -t tmpfs -o mode=1777,size=512m tmpfs "$tree/tmp"
mount -t tmpfs -o mode=755,size=64k tmpfs "$tree/dev"
mkdir "$tree/dev/shm" && mount -t tmpfs -o mode=1777,size=64m tmpfs "$tree/dev/shm"
for node in null zero full random urandom; do
  : > "$tree/dev/$node"
  mount --bind "/dev/$node" "$tree/dev/$node"
done
mount --bind "$work" "$tree/workspace"
ip link set lo up 2>/dev/null || true
cd /
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/tmp TERM=dumb OPENBLAS_NUM_THREADS=1 \\
  PYTHONDONTWRITEBYTECODE=1 chroot "$tree" sh -c 'cd /workspace && exec python3 -c "$1"' sh "$3"
`;

export async function runOutside(
  program: Program,
  { rootfsDir, timeoutMs }: { readonly rootfsDir: string; readonly timeoutMs: number },
): Promise<Outcome> {
  const work = mkdtempSync(join(tmpdir(), "glovebox-corpus-"));
  try {
    for (const { path, content } of program.files) {
      mkdirSync(join(work, dirname(path)), { recursive: true });
      writeFileSync(join(work, path), content);
    }
    return await run(
      cellsToRun(program),
      argvOf(program),
      join(rootfsDir, "current"),
      work,
      timeoutMs,
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** As for a script of its name; a notebook has none. */
export function argvOf(program: Program): string[] | undefined {
  return program.kind === "script" ? [fileNameOf(program)] : undefined;
}

function run(
  cells: readonly Cell[],
  argv: readonly string[] | undefined,
  tree: string,
  work: string,
  timeoutMs: number,
): Promise<Outcome> {
  const namespaces = ["--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc"];
  const child = spawn(
    "unshare",
    [...namespaces, "sh", "-c", SCRIPT, "corpus", tree, work, RUNNER],
    {
      stdio: ["pipe", "pipe", "pipe"],
      timeout: timeoutMs,
      killSignal: "SIGKILL",
    },
  );
  let [answer, told] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    answer += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    told = `${told}${text}`.slice(-2000);
  });
  child.stdin.on("error", () => undefined).end(JSON.stringify({ cells, argv }));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (code === 0) {
        const { error, stdout, pictures } = JSON.parse(answer) as Omit<Outcome, "end">;
        resolve({ end: error === null ? "ok" : "error", error, stdout, pictures });
        return;
      }
      const error = { name: `ended by ${signal ?? code}`, message: told.slice(-300) };
      resolve({ end: signal === "SIGKILL" ? "time" : "error", error, stdout: "", pictures: 0 });
    });
  });
}
