// Runs in browser and server.
/** The user's choice of peer links: as many as the device's state allows, the maximum, or none. */
export const MESH_MODES = ["auto", "on", "off"] as const;
export type MeshMode = (typeof MESH_MODES)[number];
