/** Free space on the disk of the embedded database, and the database's size. */
import { statfs } from "node:fs/promises";
import type { Cancel, Timers } from "../../shared/environment.ts";
import { filesOf } from "../../store/embedded/database_file.ts";
import type { Log } from "../environment.ts";
import { errorText } from "../logger.ts";

/** One measurement, bytes. */
export interface DiskMeasure {
  /** Space that this process may still fill. */
  free: number;
  /** The size of the whole file system. */
  total: number;
  /** The database with its log. */
  database: number;
}

/** On a small disk this share of it is the reserve. */
const RESERVE_SHARE = 0.1;
const MEASURE_EVERY_MS = 1_000;

/** Measures again and again until `close`. */
export class DiskSpace {
  #measure: DiskMeasure | undefined;
  #cancel: Cancel | undefined;
  #closed = false;
  #problem: string | undefined;

  /** `read` may fail: then the figures are unknown, and the log says so once. `reserveBytes`: as of `diskProblem`. */
  constructor(
    private readonly deps: { read: () => Promise<DiskMeasure>; reserveBytes: number; timers: Timers; log: Log },
  ) {}

  /** Begins; resolves with the first measurement. */
  async start(): Promise<void> {
    await this.#look();
  }

  /** The last measurement; undefined when it cannot be measured. */
  get measure(): DiskMeasure | undefined {
    return this.#measure;
  }

  /** Why nothing may be added to the database now; undefined while there is space. */
  get problem(): string | undefined {
    return this.#problem;
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }

  async #look(): Promise<void> {
    try {
      this.#measure = await this.deps.read();
    } catch (error) {
      this.deps.log(`the free disk space is unknown: ${errorText(error)}`);
      this.#measure = this.#problem = undefined;
      return;
    }
    const before = this.#problem;
    this.#problem = diskProblem(this.#measure, this.deps.reserveBytes);
    if (this.#problem !== undefined && before === undefined) this.deps.log(this.#problem);
    if (this.#problem === undefined && before !== undefined) this.deps.log("the disk has space again");
    if (!this.#closed) this.#cancel = this.deps.timers.after(MEASURE_EVERY_MS, () => void this.#look());
  }
}

/**
 * Why nothing may be added at this measurement; undefined when something may. `reserveBytes` stay free, or a tenth of a
 * small disk: deleting needs space too, and so do other programs.
 */
export function diskProblem(
  { free, total }: Pick<DiskMeasure, "free" | "total">,
  reserveBytes: number,
): string | undefined {
  const reserve = Math.min(reserveBytes, total * RESERVE_SHARE);
  if (free >= reserve) return undefined;
  return `the disk is full: messages are refused until ${megabytes(reserve)} MB are free`;
}

const megabytes = (bytes: number) => Math.ceil(bytes / 1_048_576);

/** Measures the database in the file `path`. Needs `--allow-sys=statfs`. */
export async function measureDisk(path: string): Promise<DiskMeasure> {
  const [{ bavail, blocks, bsize }, ...sizes] = await Promise.all([
    statfs(path),
    ...filesOf(path).map((file) => Deno.stat(file).then(({ size }) => size, () => 0)),
  ]);
  return { free: bavail * bsize, total: blocks * bsize, database: sizes.reduce((sum, size) => sum + size, 0) };
}
