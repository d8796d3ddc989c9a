/** Backups by themselves: a file every some hours, of which the newest are kept. */
import type { Cancel } from "../../shared/environment.ts";
import type { Store } from "../../store/store.ts";
import type { ServerConfig } from "../config/server_config.ts";
import type { Environment } from "../environment.ts";
import { errorText } from "../logger.ts";
import { EmptyBackup, PART } from "../admin/backup_file.ts";

const LOOK_EVERY_MS = 60_000;
const LEASE_MS = 3_600_000;
const NAME = /^festival-(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)Z\.backup\.jsonl$/;

/** The folder of the backups: its files by their names. */
export interface BackupFolder {
  list(): Promise<string[]>;
  /** Makes the folder, too. Throws EmptyBackup. */
  write(name: string, signal: AbortSignal): Promise<void>;
  remove(name: string): Promise<void>;
}

export interface ScheduledBackupsDeps {
  folder: BackupFolder;
  config: ServerConfig["backups"];
  leases: Pick<Store["leases"], "acquire">;
  environment: Environment;
  instance: string;
}

export class ScheduledBackups {
  #cancel: Cancel | undefined;
  #running = Promise.resolve();
  readonly #closing = new AbortController();
  #problem: string | undefined;

  constructor(private readonly deps: ScheduledBackupsDeps) {
    if (deps.config.everyMs > 0) this.#later(0);
  }

  /** Why the last backup was not written; undefined when it was. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Gives up a backup that is being written: the next start writes it. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#cancel?.();
    await this.#running;
  }

  #later(delayMs: number): void {
    if (this.#closing.signal.aborted) return;
    this.#cancel = this.deps.environment.timers.after(delayMs, async () => {
      await (this.#running = this.#look());
      this.#later(LOOK_EVERY_MS);
    });
  }

  async #look(): Promise<void> {
    const { folder, config: { everyMs, keep }, leases, instance, environment: { clock, log } } = this.deps;
    try {
      const nowMs = clock.now();
      const newest = backupsAmong(await folder.list()).at(-1);
      // A file from the future comes from a clock that was wrong.
      if (newest !== undefined && nowMs - newest.at < everyMs && newest.at <= nowMs) return;
      if (!await leases.acquire("backup", instance, LEASE_MS, nowMs)) return;
      // A run that was killed may have left one.
      for (const name of await folder.list()) if (name.endsWith(PART)) await folder.remove(name);
      await folder.write(backupName(nowMs), this.#closing.signal);
      this.#problem = undefined;
      for (const { name } of backupsAmong(await folder.list()).slice(0, -keep)) await folder.remove(name);
    } catch (error) {
      if (error instanceof EmptyBackup || this.#closing.signal.aborted) return;
      const problem = `the scheduled backup failed: ${errorText(error)}`;
      if (problem !== this.#problem) log(problem);
      this.#problem = problem;
    }
  }
}

/** The name of a backup that was taken at this time. */
export function backupName(atMs: number): string {
  return `festival-${new Date(atMs).toISOString().slice(0, 19).replaceAll(":", "-")}Z.backup.jsonl`;
}

/** The backups among these files, oldest first. */
export function backupsAmong(names: readonly string[]): { name: string; at: number }[] {
  return names.flatMap((name) => {
    const [, day, hour, minute, second] = NAME.exec(name) ?? [];
    return day === undefined ? [] : [{ name, at: Date.parse(`${day}T${hour}:${minute}:${second}Z`) }];
  }).sort((a, b) => a.at - b.at);
}
