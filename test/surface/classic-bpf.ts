/**
 * Reads seccomp programs: is there any call of a given number that a stack of them lets through?
 *
 * Every path of the programs is walked with the arguments left open. A path that ends in "allow"
 * counts only with a witness: arguments that satisfy all comparisons on the way. So nothing is
 * called reachable that is not; and paths for which no witness was found are told, so that nothing
 * is called unreachable silently either.
 */

const INSTRUCTION_BYTES = 8;
const OFFSET_NUMBER = 0;
const OFFSET_ARCH = 4;
const OFFSET_ARGUMENTS = 16;
const DATA_BYTES = 64;

export const ARCH_X86_64 = 0xc000003e;
export const ARCH_I386 = 0x40000003;
export const X32_BIT = 0x40000000;

const RETURN_ALLOW = 0x7fff0000;
const RETURN_LOG = 0x7ffc0000;
const ACTION_BITS = 0xffff0000;
const ALL_BITS = 0xffffffff;

/** The few instructions that the compilers of seccomp programs use. Any other stops the measurement. */
const LOAD = 0x20;
const AND = 0x54;
const JUMP = 0x05;
const JUMP_EQUAL = 0x15;
const JUMP_GREATER = 0x25;
const JUMP_AT_LEAST = 0x35;
const JUMP_ANY_BIT = 0x45;
const RETURN = 0x06;

interface Instruction {
  readonly code: number;
  readonly ifTrue: number;
  readonly ifFalse: number;
  readonly operand: number;
}

export type Program = readonly Instruction[];

export interface Call {
  readonly number: number;
  readonly arch: number;
  /** Arguments that are given, by their position; the others may be anything. */
  readonly args?: Readonly<Record<number, number>>;
}

/** "unproven": a path ends in allow, and no arguments were found that take it. */
export type Reach = "reachable" | "refused" | "unproven";

/** One comparison on the way: of the word at `offset`, under `mask`. */
interface Comparison {
  readonly offset: number;
  readonly mask: number;
  readonly code: number;
  readonly operand: number;
  readonly holds: boolean;
}

/** Words of the call that are known, by their offset. */
type Words = ReadonlyMap<number, number>;

interface End {
  readonly action: number;
  readonly comparisons: readonly Comparison[];
}

export function decodeProgram(hex: string): Program {
  const bytes = Buffer.from(hex, "hex");
  const instructions: Instruction[] = [];
  for (let start = 0; start < bytes.length; start += INSTRUCTION_BYTES) {
    instructions.push({
      code: bytes.readUInt16LE(start),
      ifTrue: bytes.readUInt8(start + 2),
      ifFalse: bytes.readUInt8(start + 3),
      operand: bytes.readUInt32LE(start + 4),
    });
  }
  return instructions;
}

/** A call passes when each of the programs that bind a process lets it through. */
export function reachOf(programs: readonly Program[], call: Call): Reach {
  const words = wordsOf(call);
  let reach: Reach = "refused";
  for (const comparisons of allowingPaths(programs, words, [])) {
    if (hasWitness(comparisons)) return "reachable";
    reach = "unproven";
  }
  return reach;
}

function wordsOf(call: Call): Words {
  const words = new Map([
    [OFFSET_NUMBER, call.number],
    [OFFSET_ARCH, call.arch],
  ]);
  for (const [position, value] of Object.entries(call.args ?? {})) {
    const offset = OFFSET_ARGUMENTS + 8 * Number(position);
    words.set(offset, value >>> 0);
    words.set(offset + 4, 0);
  }
  return words;
}

function* allowingPaths(
  programs: readonly Program[],
  words: Words,
  before: readonly Comparison[],
): Generator<readonly Comparison[]> {
  const [program, ...others] = programs;
  if (program === undefined) {
    yield before;
    return;
  }
  for (const { action, comparisons } of endsOf(program, words, before)) {
    if (action === RETURN_ALLOW || action === RETURN_LOG) {
      yield* allowingPaths(others, words, comparisons);
    }
  }
}

