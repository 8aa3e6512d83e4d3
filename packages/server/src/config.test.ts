import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import {
  askDirectly,
  ConfigError,
  configVariables,
  loadClientConfig,
  loadConfig,
} from "./config.js";

const directory = mkdtempSync(join(tmpdir(), "config-test-"));
afterAll(() => rmSync(directory, { recursive: true }));
const noDotEnv = join(directory, "none");
const token = "0123456789abcdef-secret";

function load(environment: Record<string, string>) {
  return loadConfig(environment, noDotEnv);
}

function loadDotEnv(text: string, environment: Record<string, string> = {}) {
  const path = join(directory, ".env");
  writeFileSync(path, text);
  return loadConfig(environment, path);
}

function messageOf(environment: Record<string, string>): string {
  try {
    load(environment);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error("the configuration was accepted");
}

describe("defaults", () => {
  test("are safe and complete", () => {
    expect(load({})).toMatchObject({
      host: "127.0.0.1",
      port: 8000,
      auth: "token",
      token: undefined,
      tokenFile: "/var/lib/glovebox/admin-token",
      stateDir: "/var/lib/glovebox",
      rootfsDir: "/var/lib/glovebox/rootfs",
      executionTimeMsMax: 30_000,
      memoryBytesMax: 512 * 2 ** 20,
      cpuCoresMax: 0.5,
      processesMax: 50,
      openFilesMax: 1024,
      workspaceBytesMax: 100 * 2 ** 20,
      outputBytesMax: 1_000_000,
      poolSize: 8,
      logLevel: "info",
    });
  });

  test("a watchdog waits for what comes every second, or is off", () => {
    expect(load({}).watchdogMs).toBe(10_000);
    expect(load({ WATCHDOG_TIMEOUT: "0" }).watchdogMs).toBe(0);
    expect(load({ WATCHDOG_TIMEOUT: "3.5" }).watchdogMs).toBe(3500);
    for (const value of ["2.9", "-1", "3601", "x"]) {
      expect(messageOf({ WATCHDOG_TIMEOUT: value })).toContain("WATCHDOG_TIMEOUT");
    }
  });

  test("hold for variables that are set to nothing", () => {
    expect(load({ PORT: "", AUTH_TOKEN: "", ROOTFS_DIR: "" })).toEqual(load({}));
  });

  test("the configuration cannot be changed later", () => {
    const config = load({});
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.effective)).toBe(true);
  });

  test("files lie below STATE_DIR unless they are placed elsewhere", () => {
    const config = load({ STATE_DIR: "/srv/state" });
    expect(config.tokenFile).toBe("/srv/state/admin-token");
    expect(config.rootfsDir).toBe("/srv/state/rootfs");
    expect(load({ STATE_DIR: "/srv/state", AUTH_TOKEN_FILE: "/etc/token" }).tokenFile).toBe(
      "/etc/token",
    );
  });

  test("two state directories are two instances, one is always the same", () => {
    const [a, again, b] = ["/srv/a", "/srv/x/../a", "/srv/b"].map((dir) =>
      load({ STATE_DIR: dir }),
    );
    expect(a?.instance).toBe(again?.instance);
    expect(a?.runDir).not.toBe(b?.runDir);
  });
});

