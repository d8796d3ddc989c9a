/**
 * Compares the whole build with MDN's data: no built file needs a feature that the oldest supported browsers lack.
 */
import { assertEquals } from "@std/assert";
import { parse } from "acorn";
import { START_SCRIPT } from "../../lib/ui/start_script.ts";
import { THEME_SCRIPT } from "../../lib/ui/theme.ts";
import { needsOfScripts } from "./script_needs.ts";
import { needsOfStyles } from "./style_needs.ts";

/**
 * Features in use although the oldest browsers lack them, each with its reason: the code checks first, or a browser that
 * ignores the feature shows the same text. A feature that is no longer used fails the test, too.
 */
const ASKED_FOR: Record<string, string> = {
  // The code checks for these, and works without them.
  "navigator.connection": "a network that says nothing of itself is taken for a good one",
  "navigator.deviceMemory": "a device that does not say it has memory enough",
  "navigator.getBattery": "a battery that says nothing is taken for full",
  "navigator.share": "its button is shown where there is one",
  "navigator.globalPrivacyControl": "a wish that no browser below it can express",
  "navigator.doNotTrack": "a wish that no browser below it can express",
  requestIdleCallback: "a timer does where there is none",
  BarcodeDetector: "jsQR reads where there is none",
  ".getCapabilities": "no torch is offered where a camera cannot be asked",
  "Intl.Segmenter": "code points are counted where there is none, never fewer",
  // In packages, on paths that never run.
  "Symbol.dispose": "a second name for what signals call themselves",
  ".displayName": "a name for developers' tools",
  // Ignored by a browser, these change no text and no function.
  "attribute autocapitalize": "about keyboards on a screen; desktops have none",
  ":has()": "the page behind a dialog scrolls; the actions of one's own message wrap",
  ":modal": "the page behind a dialog scrolls",
  "color-mix()": "no side light on messages",
  "field-sizing:": "the composer is measured by script",
  "overflow-anchor:": "what has no scroll anchoring has none to switch off",
  "overscroll-behavior:": "at its end, a list scrolls the page around it, which does not move",
  "cursor: pointer": "a phone has no pointer",
  "cursor: default": "a phone has no pointer",
  "resize:": "a phone has no handle to resize by",
  "text-size-adjust:": "about phones that are turned; desktops have nothing to adjust",
};

const build = await builtFiles();

// Pages contain these scripts as text.
build.set("theme.js", THEME_SCRIPT);
build.set("start.js", START_SCRIPT);

Deno.test("the script that tells old browsers so is ES5", () => {
  parse(START_SCRIPT, { ecmaVersion: 5 });
});

Deno.test("no built file needs a feature that iOS/Safari 15.4, Chrome 99 or Firefox 102 lacks", () => {
  const unasked: string[] = [];
  const used = new Set<string>();
  for (const [file, needs] of needsOfBuild(build)) {
    for (const need of needs) {
      const what = need.slice(0, need.lastIndexOf(" ("));
      if (Object.hasOwn(ASKED_FOR, what)) used.add(what);
      else unasked.push(`${file}: ${need}`);
    }
  }
  assertEquals(unasked, []);
  assertEquals(Object.keys(ASKED_FOR).filter((what) => !used.has(what)), [], "no longer used");
});

const script = (code: string) => needsOfScripts(new Map([["a.js", code]])).get("a.js")!.map(nameOf);
const styles = (css: string) => needsOfStyles(css).map(nameOf);
const nameOf = (need: string) => need.startsWith("syntax: ") ? "syntax" : need.slice(0, need.lastIndexOf(" ("));