/** Follows both ways of every comparison with an open word, unless one of them cannot be. */
function* endsOf(program: Program, words: Words, before: readonly Comparison[]): Generator<End> {
  const open: { position: number; offset: number; mask: number; path: readonly Comparison[] }[] = [
    { position: 0, offset: 0, mask: 0, path: before },
  ];
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    let { position, offset, mask } = state;
    const { path } = state;
    walk: for (;;) {
      const { code, ifTrue, ifFalse, operand } = instructionAt(program, position);
      position += 1;
      switch (code) {
        case LOAD:
          if (operand >= DATA_BYTES) throw new Error(`a load from offset ${operand}`);
          offset = operand;
          mask = ALL_BITS;
          break;
        case AND:
          mask = (mask & operand) >>> 0;
          break;
        case JUMP:
          position += operand;
          break;
        case RETURN:
          yield { action: (operand & ACTION_BITS) >>> 0, comparisons: path };
          break walk;
        case JUMP_EQUAL:
        case JUMP_GREATER:
        case JUMP_AT_LEAST:
        case JUMP_ANY_BIT: {
          const word = words.get(offset);
          const test = { offset, mask, code, operand };
          if (word !== undefined) {
            position += compare(test, word) ? ifTrue : ifFalse;
            break;
          }
          for (const holds of [true, false]) {
            const longer = [...path, { ...test, holds }];
            if (isContradiction(longer)) continue;
            open.push({
              position: position + (holds ? ifTrue : ifFalse),
              offset,
              mask,
              path: longer,
            });
          }
          break walk;
        }
        default:
          throw new Error(`instruction ${code.toString(16)} is not known here`);
      }
    }
  }
}

function instructionAt(program: Program, position: number): Instruction {
  const instruction = program[position];
  if (instruction === undefined) throw new Error("a seccomp program without an end");
  return instruction;
}

function compare(test: Omit<Comparison, "holds">, word: number): boolean {
  const value = (word & test.mask) >>> 0;
  switch (test.code) {
    case JUMP_EQUAL:
      return value === test.operand;
    case JUMP_GREATER:
      return value > test.operand;
    case JUMP_AT_LEAST:
      return value >= test.operand;
    default:
      return (value & test.operand) !== 0;
  }
}

/** Looks at the newest comparison only: whether what must be equal already is something else. */
function isContradiction(path: readonly Comparison[]): boolean {
  const newest = path.at(-1);
  if (newest === undefined) return false;
  const same = path.filter(({ offset }) => offset === newest.offset);
  const known = same.find(
    ({ code, holds, mask }) => code === JUMP_EQUAL && holds && mask === ALL_BITS,
  );
  return known !== undefined && !same.every((one) => compare(one, known.operand) === one.holds);
}

function hasWitness(path: readonly Comparison[]): boolean {
  const offsets = new Set(path.map(({ offset }) => offset));
  return [...offsets].every((offset) => {
    const comparisons = path.filter((one) => one.offset === offset);
    return candidatesFor(comparisons).some((word) =>
      comparisons.every((one) => compare(one, word) === one.holds),
    );
  });
}

/** Bits that have to be set come first; the edges of every comparison are tried around them. */
function candidatesFor(comparisons: readonly Comparison[]): number[] {
  const required = comparisons
    .filter(({ code, holds }) => code === JUMP_EQUAL && holds)
    .reduce((bits, { operand }) => bits | operand, 0);
  const edges = comparisons.flatMap(({ mask, operand }) => [
    operand,
    operand + 1,
    operand - 1,
    operand & mask,
    ~operand,
    ~mask,
    operand | ~mask,
    operand & -operand,
  ]);
  const singleBits = Array.from({ length: 32 }, (_, bit) => 1 << bit);
  return [0, ALL_BITS, ...edges, ...singleBits].flatMap((word) => [
    word >>> 0,
    (word | required) >>> 0,
  ]);
}
