/**
 * The git commit checked out in `root`, 12 digits, with `+` when tracked files differ from it; undefined where there is no
 * git or no repository.
 */
export function gitCommit(root: string): string | undefined {
  const git = (...args: string[]) => {
    try {
      const { success, stdout } = new Deno.Command("git", { args, cwd: root, stderr: "null" }).outputSync();
      return success ? new TextDecoder().decode(stdout).trim() : undefined;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  };
  const commit = git("rev-parse", "--short=12", "HEAD");
  if (!commit) return undefined;
  return git("status", "--porcelain", "--untracked-files=no") === "" ? commit : `${commit}+`;
}
