/** One rule of the browser tests, from its beginning to its end, whatever happens in it. */
import { assertEquals } from "@std/assert";
import type { Device } from "./device.ts";

/** Where a rule plays; `close` ends everything of it. */
export interface Stage {
  readonly devices: readonly Device[];
  close(): Promise<void>;
}

/**
 * Plays one rule on a stage of its own, and closes that in every case. Throws when the rule fails, is not done in time, or
 * something went wrong in a page that nobody expected; then it has told what was seen.
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
    await showWhatWasSeen(name, field);
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

/** Pictures of all pages and what their consoles said, for whoever looks into a failure. */
async function showWhatWasSeen(name: string, field: Stage): Promise<void> {
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
