import { join } from "node:path";

/** Lists every file below a folder, sorted by path. A missing folder has none. */
export async function filesBelow(dir: string, isWanted: (path: string) => boolean): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const entry of Deno.readDir(dir)) {
      const path = join(dir, entry.name);
      if (entry.isDirectory) found.push(...await filesBelow(path, isWanted));
      else if (entry.isFile && isWanted(path)) found.push(path);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found.sort((a, b) => a < b ? -1 : 1);
}

/** Writes a file unless it has this content already. */
export async function writeIfChanged(path: string, text: string): Promise<void> {
  try {
    if (await Deno.readTextFile(path) === text) return;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  await Deno.writeTextFile(path, text);
}
