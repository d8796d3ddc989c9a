import { MEMBERSHIP_HEADER } from "../../protocol/peer/mesh_config.ts";

/** Requests `GET /mesh/config` from the page's own server; the answer is still unread. Rejects without a network. */
export async function fetchMeshConfig(membership?: string): Promise<unknown> {
  const headers = new Headers();
  if (membership !== undefined) headers.set(MEMBERSHIP_HEADER, membership);
  return await (await fetch("/mesh/config", { cache: "no-store", headers })).json();
}
