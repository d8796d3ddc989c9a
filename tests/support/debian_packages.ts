/** Programs that tests use and that are no npm packages, from Debian where this is Debian and we are root. */

/** How long a package manager that is busy is waited for, ms. */
const LOCK_PATIENCE_MS = 600_000;

/** Whether there is such a file. */
export function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}

/** Installs Debian packages; false, after saying why, when that is not possible here. `why`: e.g. "for the browser tests". */
export async function installPackages(names: readonly string[], why: string): Promise<boolean> {
  if (Deno.build.os !== "linux" || !isFile("/usr/bin/apt-get") || Deno.uid() !== 0) return false;
  console.info(`Installing Debian's ${names.join(", ")} ${why} …`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [["update", "-qq"], ["install", "-y", "-qq", ...names]]) {
    for (const startedAt = Date.now();;) {
      const { success, stderr } = await new Deno.Command("apt-get", { args, env, stdout: "null", stderr: "piped" })
        .output();
      if (success) break;
      const why = new TextDecoder().decode(stderr).trim();
      // Another program is installing: that is no reason to do without.
      if (/Could not get lock|Unable to acquire/.test(why) && Date.now() - startedAt < LOCK_PATIENCE_MS) {
        await new Promise((resolve) => setTimeout(resolve, 2_000));
        continue;
      }
      console.warn(`apt-get ${args[0]} failed: ${why}`);
      return false;
    }
  }
  return true;
}
