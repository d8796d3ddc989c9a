/** Most tests and the simulation use MemoryKv, so it is compared with the real Deno KV. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import type { Kv } from "../../lib/store/database.ts";
import { MemoryDatabase } from "../support/memory_kv.ts";

const parts: fc.Arbitrary<Deno.KvKeyPart> = fc.constantFrom<Deno.KvKeyPart>(
  "",
  "a",
  "a\0",
  "b",
  "ü",
  "\uffff",
  "😀",
  new Uint8Array(),
  new Uint8Array([0]),
  new Uint8Array([0, 255]),
  new Uint8Array([255]),
  0,
  -0,
  1,
  -1,
  1.5,
  1e300,
  -Infinity,
  NaN,
  0n,
  1n,
  -1n,
  256n,
  -256n,
  -255n,
  2n ** 64n,
  -(2n ** 64n),
  2n ** 90n,
  true,
  false,
);
const keyArb = fc.array(parts, { minLength: 1, maxLength: 2 });
const values = fc.constantFrom<unknown>(
  1,
  "text",
  undefined,
  null,
  [1, "two", { three: 3n }],
  new Uint8Array([1, 2]),
  new Map([["a", new Date(5)]]),
);

/**
 * Keys that only sums, minima and maxima write. On a value of another type they fail, and in Deno KV's SQLite what the
 * commit wrote before that stays; MemoryKv undoes it, and no code may rely on either.
 */
const sumKeys = fc.constantFrom<Deno.KvKey>(["sum"], ["sum", 1], [true, "sum"]);

type Step =
  | { do: "get"; key: Deno.KvKey }
  | { do: "getMany"; keys: Deno.KvKey[] }
  | { do: "set"; key: Deno.KvKey; value: unknown }
  | { do: "delete"; key: Deno.KvKey }
  | {
    do: "commit";
    checks: { key: Deno.KvKey; stamp: "null" | "current" | "old" }[];
    mutations: (
      | { type: "set" | "delete"; key: Deno.KvKey; value: unknown }
      | { type: "sum" | "min" | "max"; key: Deno.KvKey; n: bigint }
    )[];
  }
  | { do: "list"; selector: Deno.KvListSelector; options: Deno.KvListOptions; pages: number };

const stepArb: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("get" as const), key: keyArb }),
  fc.record({ do: fc.constant("getMany" as const), keys: fc.array(keyArb, { maxLength: 11 }) }),
  fc.record({ do: fc.constant("set" as const), key: keyArb, value: values }),
  fc.record({ do: fc.constant("delete" as const), key: keyArb }),
  fc.record({
    do: fc.constant("commit" as const),
    checks: fc.array(
      fc.record({ key: keyArb, stamp: fc.constantFrom("null" as const, "current" as const, "old" as const) }),
      { maxLength: 2 },
    ),
    mutations: fc.array(
      fc.oneof(
        fc.record({ type: fc.constantFrom("set" as const, "delete" as const), key: keyArb, value: values }),
        fc.record({
          type: fc.constantFrom("sum" as const, "min" as const, "max" as const),
          key: sumKeys,
          n: fc.bigInt(0n, 2n ** 64n - 1n),
        }),
      ),
      { maxLength: 5 },
    ),
  }),
  fc.record({
    do: fc.constant("list" as const),
    selector: fc.oneof(
      fc.record({ prefix: fc.array(parts, { maxLength: 1 }) }),
      fc.record({ prefix: fc.array(parts, { maxLength: 1 }), start: keyArb }),
      fc.record({ prefix: fc.array(parts, { maxLength: 1 }), end: keyArb }),
      fc.record({ start: keyArb, end: keyArb }),
    ),
    options: fc.record(
      { limit: fc.integer({ min: 1, max: 5 }), reverse: fc.boolean(), batchSize: fc.integer({ min: 1, max: 4 }) },
      { requiredKeys: [] },
    ),
    pages: fc.integer({ min: 1, max: 2 }),
  }),
);

