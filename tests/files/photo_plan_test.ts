/** How photos are made small. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { PHOTO_SIDE_MAX, photoTries } from "../../lib/files/photo_plan.ts";

Deno.test("the tries for a photo start at the largest size and best quality and never grow in both", () => {
  assertEquals(photoTries(4_000, 3_000)[0], { width: 1_600, height: 1_200, quality: 0.82 });
  assertEquals(photoTries(3_000, 4_000).at(-1), { width: 300, height: 400, quality: 0.4 });
  fc.assert(fc.property(fc.integer({ min: 8, max: 20_000 }), fc.integer({ min: 1, max: 20_000 }), (width, height) => {
    const tries = photoTries(width, height);
    for (const [at, { width: w, height: h, quality }] of tries.entries()) {
      assert(w >= 1 && h >= 1 && w <= width && h <= height && Math.max(w, h) <= PHOTO_SIDE_MAX);
      const before = tries[at - 1];
      if (before !== undefined) assert(w < before.width || h < before.height || quality < before.quality);
    }
    assert(tries.length <= 16);
  }));
});

Deno.test("a small photo is never enlarged", () => {
  assertEquals(photoTries(100, 50)[0], { width: 100, height: 50, quality: 0.82 });
});
