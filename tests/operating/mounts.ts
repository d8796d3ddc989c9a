/** File systems of their own for tests, in memory. */
import { skipped } from "../support/skipping.ts";

/** Mounts one of this size at `folder`; undefined, after noting why, where tests may not mount. The result unmounts it. */
export async function mountMemory(folder: string, options: string): Promise<(() => Promise<void>) | undefined> {
  if (!await run("mount", "-t", "tmpfs", "-o", options, "tmpfs", folder)) {
    return skipped("tests on a file system of their own", "mounting needs root on Linux, and a container forbids it");
  }
  return async () => void await run("umount", folder);
}

async function run(command: string, ...args: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(command, { args, stdout: "null", stderr: "null" }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
