/** Requests `GET /mesh/config` from the page's own server; the answer is still unread. Rejects without a network. */
export async function fetchMeshConfig(): Promise<unknown> {
  return await (await fetch("/mesh/config", { cache: "no-store" })).json();
}
