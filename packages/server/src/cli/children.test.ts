import { expect, test } from "vitest";
import { addressIn } from "./children.js";

test.each([
  "http://127.0.0.1:8000",
  "http://[::1]:65535",
  "http://[fe80::1%eth0]:1",
  "http://host-1.example:80",
])("the address %s is announced", (address) => {
  expect(addressIn({ address })).toBe(address);
});

test.each([
  null,
  undefined,
  "text",
  7,
  [],
  {},
  { address: 1 },
  { address: "" },
  { address: "http://x:1\u001b[2J" },
  { address: "http://x:1\n" },
  { address: `http://${"x".repeat(400)}` },
])("%j is no announcement", (message) => {
  expect(addressIn(message)).toBeUndefined();
});
