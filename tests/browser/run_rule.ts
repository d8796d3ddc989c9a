/** Runs one rule of the browser tests, and cleans up however it ends. */
import { assertEquals } from "@std/assert";
import type { Device } from "./device.ts";

/** Everything that one rule opened; `close` ends it all. */
export interface Stage {
  readonly devices: readonly Device[];
  close(): Promise<void>;
}

/**
 * Runs one rule on its own stage and closes the stage in every case. Throws if the rule fails, takes too long, or a page
 * had an unexpected fault; pictures and console output are written first.
 */
export async function runRule<Field extends Stage>(
  name: string,
  field: Field,
  run: (field: Field) => Promise<void>,
  timeoutMs: number,
): Promise<void> {
  try {
    await inTime(run(field), timeoutMs);
    for (const device of field.devices) assertEquals(device.faults, [], `what went wrong for ${device.name}`);
  } catch (error) {
    await showPages(name, field);
    throw error;
  } finally {
    await field.close();
  }
}

async function inTime(running: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    await Promise.race([running, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Saves pictures of all pages and prints their console output, to help to find the cause. */
async function showPages(name: string, field: Stage): Promise<void> {
  const pictures = `${Deno.env.get("TMPDIR") ?? "/tmp"}/festival-failures/${name.replace(/\W+/g, "-").slice(0, 80)}`;
  await Deno.mkdir(pictures, { recursive: true });
  for (const [number, device] of field.devices.entries()) {
    for (const [i, tab] of device.tabs.entries()) {
      const path = `${pictures}/${number + 1}-${device.name.replace(/\W+/g, "-").slice(0, 20)}-${i + 1}.png`;
      await tab.page.screenshot({ path, timeout: 5_000 }).then(
        () => console.error(`picture: ${path}`),
        (error) => console.error(`no picture of ${device.name}: ${error}`),
      );
    }
    const said = [...device.faults, ...device.notes];
    if (said.length > 0) console.error(`${device.name}:\n  ${said.join("\n  ")}`);
  }
}
