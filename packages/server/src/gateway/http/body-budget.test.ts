import { expect, test, vi } from "vitest";
import { BodyBudget } from "./body-budget.js";

const never = () => {
  throw new Error("given up");
};

test("one key has its own bound, and what is whole counts no more", () => {
  const budget = new BodyBudget({ ownerBytesMax: 10, bytesMax: 100 });
  const first = budget.open("a", never);
  expect(first.reach(6)).toBe(true);
  const second = budget.open("a", never);
  expect(second.reach(5)).toBe(false);
  expect(second.reach(4)).toBe(true);
  expect(budget.open("b", never).reach(10)).toBe(true);
  first.close();
  first.close();
  expect(second.reach(10)).toBe(true);
  expect(budget.bytes).toBe(20);
});

test("what was announced is not counted again as it comes", () => {
  const budget = new BodyBudget({ ownerBytesMax: 10, bytesMax: 10 });
  const body = budget.open("a", never);
  expect(body.reach(10)).toBe(true);
  for (let bytes = 1; bytes <= 10; bytes++) expect(body.reach(bytes)).toBe(true);
  expect(body.reach(11)).toBe(false);
  expect(budget.bytes).toBe(10);
});

test("when all room is taken, whoever holds most gives up the oldest body", () => {
  const budget = new BodyBudget({ ownerBytesMax: 60, bytesMax: 100 });
  const gone: string[] = [];
  const open = (owner: string, name: string, bytes: number) =>
    budget.open(owner, () => gone.push(name)).reach(bytes);
  for (const name of ["first", "second", "third"]) expect(open("greedy", name, 20)).toBe(true);
  expect(open("other", "other", 35)).toBe(true);
  expect(open("honest", "honest", 30)).toBe(true);
  expect(gone).toEqual(["first", "second"]);
  expect(budget.bytes).toBe(85);
});

test("whoever holds most gets no more room at the cost of others", () => {
  const budget = new BodyBudget({ ownerBytesMax: 90, bytesMax: 100 });
  expect(budget.open("small", never).reach(40)).toBe(true);
  const greedy = budget.open("greedy", never);
  expect(greedy.reach(60)).toBe(true);
  expect(greedy.reach(61)).toBe(false);
});

test("what was given up holds nothing and gets nothing", () => {
  const budget = new BodyBudget({ ownerBytesMax: 100, bytesMax: 100 });
  const onGivenUp = vi.fn();
  const body = budget.open("a", onGivenUp);
  body.reach(80);
  expect(budget.open("b", never).reach(30)).toBe(true);
  expect(onGivenUp).toHaveBeenCalledOnce();
  expect(body.reach(81)).toBe(false);
  body.close();
  expect(budget.bytes).toBe(30);
});
