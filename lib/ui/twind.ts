/**
 * The only module that uses twind. At build, and on each reload in development, it reads the class names in the sources of
 * the pages and writes their CSS. Browsers load one stylesheet and no twind.
 */
import { twind, virtual } from "@twind/core";
import presetTailwind from "@twind/preset-tailwind";
import type { Builder } from "fresh/dev";

/** Folders below the project's root whose sources contain class names. */
const SOURCE_DIRS = ["routes", "islands", "components"];
const SOURCE_FILE = /\.tsx?$/;
const STRING_LITERAL = /"([^"\n]*)"|'([^'\n]*)'|`([^`]*)`/g;
/** The shape of a utility; keeps sentences, paths and markup away from twind's parser. */
const CLASS_NAME = /^!?-?[a-z@[][\w:/.%#,()[\]&>*=+!'-]*$/;

/** The names of our own tokens (static/styles.css) in utilities: `bg-ground`, `text-dim`, `border-line`. */
const COLORS = ["ground", "raised", "sunken", "line", "edge", "ink", "dim", "flare", "flare-ink", "on-band"]
  .concat("good", "warn", "alarm", "alarm-ground", "band", "hue");

const THEME = {
  extend: {
    colors: Object.fromEntries(COLORS.map((name) => [name, `var(--${name})`])),
    fontFamily: { display: "var(--display)" },
    // Each step is a quarter larger than the one before. The smallest is still readable at arm's length in the sun.
    fontSize: {
      xs: ["0.8125rem", "1.1rem"],
      sm: ["0.9375rem", "1.3rem"],
      base: ["1.0625rem", "1.5rem"],
      lg: ["1.25rem", "1.6rem"],
      xl: ["1.5625rem", "1.8rem"],
      "2xl": ["2rem", "2.1rem"],
      "3xl": ["2.625rem", "2.6rem"],
    },
    spacing: { touch: "2.75rem" },
    minHeight: { touch: "2.75rem", screen: "calc(100 * var(--dvh))" },
    minWidth: { touch: "2.75rem" },
  },
};

/** Finds the class names in the string literals of one source text. */
export function classNamesIn(source: string): string[] {
  const names = new Set<string>();
  for (const [, double, single, template] of source.matchAll(STRING_LITERAL)) {
    for (const word of (double ?? single ?? template ?? "").split(/[\s{}$"?]+/)) {
      if (CLASS_NAME.test(word)) names.add(word);
    }
  }
  return [...names];
}

/** Returns the CSS of these class names, in any order. Names that are no utility give nothing. */
export function cssOf(names: Iterable<string>): string {
  const sheet = virtual();
  const tw = twind({ presets: [presetTailwind({ disablePreflight: true })], theme: THEME, hash: false }, sheet);
  for (const name of [...names].sort()) tw(name);
  return sheet.target.join("\n");
}

/** Returns the CSS of all class names in the project's pages. */
async function utilitiesOf(root: string): Promise<string> {
  const names = new Set<string>();
  for (const dir of SOURCE_DIRS) {
    for await (const path of sourcesBelow(`${root}/${dir}`)) {
      for (const name of classNamesIn(await Deno.readTextFile(path))) names.add(name);
    }
  }
  return cssOf(names);
}

async function* sourcesBelow(dir: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(dir)) {
    const path = `${dir}/${entry.name}`;
    if (entry.isDirectory) yield* sourcesBelow(path);
    else if (SOURCE_FILE.test(entry.name)) yield path;
  }
}

/** Returns the stylesheet for browsers: without comments and line breaks, with the utilities appended. */
export async function stylesheet(base: string, root: string): Promise<string> {
  const small = base.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\s+/g, " ").replace(/ ?([{};,]) ?/g, "$1").trim();
  return `${small}\n${await utilitiesOf(root)}\n`;
}

/** Makes the builder append the utilities to static/styles.css. */
export function useTwind(builder: Builder, root: string = Deno.cwd()): void {
  builder.onTransformStaticFile({ pluginName: "twind", filter: /styles\.css$/ }, async (args) => {
    return { content: await stylesheet(args.text, root) };
  });
}
