/** The model's key out of its file, which the HTTP side need not be able to read. */

import { readFileSync } from "node:fs";
import { type Config, ConfigError } from "../config.js";

/** What the gateway's environment has instead of the file. @throws ConfigError */
export function modelKeyVariables({ model }: Config): Readonly<Record<string, string>> {
  if (model?.apiKeyFile === undefined) return {};
  let key: string;
  try {
    key = readFileSync(model.apiKeyFile, "utf8").trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError(`LLM_API_KEY_FILE ${model.apiKeyFile} cannot be read: ${code}`);
  }
  // The file's content is not told, not even as an example of what is wrong.
  if (!/^[\x21-\x7e]{1,4096}$/.test(key)) {
    throw new ConfigError("LLM_API_KEY_FILE must hold one key of printable characters");
  }
  return { LLM_API_KEY: key, LLM_API_KEY_FILE: "" };
}
