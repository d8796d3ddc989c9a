/**
 * Festival Chat against `ws` and Socket.IO: one room, each server in turn on one core, the load on another.
 * `deno task bench [--quick] [--rounds=3] [--only=festival-chat,ws,socket.io] [--json=FILE]`. Method: README.md.
 */
import { SERVER_NAMES, type ServerName } from "./dialects.ts";
import { findCores, hasNode, prepareServers, runLoad, startServer } from "./processes.ts";
import { markdownReport, type Measurement } from "./report.ts";

const RATES = [20, 200];
const SEED = 20_260_704;
const FULL = { sockets: [200, 1_000], rounds: 3, warmUpMs: 1_000, windowMs: 4_200, drainMs: 2_000 };
const QUICK = { sockets: [200, 500], rounds: 1, warmUpMs: 500, windowMs: 2_000, drainMs: 1_000 };

const option = (name: string) => Deno.args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
const plan = Deno.args.includes("--quick") ? QUICK : FULL;
const rounds = Number(option("rounds") ?? plan.rounds);
const only = option("only")?.split(",");
const servers = SERVER_NAMES.filter((name) => only?.includes(name) ?? true);

const cores = await findCores();
const node = await hasNode();
await prepareServers();
console.error(
  cores ? `server on core ${cores.server}, load on core ${cores.load}` : "processes are not pinned to cores",
);
console.error(`ws and Socket.IO run under ${node ? "Node" : "Deno"}`);

const measurements: Measurement[] = [];
for (let round = 1; round <= rounds; round++) {
  for (const sockets of plan.sockets) {
    for (const server of servers) measurements.push(...await measure(server, round, sockets));
  }
}
const json = option("json");
if (json !== undefined) await Deno.writeTextFile(json, JSON.stringify(measurements, null, 2));
console.log(markdownReport(measurements));

async function measure(server: ServerName, round: number, sockets: number): Promise<Measurement[]> {
  await using running = await startServer(server, cores, node);
  const { warmUpMs, windowMs, drainMs } = plan;
  const { idleKb, windows, ended } = await runLoad({
    server,
    port: running.port,
    pid: running.pid,
    ...(cores === undefined ? {} : { serverCore: cores.server }),
    room: running.room,
    sockets,
    rates: RATES,
    // A different schedule in each round, the same for all servers.
    seed: SEED + round * 1_000,
    warmUpMs,
    windowMs,
    drainMs,
  }, cores);
  if (ended.length > 0) console.error(`${server}: ${ended.length} of ${sockets} connections ended: ${ended[0]}`);
  for (const { rate, delivered, p50Ms, p99Ms, cpuUsPerDelivery, loadShare, othersShare } of windows) {
    console.error(
      `round ${round}, ${sockets} sockets, ${rate}/s, ${server}: ${(delivered * 100).toFixed(1)} % delivered, ` +
        `p50 ${p50Ms} ms, p99 ${p99Ms} ms, ${cpuUsPerDelivery.toFixed(2)} µs per delivery ` +
        `(load ${(loadShare * 100).toFixed(0)} %, others ${(othersShare * 100).toFixed(0)} %)`,
    );
  }
  return windows.map((window) => ({ server, round, sockets, idleKb, ...window }));
}
