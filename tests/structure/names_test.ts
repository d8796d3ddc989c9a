/** One name, one meaning: docs/ARCHITECTURE.md, "Words". */
import { assertEquals } from "@std/assert";
import { productSources } from "./sources.ts";

/** Names that Fresh expects of every route. */
const FRESH_NAMES = new Set(["handler", "config", "default"]);

/** Exported names that more than one file declares, with those files. */
function namesWithTwoMeanings(sources: readonly { path: string; text: string }[]): string[] {
  const declared = new Map<string, Set<string>>();
  for (const { path, text } of sources) {
    if (path.startsWith("lib/standins/")) continue; // Their names are those of the packages they stand in for.
    for (const [, name = ""] of text.matchAll(DECLARATION)) {
      if (FRESH_NAMES.has(name)) continue;
      declared.set(name, (declared.get(name) ?? new Set()).add(path));
    }
  }
  return [...declared].filter(([, paths]) => paths.size > 1).map(([name, paths]) =>
    `${name}: ${[...paths].join(", ")}`
  );
}

const DECLARATION =
  /^export (?:default )?(?:declare )?(?:async )?(?:abstract )?(?:function\*?|class|const|let|type|interface|enum) +([A-Za-z_$][\w$]*)/gm;

Deno.test("an exported name is declared in one file", () => {
  assertEquals(namesWithTwoMeanings(productSources()), []);
});

Deno.test("the check sees a name that a type and a function share", () => {
  assertEquals(
    namesWithTwoMeanings([
      { path: "lib/a.ts", text: "export interface Row {\n}\nexport const one = 1;" },
      {
        path: "components/B.tsx",
        text: "export default function Row() {}\nexport async function* one() {}\nexport type Two = 2;",
      },
    ]),
    ["Row: lib/a.ts, components/B.tsx", "one: lib/a.ts, components/B.tsx"],
  );
});
