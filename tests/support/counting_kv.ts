/** Counts what a database is asked for, in the units that Deno Deploy bills: 4 KiB read, 1 KiB written. */
import { serialize } from "node:v8";
import type { Kv } from "../../lib/store/database.ts";

export interface KvCost {
  /** Requests: a get, a getMany, a batch of a list, a commit is one each. */
  reads: number;
  commits: number;
  /** Keys set or deleted. */
  mutations: number;
  /** Each request's bytes by 4 KiB, rounded up. */
  readUnits: number;
  /** Each mutation's bytes by 1 KiB, rounded up. */
  writeUnits: number;
}

const READ_UNIT_BYTES = 4_096;
const WRITE_UNIT_BYTES = 1_024;

function bytesOf(...parts: unknown[]): number {
  return parts.reduce<number>((sum, part) => sum + (part == null ? 0 : serialize(part).byteLength), 0);
}

/** `kv`, and what was asked of it since the last `take`. */
export function countingKv(kv: Kv): { kv: Kv; take(): KvCost } {
  let cost: KvCost = { reads: 0, commits: 0, mutations: 0, readUnits: 0, writeUnits: 0 };
  const read = (bytes: number) => {
    cost.reads++;
    cost.readUnits += Math.max(1, Math.ceil(bytes / READ_UNIT_BYTES));
  };
  const write = (bytes: number) => {
    cost.mutations++;
    cost.writeUnits += Math.max(1, Math.ceil(bytes / WRITE_UNIT_BYTES));
  };
  const get: Kv["get"] = async (key, options) => {
    const entry = await kv.get(key, options);
    read(bytesOf(entry.value));
    return entry as never;
  };
  const getMany: Kv["getMany"] = async (keys, options) => {
    const entries = await kv.getMany(keys, options);
    read(bytesOf(...entries.map(({ value }) => value)));
    return entries as never;
  };
  const list: Kv["list"] = (selector, options) => {
    const iterator = kv.list(selector, options);
    const counted = (async function* () {
      let bytes = 0;
      for await (const entry of iterator) {
        bytes += bytesOf(entry.value);
        yield entry;
      }
      read(bytes);
    })();
    return counted as never;
  };
  const atomic: Kv["atomic"] = () => {
    const inner = kv.atomic();
    const counted = new Proxy(inner, {
      get(target, name) {
        const method = Reflect.get(target, name) as (...args: unknown[]) => unknown;
        return (...args: unknown[]) => {
          if (name === "set") write(bytesOf(args[0], args[1]));
          else if (name === "delete" || name === "sum") write(0);
          else if (name === "commit") {
            cost.commits++;
            return method.apply(target, args);
          }
          method.apply(target, args);
          return counted;
        };
      },
    });
    return counted;
  };
  return {
    kv: {
      get,
      getMany,
      list,
      atomic,
      set: kv.set.bind(kv),
      delete: kv.delete.bind(kv),
      watch: kv.watch.bind(kv),
      close: kv.close.bind(kv),
    },
    take() {
      const taken = cost;
      cost = { reads: 0, commits: 0, mutations: 0, readUnits: 0, writeUnits: 0 };
      return taken;
    },
  };
}
