import { join } from "node:path";

/** Every file below a folder, sorted by path. A folder that is not there has none. */
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

/** Writes a file when its content differs from what is there. Returns whether it did. */
export async function writeIfChanged(path: string, text: string): Promise<boolean> {
  try {
    if (await Deno.readTextFile(path) === text) return false;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  await Deno.writeTextFile(path, text);
  return true;
}
