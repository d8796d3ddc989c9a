import { assertEquals } from "@std/assert";
import * as esbuild from "esbuild";
import { joinChunks } from "../../lib/build/join_chunks.ts";

/** The runtime, two islands and code that is loaded on demand, as a bundler splits them. */
const CHUNKS: Record<string, string> = {
  "fresh-runtime.js": `export const boot = (island) => island();`,
  "Home.js": `import { add } from "./counter-AAAAAAAA.js"; import "./touch-AAAAAAAA.js"; export default () => add();`,
  "Room.js": `import { add as a } from "./counter-AAAAAAAA.js"; import { twice as b } from "./twice-AAAAAAAA.js";
    export default async () => [a(), b(), (await import("./lazy-AAAAAAAA.js")).default()];`,
  "counter-AAAAAAAA.js": `let count = 0; const add = () => ++count; export { add, count };`,
  "touch-AAAAAAAA.js": `import { add } from "./counter-AAAAAAAA.js"; add();`,
  "twice-AAAAAAAA.js":
    `import { add } from "./counter-AAAAAAAA.js"; const twice = () => { add(); return add(); }; export { twice };`,
  "lazy-AAAAAAAA.js":
    `import { add, count } from "./counter-AAAAAAAA.js"; import { twice as t } from "./twice-AAAAAAAA.js";
     import { only } from "./only-AAAAAAAA.js"; export default () => [only, t(), add(), count];`,
  "only-AAAAAAAA.js": `const only = "only"; export { only };`,
};

async function joined(chunks: Record<string, string>) {
  const encoder = new TextEncoder();
  const made = await joinChunks(new Map(Object.entries(chunks).map(([name, text]) => [name, encoder.encode(text)])), [
    "es2022",
  ]);
  await esbuild.stop();
  const texts = new Map([...made.files].map(([name, content]) => [name, new TextDecoder().decode(content)]));
  return {
    names: [...made.files.keys()].sort(),
    fileOf: Object.fromEntries(made.fileOf),
    importsOf: (name: string) =>
      [...texts.get(name)!.matchAll(/(?:from|import)\s*"\.\/([^"]+)"/g)].map(([, file]) => file!).sort(),
    texts,
  };
}

Deno.test("shared chunks join the runtime, chunks of one island join it, chunks on demand stay separate", async () => {
  const { names, importsOf, fileOf } = await joined(CHUNKS);
  assertEquals(names, ["Home.js", "Room.js", "fresh-runtime.js", "lazy-AAAAAAAA.js", "only-AAAAAAAA.js"]);
  assertEquals(importsOf("Home.js"), ["fresh-runtime.js"]);
  assertEquals(importsOf("Room.js"), ["fresh-runtime.js"]);
  assertEquals(importsOf("lazy-AAAAAAAA.js"), ["Room.js", "fresh-runtime.js", "only-AAAAAAAA.js"]);
  assertEquals(fileOf, {
    "Home.js": "Home.js",
    "Room.js": "Room.js",
    "fresh-runtime.js": "fresh-runtime.js",
    "counter-AAAAAAAA.js": "fresh-runtime.js",
    "touch-AAAAAAAA.js": "Home.js",
    "twice-AAAAAAAA.js": "Room.js",
  });
});

Deno.test("chunks of one island are a separate file if another island may load them on demand", async () => {
  const home =
    `import "./touch-AAAAAAAA.js"; export default async () => (await import("./lazy-AAAAAAAA.js")).default();`;
  const { names, importsOf } = await joined({ ...CHUNKS, "Home.js": home });
  assertEquals(names, ["Home.js", "Room.js", "fresh-runtime.js", "lazy-AAAAAAAA.js", "only-AAAAAAAA.js", "part-1.js"]);
  assertEquals(importsOf("lazy-AAAAAAAA.js"), ["fresh-runtime.js", "only-AAAAAAAA.js", "part-1.js"]);
});

Deno.test("chunks of one island join it if another island reaches them only through it", async () => {
  const home = `import "./touch-AAAAAAAA.js"; export default async () => (await import("./Room.js")).default();`;
  const { names } = await joined({ ...CHUNKS, "Home.js": home });
  assertEquals(names, ["Home.js", "Room.js", "fresh-runtime.js", "lazy-AAAAAAAA.js", "only-AAAAAAAA.js"]);
});

Deno.test("joined code behaves as before: one counter for all, and changes of exports are seen", async () => {
  const { texts } = await joined(CHUNKS);
  const dir = await Deno.makeTempDir({ prefix: "joined-" });
  try {
    for (const [name, text] of texts) await Deno.writeTextFile(`${dir}/${name}`, text);
    const home = await import(`file://${dir}/Home.js`);
    const room = await import(`file://${dir}/Room.js`);
    // touch.js counts once when it is loaded.
    assertEquals(home.default(), 2);
    assertEquals(await room.default(), [3, 5, ["only", 7, 8, 8]]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
