/**
 * `glovebox doctor`: does this host offer what sandboxes are made of? Whatever can be tried is
 * tried, in namespaces and groups that vanish with the trial, because a kernel that lists a feature
 * may still refuse it. It loads nothing but Node, so that it
 * works when the rest cannot start.
 */

import {
  checkCgroupControllers,
  checkCgroupCreation,
  checkCpuBurst,
} from "./doctor/cgroup-checks.js";
import type { DoctorCheck } from "./doctor/check.js";
import {
  checkKernel,
  checkNamespace,
  checkOverlay,
  checkPivotRoot,
  checkProcessesVisible,
  checkSeccomp,
  checkUserNamespaceLimit,
  checkUserNamespaceRestriction,
  NAMESPACES,
} from "./doctor/kernel-checks.js";
import {
  checkDisk,
  checkMemory,
  checkNode,
  checkPlatform,
  checkRoot,
  checkRootfs,
  checkServiceUser,
  checkTool,
  TOOLS,
} from "./doctor/machine-checks.js";

export async function runDoctorChecks(options: { rootfsDir: string }): Promise<DoctorCheck[]> {
  return [
    checkPlatform(),
    checkNode(),
    checkRoot(),
    checkKernel(),
    ...NAMESPACES.map(checkNamespace),
    checkUserNamespaceLimit(),
    checkUserNamespaceRestriction(),
    checkPivotRoot(),
    checkOverlay(),
    checkCgroupControllers(),
    checkCgroupCreation(),
    checkCpuBurst(),
    checkSeccomp(),
    checkProcessesVisible(),
    ...Object.entries(TOOLS).map(([tool, packageName]) => checkTool(tool, packageName)),
    checkServiceUser(),
    checkRootfs(options.rootfsDir),
    checkMemory(),
    checkDisk(options.rootfsDir),
  ];
}

export function formatDoctor(checks: DoctorCheck[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, status, found, remedy }) => [
    `${status.padEnd(7)}  ${name.padEnd(width)}  ${found}`,
    ...(remedy === undefined ? [] : [`${" ".repeat(9)}-> ${remedy}`]),
  ]);
  return [...lines, "", summarise(checks)].join("\n");
}

function summarise(checks: DoctorCheck[]): string {
  const missing = checks.filter(({ status }) => status === "missing");
  const warnings = checks.filter(({ status }) => status === "warning");
  if (missing.length > 0) {
    return `Glovebox cannot work here yet: ${missing.map(({ name }) => name).join(", ")}.`;
  }
  if (warnings.length > 0) return `Glovebox can work here, with ${warnings.length} warning(s).`;
  return "Glovebox can work here.";
}
