import { expect, test } from "vitest";
import { ItemPlaces } from "./item-places.js";

const never = new AbortController().signal;

test("an owner has so many places, given on in the order of asking", async () => {
  const places = new ItemPlaces(2);
  const order: string[] = [];
  const first = await places.take("a", never);
  await places.take("a", never);
  const third = places.take("a", never).then((give) => {
    order.push("third");
    return give;
  });
  const fourth = places.take("a", never).then(() => order.push("fourth"));
  expect(await places.take("b", never)).toBeDefined();
  expect(order).toEqual([]);
  first?.();
  (await third)?.();
  await fourth;
  expect(order).toEqual(["third", "fourth"]);
});

test("who leaves gets no place, and takes none from others", async () => {
  const places = new ItemPlaces(1);
  const give = await places.take("a", never);
  const left = new AbortController();
  const gone = places.take("a", left.signal);
  const stays = places.take("a", never);
  left.abort();
  expect(await gone).toBeUndefined();
  give?.();
  expect(await stays).toBeDefined();
  expect(await places.take("a", left.signal)).toBeUndefined();
});
