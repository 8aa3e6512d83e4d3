import { describe, expect, test } from "vitest";
import { ARCH_I386, ARCH_X86_64, decodeProgram, type Program, reachOf } from "./classic-bpf.ts";

const ALLOW = 0x7fff0000;
const LOG = 0x7ffc0000;
const REFUSE = 0x00050001;
const KILL = 0x80000000;
const NUMBER = 0;
const ARCH = 4;
const FIRST_ARGUMENT = 16;

type Line = readonly [code: number, operand: number, ifTrue?: number, ifFalse?: number];

const load = (offset: number): Line => [0x20, offset];
const and = (mask: number): Line => [0x54, mask];
const equal = (value: number, ifTrue: number, ifFalse: number): Line => [
  0x15,
  value,
  ifTrue,
  ifFalse,
];
const greater = (value: number, ifTrue: number, ifFalse: number): Line => [
  0x25,
  value,
  ifTrue,
  ifFalse,
];
const atLeast = (value: number, ifTrue: number, ifFalse: number): Line => [
  0x35,
  value,
  ifTrue,
  ifFalse,
];
const anyBit = (value: number, ifTrue: number, ifFalse: number): Line => [
  0x45,
  value,
  ifTrue,
  ifFalse,
];
const answer = (value: number): Line => [0x06, value];

function program(...lines: Line[]): Program {
  const bytes = Buffer.alloc(lines.length * 8);
  lines.forEach(([code, operand, ifTrue = 0, ifFalse = 0], line) => {
    bytes.writeUInt16LE(code, line * 8);
    bytes.writeUInt8(ifTrue, line * 8 + 2);
    bytes.writeUInt8(ifFalse, line * 8 + 3);
    bytes.writeUInt32LE(operand, line * 8 + 4);
  });
  return decodeProgram(bytes.toString("hex"));
}

const call = (number: number, args: Record<number, number> = {}) => ({
  number,
  arch: ARCH_X86_64,
  args,
});

describe("reach", () => {
  test("a process without a program reaches everything", () => {
    expect(reachOf([], call(1))).toBe("reachable");
  });

  test("numbers and architectures are told apart", () => {
    const only = program(
      load(ARCH),
      equal(ARCH_X86_64, 0, 2),
      load(NUMBER),
      equal(7, 1, 0),
      answer(REFUSE),
      answer(ALLOW),
    );
    expect(reachOf([only], call(7))).toBe("reachable");
    expect(reachOf([only], call(8))).toBe("refused");
    expect(reachOf([only], { number: 7, arch: ARCH_I386 })).toBe("refused");
  });

  test("killing, tracing and notifying are not passing, logging is", () => {
    for (const action of [KILL, 0x00030000, 0x7ff00000, 0x7fc00000]) {
      expect(reachOf([program(answer(action))], call(1))).toBe("refused");
    }
    expect(reachOf([program(answer(LOG))], call(1))).toBe("reachable");
  });

  test("an open argument counts when some value passes, a given one for itself", () => {
    const flags = program(
      load(FIRST_ARGUMENT),
      and(0x7e020000),
      equal(0, 1, 0),
      answer(REFUSE),
      answer(ALLOW),
    );
    expect(reachOf([flags], call(56))).toBe("reachable");
    expect(reachOf([flags], call(56, { 0: 0x11 }))).toBe("reachable");
    expect(reachOf([flags], call(56, { 0: 0x10000011 }))).toBe("refused");
    expect(reachOf([flags], call(56, { 0: 0x40000000 }))).toBe("refused");
  });

  test("comparisons that exclude each other are no way through", () => {
    const never = program(
      load(FIRST_ARGUMENT),
      equal(5, 0, 3),
      load(FIRST_ARGUMENT),
      greater(9, 0, 1),
      answer(ALLOW),
      answer(REFUSE),
    );
    expect(reachOf([never], call(1))).toBe("refused");
  });

  test("a way for which no arguments are found is told", () => {
    const bitThatIsMaskedAway = program(
      load(FIRST_ARGUMENT),
      and(0xff),
      anyBit(0x100, 0, 1),
      answer(ALLOW),
      answer(REFUSE),
    );
    expect(reachOf([bitThatIsMaskedAway], call(1))).toBe("unproven");
  });

  test("ranges and bits have witnesses", () => {
    const between = program(
      load(FIRST_ARGUMENT),
      atLeast(100, 0, 2),
      greater(100, 1, 0),
      answer(ALLOW),
      answer(REFUSE),
    );
    expect(reachOf([between], call(1))).toBe("reachable");
    expect(reachOf([between], call(1, { 0: 101 }))).toBe("refused");
    const bit = program(
      load(FIRST_ARGUMENT),
      anyBit(0x8000_0000, 0, 1),
      answer(ALLOW),
      answer(REFUSE),
    );
    expect(reachOf([bit], call(1))).toBe("reachable");
  });

  test("every program of a process has to let a call through, with the same arguments", () => {
    const isFive = program(load(FIRST_ARGUMENT), equal(5, 0, 1), answer(ALLOW), answer(REFUSE));
    const isSix = program(load(FIRST_ARGUMENT), equal(6, 0, 1), answer(ALLOW), answer(REFUSE));
    expect(reachOf([isFive], call(1))).toBe("reachable");
    expect(reachOf([isFive, isSix], call(1))).toBe("refused");
    expect(reachOf([isFive, program(answer(REFUSE))], call(1))).toBe("refused");
  });

  test("an instruction that is not known stops the measurement", () => {
    expect(() => reachOf([program([0x07, 0])], call(1))).toThrow("not known");
    expect(() => reachOf([program(load(NUMBER))], call(1))).toThrow("without an end");
  });
});
