import { describe, expect, test } from "vitest";
import { loadConfig } from "../config.js";

const KEY = "sk-a-secret-that-nobody-sees";

function load(environment: Record<string, string>) {
  return loadConfig(environment, "");
}

describe("the model's settings", () => {
  test("there is no model unless one is set", () => {
    expect(load({}).model).toBeUndefined();
  });

  test("TOGETHER_API_KEY alone selects Together AI", () => {
    const { model } = load({ TOGETHER_API_KEY: KEY });
    expect(model).toMatchObject({ baseUrl: "https://api.together.xyz/v1", apiKey: KEY });
    expect(model?.model).not.toBe("");
  });

  test("LLM_BASE_URL wins over TOGETHER_API_KEY, and its key does not go there", () => {
    const { model } = load({
      TOGETHER_API_KEY: KEY,
      LLM_BASE_URL: "http://127.0.0.1:11434/v1/",
      LLM_MODEL: "qwen",
    });
    expect(model).toMatchObject({ baseUrl: "http://127.0.0.1:11434/v1", apiKey: undefined });
  });

  test("a replay needs neither key nor model, and its path becomes absolute", () => {
    const config = load({ LLM_BASE_URL: "replay:demo.jsonl", LLM_API_KEY: KEY });
    expect(config.model).toMatchObject({ baseUrl: undefined, apiKey: undefined });
    expect(config.model?.replayFile).toMatch(/^\/.*\/demo\.jsonl$/);
    expect(config.environment["LLM_BASE_URL"]).toBe(`replay:${config.model?.replayFile}`);
  });

  test.each([
    [{ LLM_API_KEY: KEY }, "LLM_BASE_URL"],
    [{ LLM_BASE_URL: "http://127.0.0.1/v1" }, "LLM_MODEL"],
    [{ LLM_BASE_URL: "ftp://127.0.0.1/v1", LLM_MODEL: "m" }, "LLM_BASE_URL"],
    [{ LLM_BASE_URL: `http://user:${KEY}@127.0.0.1/v1`, LLM_MODEL: "m" }, "LLM_BASE_URL"],
    [{ LLM_BASE_URL: `http://127.0.0.1/v1?key=${KEY}`, LLM_MODEL: "m" }, "LLM_BASE_URL"],
    [{ TOGETHER_API_KEY: "two words" }, "TOGETHER_API_KEY"],
    [{ LLM_BASE_URL: "replay:" }, "LLM_BASE_URL"],
    [{ API_TIMEOUT: "soon" }, "API_TIMEOUT"],
  ])("%o is refused by the name of %s", (environment, name) => {
    expect(() => load(environment)).toThrow(name);
    expect(() => load(environment)).not.toThrow(KEY);
  });

  test("keys are masked where the configuration is shown", () => {
    const keys = { LLM_API_KEY: KEY, TOGETHER_API_KEY: `${KEY}-2` };
    const { effective } = load({ ...keys, LLM_BASE_URL: "http://127.0.0.1/v1", LLM_MODEL: "m" });
    expect(JSON.stringify(effective)).not.toContain(KEY);
    expect(effective).toMatchObject({ LLM_API_KEY: "********", TOGETHER_API_KEY: "********" });
  });
});

describe("VALIDATION_POLICY", () => {
  test("changes the rules that it names and no others", () => {
    const { validationPolicy } = load({ VALIDATION_POLICY: "network=deny, file_access = warn," });
    expect(validationPolicy).toMatchObject({
      ...{ network: "deny", file_access: "warn", process: "warn" },
    });
  });

  test.each(["networking=deny", "network", "network=forbid", "constructor=deny"])(
    "%s is refused",
    (text) => {
      expect(() => load({ VALIDATION_POLICY: text })).toThrow(/VALIDATION_POLICY must be/);
    },
  );
});
