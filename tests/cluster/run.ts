/**
 * `deno task test:cluster`: finds denokv, or builds it once with cargo, and runs the cluster tests. Building took 8 min
 * on two cores at low priority; it needs cargo, protoc and a C compiler.
 */
import { DENOKV_FOLDER, DENOKV_VERSION, findDenokv } from "./denokv.ts";

if (findDenokv() === undefined) {
  const missing = [];
  for (const program of ["cargo", "protoc", "cc"]) if (!await works(program)) missing.push(program);
  if (missing.length > 0) {
    console.error(
      `denokv cannot be built here: ${missing.join(", ")} missing. ` +
        "Install them (Debian: apt-get install build-essential protobuf-compiler; cargo 1.85 or newer from rustup), " +
        "or name a denokv with DENOKV_PATH.",
    );
    Deno.exit(1);
  }
  console.error(`Building denokv ${DENOKV_VERSION} in ${DENOKV_FOLDER} …`);
  const startedAt = performance.now();
  await run("cargo", ["install", "denokv", "--locked", "--version", DENOKV_VERSION, "--root", DENOKV_FOLDER]);
  console.error(`Built in ${Math.round((performance.now() - startedAt) / 1_000)} s.`);
}
await run(Deno.execPath(), ["test", "-A", import.meta.dirname!, ...Deno.args]);

async function works(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function run(program: string, args: string[]): Promise<void> {
  const { code } = await new Deno.Command(program, { args }).spawn().status;
  if (code !== 0) Deno.exit(code);
}
