/** Asks the page's own server for `GET /mesh/config`; whatever it answers is still to be read. Rejects without a network. */
export async function fetchMeshConfig(): Promise<unknown> {
  return await (await fetch("/mesh/config", { cache: "no-store" })).json();
}
