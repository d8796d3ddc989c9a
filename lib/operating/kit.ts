/**
 * `deno task kit`: a field kit, one archive with the built app, the packages it needs, a Deno binary and a start script, for
 * a laptop or a small box on a field without internet. For machines like this one: the archive has this machine's Deno.
 *
 *   deno task kit [FILE]      default: festival-chat-kit-OS-ARCH.tar.gz
 */
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The files of the app at run time. */
const PARTS = ["main.ts", "fresh.gen.ts", "routes", "islands", "components", "lib", "static", "_fresh"];

/** Folder in the archive. */
const KIT_NAME = "festival-chat-kit";

/** Builds the app and makes the archive `file`. Throws when a command fails, with its output. */
export async function makeKit(file: string): Promise<void> {
  await run(Deno.execPath(), ["task", "build"], ROOT);
  const folder = await Deno.makeTempDir({ prefix: "festival-kit-" });
  const kit = join(folder, KIT_NAME);
  try {
    await Deno.mkdir(kit);
    await run("cp", ["-R", ...PARTS.map((part) => join(ROOT, part)), kit]);
    await vendorPackages(kit);
    await Deno.copyFile(Deno.execPath(), join(kit, "deno"));
    await Deno.chmod(join(kit, "deno"), 0o755);
    await Deno.writeTextFile(join(kit, "start.sh"), START_SCRIPT, { mode: 0o755 });
    await Deno.writeTextFile(join(kit, "operator.sh"), OPERATOR_SCRIPT, { mode: 0o755 });
    // For `>> settings.env`: a shell would make it for everybody to read.
    await Deno.writeTextFile(join(kit, "settings.env"), SETTINGS, { mode: 0o600 });
    await Deno.copyFile(join(ROOT, "docs/OPERATING.md"), join(kit, "OPERATING.md"));
    await Deno.writeTextFile(join(kit, "START-HERE.txt"), START_HERE);
    await run("tar", ["-czf", resolve(file), "-C", folder, KIT_NAME]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Puts exactly the server's imports into the kit, so that it looks up nothing where there is no network. */
async function vendorPackages(kit: string): Promise<void> {
  const used = await usedPackages();
  const isUsed = (specifier: string) => {
    const name = packageName(specifier);
    return name === undefined || used.has(name);
  };
  const config = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  delete config.tasks;
  delete config.deploy;
  config.imports = pick<string>(config.imports, ([, specifier]) => isUsed(specifier));
  // Copies packages of JSR too, where there are any.
  config.vendor = true;
  for (const link of config.links ?? []) {
    const path = join(kit, link, "deno.json");
    const linked = JSON.parse(await Deno.readTextFile(path));
    linked.imports = pick<string>(linked.imports ?? {}, ([, specifier]) => isUsed(specifier));
    await Deno.writeTextFile(path, JSON.stringify(linked));
  }
  const lock = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.lock")));
  lock.specifiers = pick<string>(lock.specifiers, ([specifier]) => isUsed(specifier));
  for (const entry of Object.values<{ dependencies?: string[] }>(lock.jsr ?? {})) {
    entry.dependencies = entry.dependencies?.filter(isUsed);
  }
  await Deno.writeTextFile(join(kit, "deno.json"), JSON.stringify({ ...config, nodeModulesDir: "auto" }));
  await Deno.writeTextFile(join(kit, "deno.lock"), JSON.stringify(lock));
  await run(Deno.execPath(), ["install", "--quiet", "--entrypoint", "_fresh/server.js"], kit);
  // From now on all packages are local: no registry is asked.
  const fixed = { ...config, nodeModulesDir: "manual", lock: false };
  await Deno.writeTextFile(join(kit, "deno.json"), JSON.stringify(fixed, null, 2));
  await Deno.remove(join(kit, "deno.lock"));
}

/** Names of the npm packages that the modules of the app import. */
async function usedPackages(): Promise<Set<string>> {
  const used = new Set<string>();
  for (const entry of ["_fresh/server.js", "lib/operating/open_here.ts", "lib/operating/admin_tasks.ts"]) {
    const graph: { modules: { specifier: string }[] } = JSON.parse(
      await run(
        Deno.execPath(),
        ["info", "--node-modules-dir=auto", "--unstable-npm-lazy-caching", "--json", entry],
        ROOT,
      ),
    );
    for (const { specifier } of graph.modules) {
      const name = packageName(specifier);
      if (name !== undefined) used.add(name);
    }
  }
  return used;
}

/** `@scope/name` of `npm:@scope/name@1/path`; undefined for anything else. */
function packageName(specifier: string): string | undefined {
  return /^npm:\/?((?:@[^/]+\/)?[^@/]+)/.exec(specifier)?.[1];
}

function pick<T>(entries: Record<string, T>, keep: (entry: [string, T]) => boolean): Record<string, T> {
  return Object.fromEntries(Object.entries(entries).filter(keep));
}

async function run(command: string, args: string[], cwd?: string): Promise<string> {
  const output = await new Deno.Command(command, { args, ...(cwd !== undefined && { cwd }) }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!output.success) throw new Error(`${command} ${args[0]} failed: ${text(output.stderr)}`);
  return text(output.stdout);
}

const START_SCRIPT = `#!/bin/sh
# Starts Festival Chat on port 8000 (another one: PORT=9000 ./start.sh). Data is kept in data/. Settings go
# into settings.env, one NAME=value per line.
cd "$(dirname "$0")" || exit 1
# Data and settings are their owner's only.
umask 077
chmod 600 settings.env 2>/dev/null
if [ -f settings.env ]; then set -a; . ./settings.env; set +a; fi
export DENO_DIR="\${DENO_DIR:-$PWD/cache}" FESTIVAL_DATA_DIR="\${FESTIVAL_DATA_DIR:-$PWD/data}" DENO_NO_UPDATE_CHECK=1
mkdir -p "$FESTIVAL_DATA_DIR"
./deno run --quiet --no-prompt --allow-sys --allow-env --allow-read=. lib/operating/open_here.ts "\${PORT:-8000}"
exec ./deno serve --quiet --cached-only --no-prompt \\
  --allow-env="FESTIVAL_*,DENO_*,OTEL_*,container,KUBERNETES_SERVICE_HOST,GITHUB_SHA,CI_COMMIT_SHA" \\
  --allow-read=_fresh,static,"$FESTIVAL_DATA_DIR" --allow-write="$FESTIVAL_DATA_DIR" --allow-sys=statfs,systemMemoryInfo --host 0.0.0.0 --port "\${PORT:-8000}" _fresh/server.js
`;

const OPERATOR_SCRIPT = `#!/bin/sh
# ./operator.sh hash | key | backup FILE | restore FILE | repair: like deno task admin:hash, admin:key, backup, restore and repair.
kit="$(cd "$(dirname "$0")" && pwd)" || exit 1
umask 077
if [ -f "$kit/settings.env" ]; then set -a; . "$kit/settings.env"; set +a; fi
export DENO_DIR="\${DENO_DIR:-$kit/cache}" FESTIVAL_DATA_DIR="\${FESTIVAL_DATA_DIR:-$kit/data}" DENO_NO_UPDATE_CHECK=1
exec "$kit/deno" run --quiet --cached-only --no-prompt --config "$kit/deno.json" \\
  --allow-env="FESTIVAL_*,DENO_*,OTEL_*,container,KUBERNETES_SERVICE_HOST" --allow-read --allow-write --allow-net \\
  "$kit/lib/operating/admin_tasks.ts" "$@"
`;

const SETTINGS = "# One NAME=value per line; OPERATING.md lists the names.\n";

const START_HERE = `Festival Chat, field kit
========================

Needs only this folder: no internet, no installation.

1. In a terminal, in this folder: ./start.sh
2. It shows an address and a QR code. Open it on phones on the same Wi-Fi.
3. Ctrl-C stops it. All messages stay in the folder data/ and are there after the next start.

Settings are environment variables, or lines of settings.env; OPERATING.md lists them. To turn on the operator's pages,
at http://localhost:8000/admin on this machine: run ./operator.sh hash >> settings.env and type a password twice; for
broadcasts also run ./operator.sh key >> settings.env; then restart. ./operator.sh backup FILE saves everything to a file.
Over plain http phones have no camera and no offline pages; chat, QR codes on screen and links between phones work.
`;

if (import.meta.main) {
  const file = Deno.args[0] ?? `${KIT_NAME}-${Deno.build.os}-${Deno.build.arch}.tar.gz`;
  await makeKit(file);
  const { size } = await Deno.stat(file);
  // deno-lint-ignore no-console -- says where the archive is
  console.log(`${file}: ${(size / 1_048_576).toFixed(0)} MB`);
}
