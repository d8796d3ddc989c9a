/**
 * Hash of what the browser gets: client code and static files. It changes exactly when a build differs and is part of
 * every immutable URL. The server learns it when a build is applied; client code reads it from its own URL.
 */
export let BUILD_ID = /\/_fresh\/js\/([^/]+)\//.exec(import.meta.url)?.[1] ??
  "development";

/** Called when a build is applied to an app. */
export function setBuildId(id: string): void {
  BUILD_ID = id;
}
