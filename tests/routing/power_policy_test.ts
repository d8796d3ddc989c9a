import { assert, assertEquals } from "@std/assert";
import { MESH_MODES } from "../../lib/routing/mesh_mode.ts";
import {
  BACKGROUND_AFTER_MS,
  linkHeartbeatMs,
  powerPolicy,
  type PowerReason,
  type PowerSituation,
} from "../../lib/routing/power_policy.ts";

/** A desktop on the mains that somebody looks at. */
const CALM: PowerSituation = {
  mode: "auto",
  battery: undefined,
  saveData: false,
  networkType: undefined,
  weak: false,
  hiddenForMs: 0,
  server: true,
};
const battery = (level: number, charging = false) => ({ battery: { level, charging } });
const NO_SERVER = { server: false };
const HIDDEN = { hiddenForMs: BACKGROUND_AFTER_MS };

const TABLE: [name: string, change: Partial<PowerSituation>, maxLinks: number, reason: PowerReason][] = [
  ["a desktop has all links", {}, 8, "full"],
  ["a phone has a phone's links", { weak: true }, 3, "full"],
  ["above 70 %: all", battery(0.71), 8, "full"],
  ["70 % and below: few", battery(0.7), 3, "few_links"],
  ["a phone below 70 %: no more than a phone has", { ...battery(0.5), weak: true }, 3, "few_links"],
  ["40 % and below: server only", battery(0.4), 0, "battery_low"],
  ["40 % and below, no server: few links", { ...battery(0.4), ...NO_SERVER }, 3, "battery_low"],
  ["20 % and below: server only", battery(0.2), 0, "battery_very_low"],
  ["20 % and below, no server: one link", { ...battery(0.2), ...NO_SERVER }, 1, "battery_very_low"],
  ["an empty battery that is charging counts as full", battery(0.01, true), 8, "full"],
  ["a mobile network: few", { networkType: "cellular" }, 3, "few_links"],
  ["Wi-Fi: all", { networkType: "wifi" }, 8, "full"],
  ["save data: server only", { saveData: true }, 0, "save_data"],
  ["save data, no server: few", { saveData: true, ...NO_SERVER }, 3, "save_data"],
  ["a low battery counts before save data", { ...battery(0.1), saveData: true }, 0, "battery_very_low"],
  ["a page hidden for a while: server only", HIDDEN, 0, "background"],
  ["a page hidden for a moment: all", { hiddenForMs: BACKGROUND_AFTER_MS - 1 }, 8, "full"],
  ["a hidden page without a server keeps all links", { ...HIDDEN, ...NO_SERVER }, 8, "full"],
  ["switched off: none", { mode: "off" }, 0, "switched_off"],
  ["switched off, without a server too", { mode: "off", ...NO_SERVER }, 0, "switched_off"],
  ["switched on: battery and network do not count", { mode: "on", ...battery(0.1), saveData: true }, 8, "full"],
  ["switched on, in the background: server only", { mode: "on", ...HIDDEN }, 0, "background"],
];

for (const [name, change, maxLinks, reason] of TABLE) {
  Deno.test(`power policy: ${name}`, () => {
    assertEquals(powerPolicy({ ...CALM, ...change }), { maxLinks, reason });
  });
}

Deno.test("power policy: neither a fuller battery nor the lack of a server reduces the links", () => {
  const levels = [0, 0.1, 0.2, 0.21, 0.4, 0.41, 0.7, 0.71, 1];
  for (const mode of MESH_MODES) {
    for (const weak of [true, false]) {
      for (const saveData of [true, false]) {
        for (const hiddenForMs of [0, BACKGROUND_AFTER_MS]) {
          const linksAt = (level: number, server: boolean) =>
            powerPolicy({ ...CALM, mode, weak, saveData, hiddenForMs, server, ...battery(level) }).maxLinks;
          for (const [at, level] of levels.entries()) {
            assert(linksAt(level, false) >= linksAt(level, true));
            if (at > 0) assert(linksAt(level, true) >= linksAt(levels[at - 1]!, true));
          }
        }
      }
    }
  }
});

Deno.test("links are pinged less often the lower the battery is", () => {
  const waits = (["full", "few_links", "battery_low", "battery_very_low"] as const).map(linkHeartbeatMs);
  assertEquals(waits, [5_000, 10_000, 10_000, 25_000]);
});
