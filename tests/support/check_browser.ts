/**
 * Checks the types of everything a browser loads without Deno's: `Deno.env` in an island is then a type error. The
 * configuration is deno.json with the browser's libraries; it exists only while this runs, so there is one list of imports.
 *
 *   deno run -A tests/support/check_browser.ts
 */
const ROOT = new URL("../../", import.meta.url);
const CONFIG = new URL(".deno.browser.json", ROOT);

/** What no browser loads. Everything else in the project is checked. */
const NOT_FOR_BROWSERS = [
  "bench",
  "dev.ts",
  "main.ts",
  "fresh.gen.ts",
  "routes",
  "tests",
  "lib/build",
  "lib/operating",
  "lib/server",
  "lib/store",
  "lib/standins",
  "components/admin",
  "lib/ui/texts/admin_texts.ts",
  "lib/ui/twind.ts",
  "lib/offline/build.ts",
  "static",
];

const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
delete config.tasks;
delete config.unstable;
config.compilerOptions.lib = ["es2022", "dom", "dom.iterable", "dom.asynciterable"];
config.exclude.push(...NOT_FOR_BROWSERS);
await Deno.writeTextFile(CONFIG, JSON.stringify(config));
try {
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--config", CONFIG.pathname, "."],
    cwd: ROOT,
  }).spawn().status;
  Deno.exitCode = code;
} finally {
  await Deno.remove(CONFIG);
}
