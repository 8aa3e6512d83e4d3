/**
 * The system calls that a live sandbox reaches: what the programs that bind its processes let through,
 * read from the kernel, and what user code was answered when it tried them all.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { contradictions, missedBounds, NATIVE_CALLS_MAX } from "../surface/bounds.ts";
import { type GloveboxMeasurement, measureGlovebox } from "../surface/glovebox.ts";
import { answeredCalls, readCallTable } from "../surface/surface.ts";

const table = readCallTable();
let glovebox: GloveboxMeasurement;

beforeAll(async () => {
  glovebox = await measureGlovebox(table);
}, 120_000);

describe("the surface of a live sandbox", () => {
  test("keeps its bounds in every process: calls, foreign ABIs, families, namespaces", () => {
    expect(missedBounds(glovebox)).toEqual([]);
  });

  test("is the same for warden, kernel and children", () => {
    const [first, ...others] = glovebox.surfaces;
    expect(others.length).toBeGreaterThanOrEqual(2);
    for (const other of others) expect(other).toEqual(first);
  });

  test("is no wider from inside than the programs say, and no call is answered past them", () => {
    expect(contradictions({ table, glovebox, peers: undefined })).toEqual([]);
    const answered = answeredCalls(glovebox.live);
    expect(answered).toContain("read");
    expect(answered.length).toBeLessThanOrEqual(NATIVE_CALLS_MAX);
  });
});
