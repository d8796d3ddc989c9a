import { assertEquals, assertRejects } from "@std/assert";
import { within } from "../../lib/shared/within.ts";

Deno.test("work in time gives its result, and leaves no timer", async () => {
  assertEquals(await within(60_000, () => Promise.resolve("done")), "done");
});

Deno.test("work that takes too long is told to stop", async () => {
  const work = (signal: AbortSignal) =>
    new Promise<never>((_, stop) => signal.addEventListener("abort", () => stop(signal.reason)));
  await assertRejects(() => within(1, work), DOMException, "aborted");
});
