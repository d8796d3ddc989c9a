/** CPU and memory usage. From /proc on Linux; from `ps` elsewhere, without figures per core. */

const onLinux = Deno.build.os === "linux";
/** Ticks per second of every Linux that Deno runs on (USER_HZ). */
const TICK_MS = 10;

/** CPU time of a process so far, of all its threads, in user mode and in the kernel, ms. */
export function cpuMsOf(pid: number): number {
  if (onLinux) {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // The name in parentheses may hold spaces; utime and stime are fields 14 and 15 (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  }
  // [[days-]hours:]minutes:seconds.hundredths
  const seconds = ps("cputime", pid).split(/[-:]/).reverse();
  const units = [1, 60, 3_600, 86_400];
  return seconds.reduce((sum, part, at) => sum + Number(part) * units[at]!, 0) * 1_000;
}

/** Memory of a process that is in RAM now, KB. */
export function memoryKbOf(pid: number): number {
  if (!onLinux) return Number(ps("rss", pid));
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`));
  return Number(line![1]);
}

/** Total busy time of a core, ms; NaN if unknown. */
export function coreBusyMs(core: number): number {
  if (!onLinux) return NaN;
  const line = new RegExp(`^cpu${core} (.*)$`, "m").exec(Deno.readTextFileSync("/proc/stat"));
  // user nice system idle iowait irq softirq steal (proc(5))
  const [user, nice, system, , , irq, softirq, steal] = line![1]!.split(" ").map(Number);
  return (user! + nice! + system! + irq! + softirq! + steal!) * TICK_MS;
}

function ps(field: string, pid: number): string {
  const { stdout } = new Deno.Command("ps", { args: ["-o", `${field}=`, "-p", String(pid)] }).outputSync();
  return new TextDecoder().decode(stdout).trim();
}
