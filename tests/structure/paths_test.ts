/** Documents and comments name files that exist. */
import { assertEquals } from "@std/assert";
import { filesIn, ROOT } from "./sources.ts";

const READ = ["README.md", "docs", "bench", "lib", "components", "islands", "routes", "tests", "main.ts", "dev.ts"];
const NAMED = /`((?:lib|components|islands|routes|tests|static|docs|bench)\/[\w/[\].-]*?(?:\.\w+|\/))`/g;

/** Paths in backquotes that lead nowhere. */
function missing(texts: Iterable<readonly [path: string, text: string]>, exists: (path: string) => boolean): string[] {
  return [...texts].flatMap(([path, text]) =>
    [...text.matchAll(NAMED)].map(([, named = ""]) => named).filter((named) => !exists(named))
      .map((named) => `${path}: ${named}`)
  );
}

Deno.test("every file that a document or a comment names exists", () => {
  const texts = filesIn(READ, [".md", ".ts", ".tsx"]).filter((path) => path !== "tests/structure/paths_test.ts")
    .map((path) => [path, Deno.readTextFileSync(new URL(path, ROOT))] as const);
  assertEquals(missing(texts, exists), []);
});

Deno.test("the check sees a missing file and a missing folder", () => {
  const text = "See `lib/a.ts`, `lib/b/`, `lib/gone.ts` and `tests/gone/`.";
  const there = new Set(["lib/a.ts", "lib/b/"]);
  assertEquals(missing([["a.md", text]], (path) => there.has(path)), ["a.md: lib/gone.ts", "a.md: tests/gone/"]);
});

function exists(path: string): boolean {
  try {
    return Deno.statSync(new URL(path, ROOT)) !== undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}
