// Runs in browser and server.

/** The address that a text is; undefined when it is none. `URL.parse` and `URL.canParse` came with Safari 18 and 17. */
export function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
