import { assertEquals } from "@std/assert";
import { stopBundler } from "../../lib/standins/fresh_core/dev/bundle.ts";
import { type Chunk, coalesce, importedBy } from "../../lib/standins/fresh_core/dev/coalesce.ts";

const chunk = (text: string, exports: string[], imports: string[] = [], later: string[] = []): Chunk => (
  { content: new TextEncoder().encode(text), exports, imports, later }
);
const ENTRIES = { islands: ["Home.js", "Room.js"], runtime: "runtime.js" };

/** The runtime, two islands and what is loaded on demand, as a bundler splits them. */
const CHUNKS = new Map<string, Chunk>([
  ["runtime.js", chunk(`export const boot = (island) => island();`, ["boot"])],
  [
    "Home.js",
    chunk(`import { add } from "./counter.js"; import "./touch.js"; export default () => add();`, ["default"], [
      "counter.js",
      "touch.js",
    ]),
  ],
  [
    "Room.js",
    chunk(
      `import { add as a } from "./counter.js"; import { twice as b } from "./twice.js";
     export default async () => [a(), b(), (await import("./lazy.js")).default()];`,
      ["default"],
      ["counter.js", "twice.js"],
      ["lazy.js"],
    ),
  ],
  ["counter.js", chunk(`let count = 0; const add = () => ++count; export { add, count };`, ["add", "count"])],
  ["touch.js", chunk(`import { add } from "./counter.js"; add();`, [], ["counter.js"])],
  [
    "twice.js",
    chunk(
      `import { add } from "./counter.js"; const twice = () => { add(); return add(); }; export { twice };`,
      ["twice"],
      ["counter.js"],
    ),
  ],
  [
    "lazy.js",
    chunk(
      `import { add, count } from "./counter.js"; import { twice as t } from "./twice.js"; import { only } from "./only.js";
     export default () => [only, t(), add(), count];`,
      ["default"],
      ["counter.js", "twice.js", "only.js"],
    ),
  ],
  ["only.js", chunk(`const only = "only"; export { only };`, ["only"])],
]);

Deno.test("what all islands load comes with the runtime, what one loads with it, and what is on demand stays its own", async () => {
  const made = await coalesce(CHUNKS, ENTRIES);
  await stopBundler();
  assertEquals([...made.keys()].sort(), ["Home.js", "Room.js", "lazy.js", "only.js", "runtime.js"]);
  assertEquals(importedBy(made, "Home.js"), ["runtime.js"]);
  assertEquals(importedBy(made, "Room.js"), ["runtime.js"]);
  assertEquals(importedBy(made, "lazy.js").sort(), ["Room.js", "only.js", "runtime.js"]);
});

Deno.test("what one island loads is a file of its own where another may load it on demand", async () => {
  const home = chunk(
    `import "./touch.js"; export default async () => (await import("./lazy.js")).default();`,
    ["default"],
    ["touch.js"],
    ["lazy.js"],
  );
  const made = await coalesce(new Map([...CHUNKS, ["Home.js", home]]), ENTRIES);
  await stopBundler();
  assertEquals([...made.keys()].sort(), ["Home.js", "Room.js", "lazy.js", "only.js", "part-1.js", "runtime.js"]);
  assertEquals(importedBy(made, "lazy.js").sort(), ["only.js", "part-1.js", "runtime.js"]);
});

Deno.test("who gets to what one island loads only by loading that island changes nothing", async () => {
  const home = chunk(
    `import "./touch.js"; export default async () => (await import("./Room.js")).default();`,
    ["default"],
    ["touch.js"],
    ["Room.js"],
  );
  const made = await coalesce(new Map([...CHUNKS, ["Home.js", home]]), ENTRIES);
  await stopBundler();
  assertEquals([...made.keys()].sort(), ["Home.js", "Room.js", "lazy.js", "only.js", "runtime.js"]);
});

Deno.test("coalesced code does what it did: one counter for all, exports that change are seen", async () => {
  const made = await coalesce(CHUNKS, ENTRIES);
  await stopBundler();
  const dir = await Deno.makeTempDir({ prefix: "coalesced-" });
  try {
    for (const [name, { content }] of made) await Deno.writeFile(`${dir}/${name}`, content);
    const home = await import(`file://${dir}/Home.js`);
    const room = await import(`file://${dir}/Room.js`);
    // touch.js has counted once by being loaded.
    assertEquals(home.default(), 2);
    assertEquals(await room.default(), [3, 5, ["only", 7, 8, 8]]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
