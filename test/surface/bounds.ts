/** What the measured surfaces have to keep, for the command and for the attack tests alike. */
import type { GloveboxMeasurement } from "./glovebox.ts";
import type { PeerMeasurements } from "./peers.ts";
import {
  answeredCalls,
  type CallTable,
  type LiveAnswers,
  madeFamilies,
  type Surface,
} from "./surface.ts";

export const NATIVE_CALLS_MAX = 170;
/** AF_UNIX, AF_INET, AF_INET6, AF_NETLINK. */
const ALLOWED_FAMILIES = [1, 2, 10, 16];

export interface Measured {
  readonly table: CallTable;
  readonly glovebox: GloveboxMeasurement;
  readonly peers: PeerMeasurements | undefined;
}

/** One line for each bound that a sandbox of Glovebox does not keep; none if all is well. */
export function missedBounds({ surfaces, live }: GloveboxMeasurement): string[] {
  return [...surfaces.flatMap(missedByFilter), ...missedByAnswers(live)];
}

function missedByFilter(surface: Surface): string[] {
  const checks: readonly (readonly [string, boolean])[] = [
    [`${surface.native.length} native calls`, surface.native.length <= NATIVE_CALLS_MAX],
    // An upper bound alone would be kept by a measurement that sees nothing.
    [
      "read and write are not reachable",
      ["read", "write"].every((n) => surface.native.includes(n)),
    ],
    [`unnamed numbers pass: ${surface.unnamed.join(", ")}`, surface.unnamed.length === 0],
    [`undecided calls: ${surface.unproven.join(", ")}`, surface.unproven.length === 0],
    [`${surface.i386} calls of the 32-bit table`, surface.i386 === 0],
    [`${surface.x32} calls of the x32 table`, surface.x32 === 0],
    [`clone with ${surface.cloneNamespaces.join(", ")}`, surface.cloneNamespaces.length === 0],
    [`unshare of ${surface.unshareNamespaces.join(", ")}`, surface.unshareNamespaces.length === 0],
    ["clone3 passes", !surface.clone3],
    ["TIOCSTI passes", !surface.tiocsti],
    [`personalities: ${surface.personalities.join(", ")}`, surface.personalities.length === 0],
    [`socket families: ${surface.families.join(", ")}`, isAllowed(surface.families)],
  ];
  return checks.filter(([, isKept]) => !isKept).map(([text]) => `glovebox, filter: ${text}`);
}

function missedByAnswers(live: LiveAnswers): string[] {
  const answered = answeredCalls(live).length;
  const expected: readonly (readonly [string, string, string])[] = [
    ["int 0x80", live.foreign_abis.int80, "EPERM"],
    ["x32", live.foreign_abis.x32, "EPERM"],
    ["TIOCSTI", live.tiocsti, "EPERM"],
    ["clone3", live.clone3, "ENOSYS"],
    ...Object.entries(live.namespaces).map(
      ([name, answer]) => [`unshare of ${name}`, answer, "EPERM"] as const,
    ),
  ];
  const families = madeFamilies(live);
  return [
    ...(answered <= NATIVE_CALLS_MAX ? [] : [`${answered} calls were answered`]),
    ...(isAllowed(families) ? [] : [`sockets of the families ${families.join(", ")}`]),
    ...expected
      .filter(([, answer, wanted]) => answer !== wanted)
      .map(([what, answer, wanted]) => `${what} answered ${answer} instead of ${wanted}`),
  ].map((text) => `glovebox, from inside: ${text}`);
}

function isAllowed(families: readonly number[]): boolean {
  return families.length > 0 && families.every((family) => ALLOWED_FAMILIES.includes(family));
}

/** Calls that a guest was answered although its filter refuses them: then one measurement is wrong. */
export function contradictions({ glovebox, peers }: Measured): string[] {
  const pairs: [string, readonly Surface[], LiveAnswers][] = [
    ["glovebox", glovebox.surfaces, glovebox.live],
  ];
  if (peers !== undefined) {
    const { docker, dockerHardened } = peers;
    pairs.push(["docker", [docker.surface], docker.live]);
    pairs.push(["docker, hardened", [dockerHardened.surface], dockerHardened.live]);
  }
  return pairs.flatMap(([name, surfaces, live]) => {
    const passing = new Set(surfaces.flatMap(({ native }) => native));
    const wrong = answeredCalls(live).filter((call) => !passing.has(call));
    return wrong.length === 0 ? [] : [`${name}: answered past the filter: ${wrong.join(", ")}`];
  });
}
