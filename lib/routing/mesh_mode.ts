// Runs in browser and server.
/** What somebody chose in the connection panel of the links to peers: as the device's state allows, as many as may be, none. */
export const MESH_MODES = ["auto", "on", "off"] as const;
export type MeshMode = (typeof MESH_MODES)[number];
