import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { classNamesIn, cssOf, stylesheet } from "@/lib/ui/twind.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

Deno.test("class names are found in string literals of a source, and sentences and paths are left out", () => {
  const names = classNamesIn(
    'const a = "p-2 hover:bg-ink"; const b = `flex ${x ? "m-1" : \'\'} w-[3px]`; // "../x.ts" "Hello!"',
  );
  assertEquals(names.filter((name) => /^(p-2|hover:bg-ink|flex|m-1|w-\[3px\])$/.test(name)).length, 5);
  assert(!names.includes("../x.ts"));
  assert(!names.includes("Hello!"));
});

Deno.test("utilities give CSS, also with our own tokens; other words give none", () => {
  assertStringIncludes(cssOf(["bg-ground"]), "background-color:var(--ground)");
  assertStringIncludes(cssOf(["min-h-touch"]), "2.75rem");
  assertEquals(cssOf(["no_such_room", "festival", "use"]), "");
});

Deno.test("the stylesheet is minified, holds the classes in use, and has no @import or remote address", async () => {
  const css = await stylesheet(await Deno.readTextFile(`${ROOT}static/styles.css`), ROOT);
  for (const part of [":root{", ".band{", ".min-h-touch{", ".sr-only{", ".hue-11{", "@media (prefers-reduced-motion"]) {
    assertStringIncludes(css, part);
  }
  assert(!/@import|https?:\/\//.test(css));
  assert(css.length < 40_000, `${css.length} characters`);
});
