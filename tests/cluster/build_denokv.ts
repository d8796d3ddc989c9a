/** Builds denokv once with cargo where there is none: 8 minutes on two cores. Needs cargo, protoc and a C compiler. */
import { DENOKV_FOLDER, DENOKV_VERSION, denokvPath } from "./denokv.ts";

if (denokvPath() === undefined) {
  const missing: string[] = [];
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
  const args = ["install", "denokv", "--locked", "--version", DENOKV_VERSION, "--root", DENOKV_FOLDER];
  const { code } = await new Deno.Command("cargo", { args }).spawn().status;
  if (code !== 0) Deno.exit(code);
  console.error(`Built in ${Math.round((performance.now() - startedAt) / 1_000)} s.`);
}

async function works(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
