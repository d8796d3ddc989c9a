/** Requests for pages and figures, and wrong hellos, as fast as a stranger can. */
import { attack, isFull } from "./attack.ts";
import { request } from "./http.ts";
import { Crowd, newcomers } from "./people.ts";
import { startAttackers, startTarget, type Target } from "./target.ts";

/** Below this a p99 on a shared machine says nothing. */
const NOISE_MS = 100;
const PATHS = ["/", "/analytics?range=day", "/metrics", "/nothing-here"];

const TOKEN = "a-token-that-only-this-test-knows";

const FLOODS = {
  "40 parallel requests for pages and figures": { parallel: 40, hellosPerSecond: 0 },
  "400 wrong hellos a second": { parallel: 0, hellosPerSecond: 400 },
  "both at once": { parallel: 40, hellosPerSecond: 400 },
};

/** Calls to the database so far. */
async function databaseCalls({ url }: Target): Promise<number> {
  const answer = await fetch(`${url}/metrics`, { headers: { Authorization: `Bearer ${TOKEN}` } });
  const figures = await answer.text();
  if (!answer.ok) throw new Error(`no figures: ${answer.status} ${figures}`);
  return [...figures.matchAll(/^festival_kv_operations_total\{.*\} (\d+)$/gm)].reduce(
    (sum, [, n]) => sum + Number(n),
    0,
  );
}

for (const [flood, order] of Object.entries(FLOODS)) {
  if (flood === "both at once" && !isFull) continue;
  attack("A8", `${flood} delay no ack and keep no newcomer out`, async ({ pick, findings }) => {
    // Figures are open to strangers unless hellos alone are what is measured.
    const onlyHellos = order.parallel === 0;
    await using target = await startTarget({ env: onlyHellos ? { FESTIVAL_METRICS_TOKEN: TOKEN } : {} });
    const { port } = target;
    const room = await target.newRoom();
    using crowd = await Crowd.enter({ port, room, count: 10, from: (index) => `127.1.0.${index + 1}`, everyMs: 1_000 });
    // As somebody who asks now and then.
    for (const path of PATHS) await (await fetch(target.url + path)).body?.cancel();
    const quiet = await crowd.speak(pick(3_000, 20_000));
    findings.note("quiet", quiet);

    if (!onlyHellos) {
      const startedAt = performance.now();
      const answers = new Set<string>();
      for (let asked = 0; asked < 20; asked++) {
        answers.add((await request({ port, from: "127.3.0.1" }, "/metrics")).body);
      }
      const seconds = (performance.now() - startedAt) / 1_000;
      findings.atMost("different answers of /metrics to 20 requests in a row", answers.size, 2 + Math.floor(seconds));
    }
    const ms = pick(7_000, 30_000);
    const callsBefore = onlyHellos ? await databaseCalls(target) : 0;
    await using attackers = startAttackers("requests", {
      port,
      room: room.id,
      ms,
      paths: PATHS,
      addresses: ["127.66.0.1", "127.66.0.2", "127.66.0.3", "127.66.0.4"],
      ...order,
    });
    const [attacked, arrivals] = await Promise.all([
      crowd.speak(ms),
      newcomers({ port, room, from: (index) => `127.2.0.${index + 1}`, ms: ms - 1_000, everyMs: 500 }),
    ]);
    const counts = await attackers.ended;
    findings.note("attackers", counts);
    if (onlyHellos) {
      const calls = await databaseCalls(target) - callsBefore;
      // People, newcomers and the server's own work call it too.
      findings.atMost("calls to the database for each wrong hello", calls / counts.hellos!, 1);
    }
    findings.note("attacked", attacked);
    findings.note("newcomers", arrivals);
    findings.atLeast("stored", attacked.stored, 0.99);
    findings.atMost("ack p99, ms", attacked.ackP99, 2 * Math.max(quiet.ackP99, NOISE_MS));
    findings.atMost("slowest newcomer, ms", Math.max(...arrivals), 1_500);
  });
}
