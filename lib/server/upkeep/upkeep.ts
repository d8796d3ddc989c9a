/** Upkeep of this process's database: disk space, erasing, backups. */
import { eraseDeleted } from "../../store/embedded/database_file.ts";
import { processName } from "../../store/embedded/process_lock.ts";
import type { Store } from "../../store/store.ts";
import { writeBackupFile } from "../admin/backup_file.ts";
import type { ServerConfig } from "../config/server_config.ts";
import type { Environment } from "../environment.ts";
import { nodeVerifier } from "../rooms/verifier.ts";
import type { DiskSpace } from "./disk_space.ts";
import { Erasing } from "./erasing.ts";
import { type BackupFolder, ScheduledBackups } from "./scheduled_backups.ts";

export interface UpkeepDeps {
  store: Store;
  config: Pick<ServerConfig, "backups" | "dataDir">;
  environment: Environment;
  instance: string;
  /** File of the embedded database; absent with another one, whose file is not here. */
  path?: string;
  disk?: DiskSpace;
}

/** Runs from its construction until `close`. */
export class Upkeep {
  readonly #backups: ScheduledBackups;
  readonly #erasing: Erasing | undefined;
  readonly #disk: DiskSpace | undefined;

  constructor({ store, config, environment, instance, path, disk }: UpkeepDeps) {
    this.#disk = disk;
    this.#backups = new ScheduledBackups({
      folder: folderOf(`${config.dataDir}/backups`, store, environment),
      config: config.backups,
      leases: store.leases,
      environment,
      instance,
    });
    this.#erasing = path === undefined ? undefined : new Erasing({
      store,
      environment,
      instance,
      process: processName() ?? instance,
      erase: () => eraseDeleted(path),
      disk: () => disk?.measure,
    });
  }

  /** Erases what an earlier run left, before anybody is served. */
  async start(): Promise<void> {
    await this.#erasing?.start();
  }

  /** Problems for an operator, one line each. */
  get problems(): string[] {
    return [this.#backups.problem ?? []].flat();
  }

  async close(): Promise<void> {
    this.#disk?.close();
    await this.#backups.close();
    await this.#erasing?.close();
  }
}

function folderOf(folder: string, store: Store, { clock }: Environment): BackupFolder {
  return {
    list: async () => {
      await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
      return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
    },
    write: async (name, signal) => {
      await writeBackupFile(store, `${folder}/${name}`, nodeVerifier(), clock.now(), signal);
    },
    remove: (name) => Deno.remove(`${folder}/${name}`),
  };
}