/** Runs steps and returns everything observable, with each versionstamp as its place among all commits. */
async function run(kv: Kv, steps: readonly Step[]): Promise<unknown[]> {
  const stamps: (string | null)[] = [];
  const place = (stamp: string | null) => {
    if (stamp === null) return null;
    if (!stamps.includes(stamp)) stamps.push(stamp);
    return stamps.indexOf(stamp);
  };
  const entry = ({ key, value, versionstamp }: Deno.KvEntryMaybe<unknown>) => ({
    key,
    value: value instanceof Deno.KvU64 ? `u64 ${value.value}` : value,
    at: place(versionstamp),
  });
  const seen: unknown[] = [];
  for (const step of steps) {
    try {
      switch (step.do) {
        case "get":
          seen.push(entry(await kv.get(step.key)));
          break;
        case "getMany":
          seen.push((await kv.getMany(step.keys)).map(entry));
          break;
        case "set":
          seen.push(place((await kv.set(step.key, step.value)).versionstamp));
          break;
        case "delete":
          seen.push(await kv.delete(step.key));
          break;
        case "commit": {
          const atomic = kv.atomic();
          for (const { key, stamp } of step.checks) {
            const versionstamp = stamp === "null"
              ? null
              : stamp === "old"
              ? stamps[0] ?? null
              : (await kv.get(key)).versionstamp;
            atomic.check({ key, versionstamp });
          }
          for (const mutation of step.mutations) {
            if ("n" in mutation) atomic[mutation.type](mutation.key, mutation.n);
            else if (mutation.type === "set") atomic.set(mutation.key, mutation.value);
            else atomic.delete(mutation.key);
          }
          const result = await atomic.commit();
          seen.push(result.ok ? place(result.versionstamp) : "lost");
          break;
        }
        case "list": {
          let cursor: string | undefined;
          for (let page = 0; page < step.pages && cursor !== ""; page++) {
            const list = kv.list(step.selector, { ...step.options, ...(cursor && { cursor }) });
            for await (const found of list) seen.push(entry(found));
            cursor = list.cursor;
            seen.push(cursor === "" ? "no more" : "more");
          }
          break;
        }
      }
    } catch (error) {
      seen.push(String(error));
    }
  }
  return seen;
}

Deno.test("any sequence of operations gives the same answers as Deno KV", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(stepArb, { minLength: 1, maxLength: 60 }), async (steps) => {
      const real = await Deno.openKv(":memory:");
      const memory = new MemoryDatabase().open();
      try {
        assertEquals(await run(memory, steps), await run(real, steps));
      } finally {
        real.close();
        memory.close();
      }
    }),
    { numRuns: 300, seed: 417 },
  );
});

/** Both refuse each of these with the same message, or neither does. */
const EDGES: Record<string, (kv: Kv, more: 0 | 1) => Promise<unknown>> = {
  "mutations in a commit": (kv, more) => commit(kv, 1_000 + more, (atomic, at) => atomic.delete([at])),
  "checks in a commit": (kv, more) => commit(kv, 100 + more, (atomic, at) => atomic.check(nothingAt([at]))),
  "bytes of a serialised value": (kv, more) => kv.set(["key"], "x".repeat(65_530 + more)),
  "bytes of a value of bytes": (kv, more) => kv.set(["key"], new Uint8Array(65_536 + more)),
  "bytes of a key to write": (kv, more) => kv.set(["x".repeat(2_046 + more)], 1),
  "bytes of a key to read": (kv, more) => kv.get(["x".repeat(2_046 + more)]),
  "keys of one getMany": (kv, more) => kv.getMany(Array.from({ length: 10 + more }, (_, at) => [at])),
  "keys of one watch": async (kv, more) => {
    const reader = kv.watch(Array.from({ length: 10 + more }, (_, at) => [at])).getReader();
    await reader.read();
    await reader.cancel();
  },
  "entries of one batch": (kv, more) => kv.list({ prefix: [] }, { batchSize: 1_000 + more }).next(),
  "bytes of keys that one commit sets": (kv, more) =>
    // 40 keys of 2,040 bytes and one of 320.
    commit(kv, 41, (atomic, at) => atomic.set([at, "k".repeat(at < 40 ? 2_029 : 309 + more)], 1)),
  "bytes of keys that one commit deletes": (kv, more) =>
    // 401 keys of 2,040 bytes and one of 1,160.
    commit(kv, 402, (atomic, at) => atomic.delete([at, "k".repeat(at < 401 ? 2_029 : 1_149 + more)])),
  "bytes of one commit": (kv, more) =>
    // 12 values of 63,000 bytes and one of 62,888; each key of 12 bytes counts twice.
    commit(
      kv,
      13,
      (atomic, at) => atomic.set(["t", at], new Uint8Array(at < 12 ? 63_000 : 62_888 + more)),
    ),
};

