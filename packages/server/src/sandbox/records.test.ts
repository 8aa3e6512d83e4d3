import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { expect, test } from "vitest";
import { recordOf } from "./records.js";

test.each([{}, { a: "b" }, { "": "b" }, { "a\nb": "b", "\0": "" }])("takes %j", (value) => {
  expect(Compile(recordOf(Type.String())).Check(value)).toBe(true);
});

test.each([
  [[]],
  ["x"],
  [{ a: 1 }],
  [{ "a\nb": 1 }],
  [{ "\u2028": {} }],
  [{ a: "b", "a\r": null }],
])("does not take %j", (value) => {
  expect(Compile(recordOf(Type.String())).Check(value)).toBe(false);
});

test("bounds the names and their number", () => {
  const propertyNames = Type.String({ pattern: "^[a-z]+$" });
  const fits = Compile(recordOf(Type.Integer(), { maxProperties: 2, propertyNames }));
  expect(fits.Check({ a: 1, b: 2 })).toBe(true);
  for (const value of [{ a: 1, b: 2, c: 3 }, { A: 1 }, { "a\n": 1 }, { "": 1 }]) {
    expect(fits.Check(value)).toBe(false);
  }
});
