import { expect, it } from "vitest";
import { adoptNoise, type NoiseByModel, RepeatNoiseBook } from "./repeat-noise.ts";

const noise = (distance: number) => ({ distance, logNormRatio: 0 });

function bookOf(saved: NoiseByModel | Error) {
  const faults: unknown[] = [];
  let reads = 0;
  const book = new RepeatNoiseBook({
    saved: async () => {
      reads++;
      if (saved instanceof Error) throw saved;
      return saved;
    },
    onFault: (error) => faults.push(error),
  });
  return { book, faults, reads: () => reads };
}

it("a gateway that starts goes by what is saved, and measures nothing", async () => {
  const { book, reads } = bookOf({ a: noise(1) });
  expect(await Promise.all([book.find("a"), book.find("a")])).toEqual([noise(1), noise(1)]);
  expect(await book.find("a")).toEqual(noise(1));
  expect(reads()).toBe(1);
});

it("what is saved counts more than what was measured here; the API server is not asked at every probe", async () => {
  const { book, reads } = bookOf({});
  expect(await book.find("a")).toBeNull();
  book.put("a", noise(2));
  expect(await book.find("a")).toEqual(noise(2));
  expect(reads()).toBe(1);
  const other = bookOf({ a: noise(1) }).book;
  other.put("a", noise(2));
  expect(await other.find("a")).toEqual(noise(1));
});

it("goes by its own measure while the API server is away", async () => {
  const { book, faults } = bookOf(new Error("away"));
  book.put("a", noise(2));
  expect(await book.find("a")).toEqual(noise(2));
  expect(faults).toHaveLength(1);
});

it("the first measure of a model in use is kept, whoever leads", () => {
  const saved = { a: noise(1), gone: noise(3) };
  const measured = { a: noise(2), b: noise(4), other: noise(5) };
  expect(adoptNoise(saved, measured, ["a", "b", "c"])).toEqual({ a: noise(1), b: noise(4) });
});