function commit(kv: Kv, count: number, add: (atomic: Deno.AtomicOperation, at: number) => unknown): Promise<unknown> {
  const atomic = kv.atomic();
  for (let at = 0; at < count; at++) add(atomic, at);
  return atomic.commit();
}

function nothingAt(key: Deno.KvKey): Deno.AtomicCheck {
  return { key, versionstamp: null };
}

async function outcome(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return "done";
  } catch (error) {
    return String(error);
  }
}

for (const [what, attempt] of Object.entries(EDGES)) {
  Deno.test(`the same limit holds as in Deno KV: ${what}`, async () => {
    const real = await Deno.openKv(":memory:");
    const memory = new MemoryDatabase().open();
    assertEquals([await outcome(() => attempt(real, 0)), await outcome(() => attempt(memory, 0))], ["done", "done"]);
    const refusal = await outcome(() => attempt(real, 1));
    assert(refusal.startsWith("TypeError"), refusal);
    assertEquals(await outcome(() => attempt(memory, 1)), refusal);
    real.close();
    memory.close();
  });
}

Deno.test("a watch yields the newest state and skips intermediate ones", async () => {
  const kv = new MemoryDatabase().open();
  const reader = kv.watch<[number]>([["a"]]).getReader();
  assertEquals((await reader.read()).value?.[0].value, null);
  for (let value = 1; value <= 100; value++) await kv.set(["a"], value);
  let told = 0, tellings = 0;
  while (told !== 100) {
    told = (await reader.read()).value?.[0].value ?? 0;
    tellings++;
  }
  assert(tellings <= 3, `${tellings} tellings for 100 changes`);
  kv.close();
  assertEquals(await reader.read(), { done: true, value: undefined });
});

Deno.test("an entry expires by the database's clock", async () => {
  let now = 1_000;
  const kv = new MemoryDatabase({ now: () => now }).open();
  await kv.set(["a"], 1, { expireIn: 500 });
  now = 1_499;
  assertEquals((await kv.get(["a"])).value, 1);
  now = 1_500;
  assertEquals((await kv.get(["a"])).versionstamp, null);
  assert((await kv.atomic().check(nothingAt(["a"])).set(["a"], 2).commit()).ok);
  kv.close();
});

Deno.test("a handle that is closed while an operation waits before its effect leaves no trace", async () => {
  const database = new MemoryDatabase();
  const gate = Promise.withResolvers<void>();
  const dying = database.open({ delay: () => gate.promise });
  const doomed = assertRejects(() => dying.set(["a"], 1), Deno.errors.BadResource);
  dying.close();
  gate.resolve();
  await doomed;
  assertEquals(database.dump(), []);
});

Deno.test("a handle that is closed after the effect leaves it, and its caller does not know", async () => {
  const database = new MemoryDatabase();
  let delays = 0;
  const dying = database.open({
    delay: () => {
      if (++delays === 2) dying.close();
      return Promise.resolve();
    },
  });
  await assertRejects(() => dying.set(["a"], 1), Deno.errors.BadResource);
  assertEquals(database.dump(), [{ key: ["a"], value: 1 }]);
});

Deno.test("a failure before the effect prevents it, one after it only hides it", async () => {
  for (const moment of ["before", "after"] as const) {
    const database = new MemoryDatabase();
    const kv = database.open({ fail: (at) => at === moment ? new Error("no") : undefined });
    await assertRejects(() => kv.set(["a"], 1), Error, "no");
    assertEquals(database.dump().length, moment === "before" ? 0 : 1);
    kv.close();
  }
});
