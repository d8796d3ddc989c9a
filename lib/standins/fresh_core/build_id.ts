/**
 * Hash of everything that browsers get: client code and static files. It is part of every immutable URL. The server
 * learns it when a build is applied; client code reads it from its own URL.
 */
export let BUILD_ID = /\/_fresh\/js\/([^/]+)\//.exec(import.meta.url)?.[1] ?? "development";

/** Called when a build is loaded. */
export function setBuildId(id: string): void {
  BUILD_ID = id;
}