describe("a .env file", () => {
  test("gives values in plain, quoted and exported lines, with comments", () => {
    const config = loadDotEnv(
      [
        "# a comment",
        "PORT=9000",
        "  export HOST = 'localhost'",
        'LOG_LEVEL="debug"',
        "POOL_SIZE=3 # three",
        "",
      ].join("\n"),
    );
    expect(config).toMatchObject({
      port: 9000,
      host: "localhost",
      logLevel: "debug",
      poolSize: 3,
    });
  });

  test("may have the line ends of Windows", () => {
    expect(loadDotEnv("PORT=9000\r\nHOST='::1'\r\n")).toMatchObject({ port: 9000, host: "::1" });
  });

  test("keeps a # that is part of the value", () => {
    expect(loadDotEnv(`AUTH_TOKEN=${token}#1\n`).token).toBe(`${token}#1`);
    expect(loadDotEnv(`AUTH_TOKEN="${token}#1"\n`).token).toBe(`${token}#1`);
  });

  test("may have a comment behind a quoted value", () => {
    expect(loadDotEnv('HOST="localhost" # only here\n').host).toBe("localhost");
  });

  test("yields to the environment", () => {
    expect(loadDotEnv("PORT=9000\nHOST=::1", { PORT: "9001" })).toMatchObject({
      port: 9001,
      host: "::1",
    });
  });

  test("with a line that is nothing is refused by number, without its content", () => {
    expect(() => loadDotEnv(`PORT=1\n${token}\n`)).toThrow(/^\.env line 2 is not NAME=value$/);
  });
});

describe("a .env file that others could have written", () => {
  const folder = join(directory, "theirs");
  const path = join(folder, ".env");
  beforeEach(() => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { mode: 0o755 });
    writeFileSync(path, "PORT=9000\n", { mode: 0o644 });
  });

  test.each<[string, string, () => void]>([
    ["belongs to somebody else", "another user", () => chownSync(path, 12345, 12345)],
    ["can be written by its group", "others can write it", () => chmodSync(path, 0o664)],
    ["can be written by all", "others can write it", () => chmodSync(path, 0o646)],
    ["lies in a folder of somebody else", "another user", () => chownSync(folder, 12345, 12345)],
    ["lies in a folder that others can write", "others can write", () => chmodSync(folder, 0o777)],
    ["lies in a sticky folder", "others can write", () => chmodSync(folder, 0o1777)],
    ["lies below a folder of somebody else", "another user", moveBelowAnother],
    ["is a link", "a link", makeLink],
    ["is a pipe", "no file", makePipe],
    ["is a folder", "no file", makeFolder],
  ])("is refused when it %s, with what to do", (_, reason, change) => {
    expect(loadConfig({}, path).port).toBe(9000);
    change();
    expect(() => loadConfig({}, path)).toThrow(ConfigError);
    expect(() => loadConfig({}, path)).toThrow(
      new RegExp(`/\\.env is not trusted: .*${reason}.*; .*chown.*start elsewhere`),
    );
  });

  test("is not looked for any further where there is none", () => {
    rmSync(path);
    chmodSync(folder, 0o777);
    expect(loadConfig({}, path).port).toBe(8000);
  });

  test("is no matter where no file is named", () => {
    chownSync(path, 12345, 12345);
    const before = process.cwd();
    process.chdir(folder);
    expect(loadConfig({}).port).toBe(8000);
    process.chdir(before);
  });

  function moveBelowAnother(): void {
    mkdirSync(join(directory, "bobs"), { recursive: true });
    chownSync(join(directory, "bobs"), 12345, 12345);
    renameSync(folder, join(directory, "bobs/theirs"));
    symlinkSync(join(directory, "bobs/theirs"), folder);
  }
  function makeLink(): void {
    renameSync(path, `${path}-real`);
    symlinkSync(`${path}-real`, path);
  }
  function makePipe(): void {
    rmSync(path);
    execFileSync("mkfifo", [path]);
  }
  function makeFolder(): void {
    rmSync(path);
    mkdirSync(path);
  }
});

test("what is asked directly is added to those that no proxy is for", () => {
  const environment: Record<string, string> = { no_proxy: "example.org" };
  askDirectly("127.0.0.1", environment);
  expect(environment).toEqual({ no_proxy: "example.org,127.0.0.1", NO_PROXY: "127.0.0.1" });
});

