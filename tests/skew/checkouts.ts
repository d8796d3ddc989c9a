/** Other versions of the app than this one, built in folders of their own: the last release, and one with a new kind. */
import { filesIn, ROOT } from "../structure/sources.ts";

/** The app: everything that `deno task build` reads. */
const PRODUCT = [
  "deno.json",
  "deno.lock",
  "dev.ts",
  "main.ts",
  "fresh.gen.ts",
  "components",
  "islands",
  "lib",
  "routes",
  "static",
];

/** The sources of the last release, as `deno task fixture` packed them. */
export const RELEASE = new URL("release.tar.gz", import.meta.url);

const made = new Map<string, Promise<string>>();

/** A folder with the build of the last release. */
export function lastRelease(): Promise<string> {
  return once("release", async (folder) => {
    await run("tar", ["xzf", RELEASE.pathname, "-C", folder]);
  });
}

/** A folder with the build of a version that knows one kind more, made by the steps of docs/CONTRIBUTING.md. */
export function nextVersion(): Promise<string> {
  return once("next", async (folder) => {
    await copyProduct(folder);
    await addGreeting(folder);
  });
}

/** Packs the product's files as they are now. */
export async function packRelease(): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "festival-release-" });
  try {
    await copyProduct(folder);
    // Names in one order and no times or owners: the same sources give the same archive.
    const plain = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
    await run("tar", [...plain, "-I", "gzip -9n", "-cf", RELEASE.pathname, "-C", folder, "."]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The text of a greeting on screens that know the kind. */
export const GREETING_TEXT = "👋";
/** Typed into the composer of the next version, it sends a greeting. */
export const GREETING_COMMAND = "/greet";

/** docs/CONTRIBUTING.md, "Add a kind of event", steps 1 and 2. A greeting looks like a message, so it needs no component, and the composer sends it. */
async function addGreeting(folder: string): Promise<void> {
  await Deno.writeTextFile(`${folder}/lib/kinds/greeting.ts`, GREETING);
  await edit(`${folder}/lib/kinds/kinds.ts`, [
    [
      'import { sealed } from "./sealed.ts";\n',
      'import { sealed } from "./sealed.ts";\nimport { greeting } from "./greeting.ts";\n',
    ],
    ["const LIST = [", "const LIST = [greeting, "],
  ]);
  await edit(`${folder}/lib/session/room/room_commands.ts`, [
    ["\n/**", '\nimport { composeGreeting } from "../../kinds/greeting.ts";\n/**'],
    [
      /(sendMessage\(text: string[^{]*\{\n)/,
      `$1    if (text === "${GREETING_COMMAND}") return this.#write(composeGreeting(this.#name), at);\n`,
    ],
  ]);
}

const GREETING = `// Runs in browser and server.
/** A greeting to everybody in the room. */
import { object } from "../protocol/fields.ts";
import { type Composed, defineKind } from "./kind.ts";
import { messageLine } from "./message_line.ts";
import { displayName } from "./texts.ts";

export const greeting = defineKind("greeting", object({ name: displayName }), {
  rooms: "plain",
  named: true,
  message: () => ({ text: "${GREETING_TEXT}" }),
  line: (event, room) => messageLine(event, { text: "${GREETING_TEXT}" }, room),
});

export function composeGreeting(name: string): Composed<{ kind: "greeting"; body: { name: string } }> {
  return { content: { kind: "greeting", body: { name } } };
}
`;

async function once(name: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const folder = made.get(name) ?? (async () => {
    const folder = await Deno.makeTempDir({ prefix: `festival-${name}-` });
    globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
    await fill(folder);
    await run(Deno.execPath(), ["task", "build"], folder);
    return folder;
  })();
  made.set(name, folder);
  return await folder;
}

async function copyProduct(folder: string): Promise<void> {
  for (const path of filesIn(PRODUCT, [""])) {
    await Deno.mkdir(`${folder}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.copyFile(new URL(path, ROOT), `${folder}/${path}`);
  }
}

async function edit(path: string, changes: readonly [find: string | RegExp, put: string][]): Promise<void> {
  let text = await Deno.readTextFile(path);
  for (const [find, put] of changes) {
    const changed = text.replace(find, put);
    if (changed === text) throw new Error(`${path} has no ${find}`);
    text = changed;
  }
  await Deno.writeTextFile(path, text);
}

async function run(program: string, args: string[], cwd?: string): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args, ...(cwd !== undefined && { cwd }) }).output();
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

if (import.meta.main) await packRelease();
