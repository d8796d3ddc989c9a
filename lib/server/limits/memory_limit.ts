/** The RAM that this process may use when no setting says so. */

/** Questions to the system; each one throws where there is no answer, or where this process may not ask. */
export interface MemoryFacts {
  /** The text of a file. */
  read(path: string): string;
  /** RAM of the machine, bytes. */
  totalBytes(): number;
}

const realFacts: MemoryFacts = {
  read: (path) => Deno.readTextFileSync(path),
  totalBytes: () => Deno.systemMemoryInfo().total,
};

/** A control group's limit as its container sees it: cgroup v2, then v1. */
const CGROUP_FILES = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
/** The rest is for the system and its other programs. */
const SHARE_OF_RAM = 0.8;

/** Bytes: the control group's limit or 80 % of the machine's RAM, whichever is lower; Infinity when neither is known. */
export function memoryLimit({ read, totalBytes }: MemoryFacts = realFacts): number {
  const limits = CGROUP_FILES.map((path) => known(() => Number(read(path))));
  return Math.min(...limits, known(totalBytes) * SHARE_OF_RAM);
}

/** "max", 0 and what cannot be asked are no limits. */
function known(ask: () => number): number {
  try {
    const bytes = ask();
    return bytes > 0 ? bytes : Infinity;
  } catch {
    return Infinity;
  }
}
