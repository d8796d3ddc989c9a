/** Imports point one way, and no files import each other in a circle: docs/ARCHITECTURE.md, "Layout". */
import { assertEquals } from "@std/assert";
import { importsOf, productSources, type Source } from "./sources.ts";

/** The parts that each part of the product may import beside itself; the longest matching prefix decides. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  "lib/shared/": [],
  "lib/protocol/": ["lib/shared/"],
  "lib/kinds/": ["lib/protocol/", "lib/shared/"],
  "lib/crypto/": ["lib/kinds/", "lib/protocol/", "lib/shared/"],
  "lib/chat/": ["lib/kinds/", "lib/protocol/", "lib/shared/"],
  "lib/routing/": ["lib/protocol/", "lib/shared/"],
  "lib/mesh/": ["lib/kinds/", "lib/crypto/", "lib/protocol/", "lib/shared/"],
  "lib/files/": ["lib/kinds/", "lib/crypto/", "lib/protocol/", "lib/shared/"],
  "lib/transport/": ["lib/kinds/", "lib/crypto/", "lib/protocol/", "lib/shared/"],
  "lib/offline/": ["lib/shared/"],
  "lib/session/": [
    "lib/transport/",
    "lib/mesh/",
    "lib/files/",
    "lib/routing/",
    "lib/chat/",
    "lib/kinds/",
    "lib/crypto/",
    "lib/protocol/",
    "lib/shared/",
  ],
  "lib/ui/": [
    "lib/session/",
    "lib/files/",
    "lib/routing/",
    "lib/transport/",
    "lib/chat/",
    "lib/kinds/",
    "lib/protocol/",
    "lib/shared/",
  ],
  "lib/store/": ["lib/chat/", "lib/kinds/", "lib/crypto/", "lib/protocol/", "lib/shared/"],
  "lib/server/": ["deno.json", "lib/store/", "lib/chat/", "lib/kinds/", "lib/crypto/", "lib/protocol/", "lib/shared/"],
  "lib/operating/": ["lib/server/", "lib/store/", "lib/ui/", "lib/shared/"],
  "lib/build/": [],
  "lib/standins/": [],
  "components/": [
    "lib/ui/",
    "lib/session/",
    "lib/files/",
    "lib/transport/",
    "lib/routing/",
    "lib/chat/",
    "lib/kinds/",
    "lib/protocol/",
    "lib/shared/",
  ],
  "islands/": ["components/", "lib/ui/", "lib/session/", "lib/offline/", "lib/chat/", "lib/protocol/", "lib/shared/"],
  "routes/": [
    "islands/",
    "components/",
    "lib/ui/",
    "lib/server/",
    "lib/store/",
    "lib/offline/",
    "lib/chat/",
    "lib/kinds/",
    "lib/protocol/",
    "lib/shared/",
  ],
  "main.ts": ["lib/server/"],
  "deno.json": [],
  "dev.ts": ["main.ts", "lib/build/", "lib/ui/", "lib/offline/", "lib/operating/"],
};

function partOf(path: string): string {
  return Object.keys(MAY_IMPORT).filter((part) => path.startsWith(part)).sort((a, b) => b.length - a.length)[0] ?? "?";
}

/** Imports that point the wrong way, one line each. */
function wrongWay(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, imports }) =>
    imports.map(({ path: target }) => ({ from: partOf(path), to: partOf(target), line: `${path} → ${target}` }))
      .filter(({ from, to }) => from !== to && !MAY_IMPORT[from]?.includes(to))
      .map(({ line }) => line)
  );
}

/** The files of each circle of imports, types included (Tarjan 1972). */
function circles(sources: readonly Source[]): string[][] {
  const found: string[][] = [];
  const imports = new Map(sources.map((source) => [source.path, source.imports]));
  const state = new Map<string, { index: number; low: number; open: boolean }>();
  const open: string[] = [];
  const visit = (path: string) => {
    const mine = { index: state.size, low: state.size, open: true };
    state.set(path, mine);
    open.push(path);
    for (const { path: next } of imports.get(path) ?? []) {
      if (!imports.has(next)) continue;
      if (!state.has(next)) visit(next);
      const other = state.get(next)!;
      if (other.open) mine.low = Math.min(mine.low, other.low);
    }
    if (mine.low !== mine.index) return;
    const circle = open.splice(open.indexOf(path));
    for (const member of circle) state.get(member)!.open = false;
    if (circle.length > 1) found.push(circle.sort());
  };
  for (const { path } of sources) if (!state.has(path)) visit(path);
  return found;
}

Deno.test("imports point one way", () => {
  assertEquals(wrongWay(productSources()), []);
});

Deno.test("no files import each other in a circle, types and lazy imports included", () => {
  assertEquals(circles(productSources()), []);
});

Deno.test("a folder of product code holds at most 16 files", () => {
  const sizes = new Map<string, number>();
  for (const { path } of productSources()) {
    const folder = path.slice(0, path.lastIndexOf("/"));
    sizes.set(folder, (sizes.get(folder) ?? 0) + 1);
  }
  assertEquals([...sizes].filter(([, files]) => files > 16), []);
});

Deno.test("the check sees a wrong direction and a circle, by type import, re-export and lazy import", () => {
  const source = (path: string, text: string): Source => ({ path, text, imports: importsOf(path, text) });
  assertEquals(wrongWay([source("lib/protocol/a.ts", 'import type { B } from "../session/b.ts";')]), [
    "lib/protocol/a.ts → lib/session/b.ts",
  ]);
  assertEquals(
    circles([
      source("lib/chat/a.ts", 'import type { B } from "./b.ts";'),
      source("lib/chat/b.ts", 'export { C } from "@/lib/chat/c.ts";'),
      source("lib/chat/c.ts", 'const a = () => import("./a.ts");'),
      source("lib/chat/d.ts", 'import "./a.ts";'),
    ]),
    [["lib/chat/a.ts", "lib/chat/b.ts", "lib/chat/c.ts"]],
  );
});
