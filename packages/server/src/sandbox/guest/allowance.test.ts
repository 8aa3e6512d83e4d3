import { expect, test } from "vitest";
import { Allowance, Flood } from "./allowance.js";
import { countJsonValues } from "./channel.js";

function valuesOf(msg_type: string, content: object): number {
  return countJsonValues(Buffer.from(JSON.stringify({ msg_type, content })));
}

test("small messages are bounded by their number, not by their values", () => {
  const allowance = new Allowance();
  allowance.begin("execution");
  const update = { data: { "text/plain": "1" }, metadata: {}, transient: { display_id: "d" } };
  const ordinary = [
    valuesOf("stream", { name: "stdout", text: "1\n" }),
    valuesOf("clear_output", { wait: true }),
    valuesOf("update_display_data", update),
  ];
  for (let n = 0; n < 200_000; n++) allowance.countValues(ordinary[n % 3] ?? 0);
});

test("messages of many values are a flood", () => {
  const allowance = new Allowance();
  allowance.begin("execution");
  const table = valuesOf("display_data", { data: Array.from({ length: 10_000 }, () => [1]) });
  allowance.countValues(table);
  expect(() => {
    for (let n = 0; n < 10; n++) allowance.countValues(table);
  }).toThrow(Flood);
});
