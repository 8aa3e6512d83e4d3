/** Limits of a sandbox on the wire: as they are asked for, and as they hold. */

import type { AskedLimits } from "../../desk/limits.js";
import type { SandboxLimits } from "../../sandbox/sandbox.js";

/** Fields of several bodies. */
interface LimitFields {
  readonly memory_limit?: string | number;
  readonly cpu_limit?: number;
}

export function readLimits({ memory_limit, cpu_limit }: LimitFields): AskedLimits {
  return { memory: memory_limit, cpuCores: cpu_limit };
}

export function toLimits({ memoryBytes, cpuCores }: SandboxLimits) {
  return { memory_bytes: memoryBytes, cpus: cpuCores };
}
