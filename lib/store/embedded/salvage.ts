/** Takes what SQLite can still read out of a damaged database. */
import { DatabaseSync } from "node:sqlite";

/** Ways to all keys: each ends at the first damaged page that it meets; the third does not touch the values' pages. */
const WAYS = [
  "SELECT k FROM kv NOT INDEXED ORDER BY k",
  "SELECT k FROM kv NOT INDEXED ORDER BY k DESC",
  "SELECT k FROM kv INDEXED BY kv_expiration_ms_idx ORDER BY expiration_ms",
  "SELECT k FROM kv INDEXED BY kv_expiration_ms_idx ORDER BY expiration_ms DESC",
];

/**
 * Copies every row that can be read from the damaged database at `from` into the new one at `to`, which Deno KV made.
 * Returns their number, and that of rows whose key is known and whose value is lost. Throws SQLite's error when the file
 * is too damaged to be opened.
 */
export function salvage(from: string, to: string): { rows: number; lost: number } {
  const source = new DatabaseSync(from), target = new DatabaseSync(to);
  try {
    const known = new Map<string, Uint8Array>();
    for (const way of WAYS) {
      try {
        for (const { k } of source.prepare(way).iterate()) known.set((k as Uint8Array).toHex(), k as Uint8Array);
      } catch (error) {
        if (!(error instanceof Error)) throw error; // The other ways begin elsewhere.
      }
    }
    const row = source.prepare("SELECT * FROM kv NOT INDEXED WHERE k = ?");
    let rows = 0, lost = 0, newest = 0;
    target.exec("BEGIN");
    for (const key of known.values()) {
      try {
        const values = row.get(key) as Record<string, Uint8Array | number> | undefined;
        if (values === undefined) throw new Error("this key leads nowhere");
        const columns = Object.keys(values);
        const insert = `INSERT OR REPLACE INTO kv (${columns}) VALUES (${columns.map(() => "?")})`;
        target.prepare(insert).run(...Object.values(values));
        newest = Math.max(newest, Number(values.version));
        rows++;
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        lost++;
      }
    }
    // Versions of later commits must be higher.
    target.prepare("INSERT OR REPLACE INTO data_version (k, version) VALUES (0, ?)").run(newest + 1);
    target.exec("COMMIT");
    return { rows, lost };
  } finally {
    source.close();
    target.close();
  }
}
