/**
 * Attacks of another user of the machine on whoever calls the commands there as root: with what lies in
 * the folder that they are called in, and with what lies where they write to.
 */
import {
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { type CommandLine, commandLineOf } from "../support/command-line.ts";
import { type TestServer, uniqueId } from "../support/server.ts";
import type { HttpAttack } from "./http-attacks.ts";

const ATTACKER = 12345;

interface Scene {
  readonly glovebox: CommandLine;
  /** A folder of the attacker's. */
  readonly folder: string;
  /** What has arrived at the attacker's own server. */
  readonly stolen: string[];
  readonly port: number;
}

async function onScene(server: TestServer, attack: (scene: Scene) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "glovebox-theirs-"));
  chownSync(folder, ATTACKER, ATTACKER);
  const stolen: string[] = [];
  const thief = createServer((request, response) => {
    stolen.push(JSON.stringify(request.headers));
    response.writeHead(401).end("{}");
  });
  await new Promise<void>((resolve) => thief.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = thief.address() as AddressInfo;
    await attack({ glovebox: commandLineOf(server), folder, stolen, port });
  } finally {
    thief.closeAllConnections();
    thief.close();
    rmSync(folder, { recursive: true });
  }
}

/** `.env` and the environment name another port, and a token file of root's. */
function plantedDotEnv(server: TestServer): Promise<void> {
  return onScene(server, async ({ glovebox, folder, stolen, port }) => {
    const text = `HOST=127.0.0.1\nPORT=${port}\nAUTH_TOKEN_FILE=/etc/hostname\nAUTH=none\n`;
    writeFileSync(join(folder, ".env"), text);
    const env = { PORT: String(port), HOST: "127.0.0.1", AUTH_TOKEN_FILE: "/etc/hostname" };
    for (const words of [["ps"], ["status"], ["keys", "list"]]) {
      expect(await glovebox.run(words, { cwd: folder, env })).toMatchObject({ status: 0 });
    }
    expect(await glovebox.run(["serve"], { cwd: folder })).toMatchObject({ status: 2 });
    expect(stolen).toEqual([]);
  });
}

/** A state directory of the attacker's says that a server runs there. */
function plantedServer(server: TestServer): Promise<void> {
  return onScene(server, async ({ glovebox, folder, stolen, port }) => {
    const record = { pid: server.pid, url: `http://127.0.0.1:${port}`, auth: "token" };
    writeFileSync(join(folder, "server.pid"), `${server.pid} 1\n`);
    writeFileSync(join(folder, "server.json"), JSON.stringify(record));
    for (const words of [["ps"], ["keys", "list"], ["serve"]]) {
      const { status, stderr } = await glovebox.run(words, { env: { STATE_DIR: folder } });
      expect(status).toBe(2);
      expect(stderr).toContain("another user");
    }
    expect(stolen).toEqual([]);
  });
}

/** The folder that files are saved to leads elsewhere, and holds what must not be replaced. */
function misledFiles(server: TestServer): Promise<void> {
  return onScene(server, async ({ glovebox, folder }) => {
    const session = uniqueId("misled");
    await server.execute({ session_id: session, code: "open('Makefile', 'w').write('x')" });
    const outside = join(folder, "outside");
    mkdirSync(outside);
    symlinkSync(outside, join(folder, "out"));
    const get = ["files", "get", session, "", "--recursive"];
    const save = (...words: string[]) => glovebox.run([...get, ...words], { cwd: folder });
    for (const directory of ["out", "out/deeper"]) {
      expect(await save(directory, "--force")).toMatchObject({ status: 1 });
    }
    expect(readdirSync(outside)).toEqual([]);
    writeFileSync(join(folder, "Makefile"), "theirs");
    const refused = await save();
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/1 of 1 files are here already \(Makefile\).*--force/);
    await server.request(`/sessions/${session}`, { method: "DELETE" });
  });
}

export const commandAttacks: Readonly<Record<string, HttpAttack>> = {
  plantedDotEnv,
  plantedServer,
  misledFiles,
};
