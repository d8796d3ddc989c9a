import { MemoryDatabase } from "./support/memory_kv.ts";
import { openStore } from "../lib/store/deno_store.ts";
import { createServer } from "../lib/server/server.ts";
import { realSurroundings } from "../lib/server/surroundings.ts";
import { nodeVerifier } from "../lib/server/verifier.ts";
import { ed25519 } from "../lib/crypto/ed25519.ts";
import { Monitor } from "../lib/server/stats/monitor.ts";
import { writeRecord } from "../lib/server/stats/totals.ts";
import { configWith } from "./server/support.ts";
const calls: Record<string, number> = {};
const store = openStore({
  kv: new MemoryDatabase({ now: Date.now }).open(),
  onCall: (k) => void (calls[k] = (calls[k] ?? 0) + 1),
});
const server = createServer({
  ...realSurroundings,
  store,
  config: configWith({ monitoring: { probeEveryMs: 0 } }),
  verifier: nodeVerifier(),
});
const monitor = new Monitor({
  server,
  store,
  surroundings: realSurroundings,
  ed25519: await ed25519(),
  process: { memory: () => ({ rss: 1, heapUsed: 1 }), cpuMs: () => 1 },
});
await monitor.probe();
const before = { ...calls };
const N = 3;
for (let i = 0; i < N; i++) {
  await monitor.probe();
  await new Promise((r) => setTimeout(r, 35_000));
}
for (const k in calls) console.log(k, ((calls[k]! - (before[k] ?? 0)) / N).toFixed(1));
console.log(
  "idle share included: 35 s per probe; record bytes",
  writeRecord({ ...server.stats.totals(), at: Date.now(), forMs: 60000, gauges: monitor.gauges() }).length,
);
const idle = { ...calls };
await new Promise((r) => setTimeout(r, 35_000));
for (const k in calls) console.log("idle 35 s", k, calls[k]! - idle[k]!);
Deno.exit();
