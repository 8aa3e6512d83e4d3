import { describe, expect, it } from "vitest";
import { judge, kindOf, masked } from "./judge.ts";
import type { Outcome } from "./outcome.ts";

const fine: Outcome = { end: "ok", error: null, stdout: "", pictures: 0 };
const failed = (name: string, message = ""): Outcome => ({
  ...fine,
  end: "error",
  error: { name, message },
});
const printed = (stdout: string): Outcome => ({ ...fine, stdout });
const never = () => Promise.reject(new Error("asked for a second run"));

describe("judge", () => {
  it("takes the same results for the same, without a second run", async () => {
    const one = { ...printed("a 0x7f0011aa\n/tmp/x/y\n"), pictures: 2 };
    const other = { ...printed("a 0x7f2222bb \n/workspace/y\n"), pictures: 2 };
    expect(await judge(one, other, never)).toEqual({ verdict: "works", kind: null, why: "" });
  });

  it("tells what differs in text, where two runs without a sandbox agree", async () => {
    const judged = await judge(printed("1\n2\n"), printed("1\n3\n"), async () => printed("1\n3\n"));
    expect(judged).toEqual({ verdict: "differs", kind: "ours", why: 'line 2: "2" instead of "3"' });
  });

  it("tells a line that is missing at the end", async () => {
    const judged = await judge(printed("1\n"), printed("1\n3\n"), async () => printed("1\n3\n"));
    expect(judged.why).toBe('line 2: "" instead of "3"');
  });

  it("excuses text that differs in each run", async () => {
    const again = async () => printed("drew 0.4\n");
    const judged = await judge(printed("drew 0.2\n"), printed("drew 0.3\n"), again);
    expect(judged).toEqual({ verdict: "works", kind: "varies", why: "" });
  });

  it("excuses arrays of such numbers that take more lines or other widths", async () => {
    const again = async () => printed("F: 871.\n[1.5 2.5\n 3.5]\n");
    const there = printed("F: 920.\n[1.5 2.5\n 3.25]\n");
    const judged = await judge(printed("F: 1.2e+03\n[1 2.5 3\n 4 5]\n"), there, again);
    expect(judged).toMatchObject({ verdict: "works", kind: "varies" });
  });

  it("does not excuse other words beside numbers that differ in each run", async () => {
    const again = async () => printed("drew 0.4\n");
    const judged = await judge(printed("drew 0.2\nbroken\n"), printed("drew 0.3\n"), again);
    expect(judged).toMatchObject({ verdict: "differs", kind: "ours" });
  });

  it("counts pictures", async () => {
    const judged = await judge(fine, { ...fine, pictures: 1 }, never);
    expect(judged).toEqual({
      verdict: "differs",
      kind: "ours",
      why: "0 pictures instead of 1",
    });
  });

  it("blames the sandbox for an error that is there alone", async () => {
    const judged = await judge(failed("OSError", "no"), fine, never);
    expect(judged).toEqual({
      verdict: "differs",
      kind: "ours",
      why: "inside OSError: no, outside ok",
    });
    expect((await judge(fine, failed("OSError"), never)).kind).toBe("ours");
    expect((await judge(failed("OSError"), failed("KeyError"), never)).kind).toBe("ours");
  });

  it("knows an error of both", async () => {
    const judged = await judge(
      failed("ModuleNotFoundError", "No module named 'x'"),
      failed("ModuleNotFoundError"),
      never,
    );
    expect(judged).toMatchObject({ verdict: "fails alike", kind: "package missing" });
  });

  it("sets time and limits apart", async () => {
    const late: Outcome = { ...failed("timeout"), end: "time" };
    expect(await judge(late, late, never)).toMatchObject({ verdict: "fails alike", kind: "time" });
    expect(await judge(late, fine, never)).toMatchObject({ verdict: "differs", kind: "time" });
    const killed: Outcome = { ...failed("killed"), end: "limit" };
    expect(await judge(killed, fine, never)).toMatchObject({ verdict: "differs", kind: "limit" });
  });
});

describe("kindOf", () => {
  it.each([
    ["URLError", "<urlopen error [Errno -3] Temporary failure>", "network"],
    ["TclError", "no display name and no $DISPLAY", "Tk"],
    ["ModuleNotFoundError", "No module named 'gi'", "Tk"],
    ["ModuleNotFoundError", "No module named 'bokeh'", "package missing"],
    ["ImportError", "fetch_openml requires pooch", "package missing"],
    ["FileNotFoundError", "data.csv", "data missing"],
    ["SystemExit", "2", "exits by itself"],
    ["AttributeError", "module 'numpy' has no attribute 'float'", "too old for the libraries"],
  ])("%s: %s", (name, message, kind) => {
    expect(kindOf({ name, message })).toBe(kind);
  });
});

it("masks what differs between processes only", () => {
  expect(masked("<A at 0x7f00aa11>\r\n\n b /tmp/q, 12 \n")).toBe("<A at 0x…>\n b /…, 12");
  expect(masked("score=0.5 total time=   0.1s, 12 ms, 3 samples")).toBe(
    "score=0.5 total time=   …s, …s, 3 samples",
  );
});
