/** Chromium 107, of October 2022, for tests of what the oldest supported browsers do. */
import { brotliDecompressSync } from "node:zlib";
import type { Browser } from "playwright-core";
import { launchChromium } from "./chromium.ts";
import { isFile } from "./debian_packages.ts";
import { isFastRun, skipped } from "./skipping.ts";

/** Where the npm package @sparticuz/chromium keeps the browser and its libraries, compressed with brotli. */
const PACKED = new URL("../bin/", import.meta.resolve("@sparticuz/chromium"));

/**
 * The folder with Chromium 107, unpacked once into the user's cache; undefined, after saying why, where it cannot run.
 */
export async function findOldChromium(): Promise<string | undefined> {
  if (isFastRun()) return skipped("tests in Chromium 107", "left out of the fast run");
  if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") {
    return skipped("tests in Chromium 107", "it runs on Linux on x86-64 only");
  }
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/tmp"}/.cache`;
  const folder = `${cache}/festival-chat/chromium-107`;
  if (isFile(`${folder}/chromium`)) return folder;
  await Deno.mkdir(`${cache}/festival-chat`, { recursive: true });
  // Beside it, so that another run never sees half of it.
  const unpacked = await Deno.makeTempDir({ dir: `${cache}/festival-chat`, prefix: "chromium-" });
  await Deno.writeFile(`${unpacked}/chromium`, await unbrotli("chromium.br"), { mode: 0o755 });
  for (const name of ["aws", "swiftshader"]) {
    const archive = `${unpacked}/${name}.tar`;
    await Deno.writeFile(archive, await unbrotli(`${name}.tar.br`));
    const { success, stderr } = await new Deno.Command("tar", { args: ["xf", archive, "-C", unpacked] }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    await Deno.remove(archive);
  }
  try {
    await Deno.rename(unpacked, folder);
  } catch (error) {
    await Deno.remove(unpacked, { recursive: true });
    if (!isFile(`${folder}/chromium`)) throw error;
  }
  return folder;
}

async function unbrotli(name: string): Promise<Uint8Array> {
  return brotliDecompressSync(await Deno.readFile(new URL(name, PACKED)));
}

/** Starts Chromium 107. */
export function launchOldChromium(folder: string): Promise<Browser> {
  return launchChromium(`${folder}/chromium`, {
    args: ["--no-zygote"],
    env: { ...Deno.env.toObject(), LD_LIBRARY_PATH: `${folder}/lib:${folder}` },
  });
}
