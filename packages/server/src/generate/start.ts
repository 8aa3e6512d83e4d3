/** Makes the generator when the service starts. */

import type { Config } from "../config.js";
import { Generator } from "./generator.js";
import { readGuestScripts } from "./guest-scripts.js";
import { ModelClient } from "./model.js";

/** @throws ServiceError when the recording cannot be used, so that the start fails and not a request */
export async function startGenerator(
  config: Config,
  onRecordFailed: (error: unknown) => void,
): Promise<Generator> {
  const model = config.model && new ModelClient(config.model, onRecordFailed);
  await model?.readRecording();
  return new Generator({ model, policy: config.validationPolicy, scripts: readGuestScripts() });
}