describe("refused values", () => {
  const numeric: Record<string, readonly string[]> = {
    PORT: ["-1", "65536", "80.5", "http", "NaN", "Infinity"],
    MAX_EXECUTION_TIME: ["0", "-1", "86401", "soon"],
    MAX_MEMORY_MB: ["63", "0.5", "1048577", "512m"],
    MAX_CPUS: ["0", "0.01", "100000", "all"],
    MAX_PROCESSES: ["3", "4.5", "32769"],
    MAX_OPEN_FILES: ["63", "1048577"],
    MAX_WORKSPACE_MB: ["0", "1048577"],
    MAX_OUTPUT_SIZE: ["999", "64000001"],
    MAX_CODE_SIZE: ["999", "4000001"],
    MAX_QUEUED: ["-1", "10001"],
    MAX_SESSIONS: ["0", "4001"],
    MAX_REQUESTS_IN_FLIGHT: ["0", "4097"],
    SESSION_TTL: ["0", "never"],
    POOL_SIZE: ["-1", "1001", "1.5"],
    ACQUIRE_TIMEOUT: ["-1", "3601"],
    DRAIN_TIMEOUT: ["-1", "86401"],
    AUDIT: ["yes", "OFF"],
    AUDIT_MAX_MB: ["0", "4097", "1.5"],
    AUDIT_KEEP: ["1", "10001"],
    AUDIT_REQUIRED: ["on", "1"],
    LOG_LEVEL: ["loud", "INFO"],
    AUTH: ["off", "NONE", "basic"],
  };

  for (const [name, values] of Object.entries(numeric)) {
    test(`${name} says its name, what it accepts and what it is`, () => {
      for (const value of values) {
        const message = messageOf({ [name]: value });
        expect(message).toMatch(new RegExp(`^${name} must be `));
        expect(message).toContain(`"${value}"`);
      }
    });
  }

  test("AUTH_TOKEN says its name and keeps its secret", () => {
    for (const value of [
      "short",
      "has a space in the middle",
      "ümläute-ümläute-ü",
      "x".repeat(513),
    ]) {
      const message = messageOf({ AUTH_TOKEN: value });
      expect(message).toMatch(/^AUTH_TOKEN must be /);
      expect(message).not.toContain(value);
    }
  });
});

describe("AUTH=none", () => {
  test.each(["127.0.0.1", "127.8.8.8", "localhost", "::1"])("is accepted on %s", (host) => {
    expect(load({ AUTH: "none", HOST: host }).auth).toBe("none");
  });

  test.each([
    "0.0.0.0",
    "::",
    "192.168.1.5",
    "example.org",
    "127.0.0.1.example.org",
    "localhost.example.org",
    "128.0.0.1",
    "::ffff:10.0.0.1",
  ])("is refused on %s", (host) => {
    expect(messageOf({ AUTH: "none", HOST: host })).toMatch(/^AUTH=none .* HOST .*loopback/);
  });
});

describe("effective values", () => {
  test("name every variable and mask secrets", () => {
    const { effective } = load({ AUTH_TOKEN: token, PORT: "9000" });
    expect(Object.keys(effective)).toEqual(configVariables.map(({ name }) => name));
    expect(effective["AUTH_TOKEN"]).toBe("********");
    expect(effective["PORT"]).toBe("9000");
    expect(JSON.stringify(effective)).not.toContain(token);
  });

  test("show that no token was given", () => {
    expect(load({}).effective["AUTH_TOKEN"]).toBe("");
  });
});

describe("commands that ask a server", () => {
  test("read their own variables, and take empty ones for unset", () => {
    const read = { GLOVEBOX_URL: "http://a", GLOVEBOX_TOKEN: token, XDG_STATE_HOME: "/s" };
    expect(loadClientConfig({ ...read, NO_COLOR: "", HOME: "/home/a" })).toEqual({
      url: "http://a",
      token,
      tokenFile: undefined,
      colour: true,
      stateHome: "/s",
    });
  });

  test.each([{ NO_COLOR: "1" }, { TERM: "dumb" }])("have no colours with %o", (environment) => {
    expect(loadClientConfig(environment).colour).toBe(false);
  });

  test("keep state in the home, if there is one", () => {
    expect(loadClientConfig({ HOME: "/home/a" }).stateHome).toBe("/home/a/.local/state");
    expect(loadClientConfig({}).stateHome).toBeUndefined();
  });
});