for (
  const [code, needed] of [
    ["Promise.withResolvers()", "Promise.withResolvers"],
    ["text.isWellFormed()", ".isWellFormed"],
    ["list.toSorted()", ".toSorted"],
    ["list.with(0, 1)", ".with"],
    ["list?.findLast(Boolean)", ".findLast"],
    ["Map.groupBy(list, key)", "Map.groupBy"],
    ["Array.fromAsync(list)", "Array.fromAsync"],
    ["a.union(b)", ".union"],
    ["bytes['toHex']()", ".toHex"],
    ["URL.parse(text)", "URL.parse"],
    ["window.URL.canParse(text)", "URL.canParse"],
    ["const { parse } = URL", "URL.parse"],
    ["AbortSignal.timeout(1)", "AbortSignal.timeout"],
    ["AbortSignal.any([])", "AbortSignal.any"],
    ["scheduler.postTask(run)", "scheduler"],
    ["globalThis.requestIdleCallback(run)", "requestIdleCallback"],
    ["new Intl.Segmenter()", "Intl.Segmenter"],
    ["new CompressionStream('gzip')", "CompressionStream"],
    ["navigator.userActivation.isActive", "navigator.userActivation"],
    ["element.showPopover()", ".showPopover"],
    ["h('div', { popover: 'auto' })", "attribute popover"],
    ["class A { static { run() } }", "syntax"],
    ["/(?<=a)b/.test(text)", "syntax"],
    ["new RegExp('(?<!a)b')", "syntax"],
    ["/[a--b]/v.test(text)", "syntax"],
    ["new RegExp('[a&&b]', 'v')", "syntax"],
    ["using file = open()", "syntax"],
  ] as const
) {
  Deno.test(`a script needs a newer browser: ${code}`, () =>
    assertEquals(script(code).includes(needed), true, `${script(code)}`));
}

Deno.test("supported, own and declared names are not reported", () => {
  for (
    const code of [
      "list.at(-1); Object.hasOwn(a, b); structuredClone(a); crypto.randomUUID(); new Error('', { cause: a })",
      "JSON.parse(text); Promise.any([]); navigator.locks.request('a', run); new BroadcastChannel('a')",
      "class Own { bytes() {} } new Own().bytes()",
      "const scheduler = make(); scheduler.run()",
      "/(?<name>a)[<=!]/.test(text); /\\\\(?:<=a)/u.test(text); /\\//.test(text)",
      "class A { #a; static #b = 1; has(c) { return #a in c } }",
      "a ??= b; a?.b; 1_000; await a",
    ]
  ) assertEquals(script(code), [], code);
});

for (
  const [css, needed] of [
    ["a { height: 100dvh }", "dvh"],
    ["a { height: calc(1svh + 1px) }", "svh"],
    ["a { width: 5cqw }", "cqw"],
    ["a:has(b) { color: red }", ":has()"],
    ["a:modal { color: red }", ":modal"],
    ["a { color: color-mix(in srgb, red, blue) }", "color-mix()"],
    ["a { --x: oklch(0 0 0) }", "oklch()"],
    ["a { text-wrap: balance }", "text-wrap:"],
    ["a { scrollbar-gutter: stable }", "scrollbar-gutter:"],
    ["a { user-select: none }", "user-select:"],
    ["@container (width > 1px) { a { color: red } }", "@container"],
    ["@starting-style { a { color: red } }", "@starting-style"],
    ["a { & b { color: red } }", "nesting"],
    ["@media (prefers-reduced-transparency) { a { color: red } }", "@media (prefers-reduced-transparency)"],
  ] as const
) {
  Deno.test(`a stylesheet needs a newer browser: ${css}`, () =>
    assertEquals(styles(css).includes(needed), true, `${styles(css)}`));
}

Deno.test("features inside @supports, or also written with a prefix, are not reported", () => {
  assertEquals(styles("@supports (height: 1dvh) { a { height: 1dvh } }"), []);
  assertEquals(styles("a { -webkit-user-select: none; user-select: none }"), []);
  assertEquals(
    styles("a { inset: 0; aspect-ratio: 1; gap: 1px; accent-color: red } a:focus-visible { width: min(1px, 2vh) }"),
    [],
  );
});

function needsOfBuild(files: ReadonlyMap<string, string>): Map<string, string[]> {
  const scripts = new Map([...files].filter(([name]) => name.endsWith(".js")));
  const needs = needsOfScripts(scripts);
  for (const [name, content] of files) if (name.endsWith(".css")) needs.set(name, needsOfStyles(content));
  return needs;
}

/** All files of a production build that browsers load, by path. */
async function builtFiles(): Promise<Map<string, string>> {
  const folder = await Deno.makeTempDir({ prefix: "festival-support-" });
  try {
    const build = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "tests/support/build_release.ts", folder],
      cwd: new URL("../../", import.meta.url),
    }).output();
    if (!build.success) throw new Error(new TextDecoder().decode(build.stderr));
    return new Map(await Array.fromAsync(loadedBelow(`${folder}/static`)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function* loadedBelow(folder: string): AsyncGenerator<[string, string]> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* loadedBelow(path);
    else if (/\.(js|css)$/.test(name)) yield [name, await Deno.readTextFile(path)];
  }
}
