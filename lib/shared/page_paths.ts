// Runs in browser and server.
/** Addresses of pages that are known in more than one place. */

/** The page that stands in for one that is not on the device, without a network. */
export const OFFLINE_PATH = "/offline";
/** A fragment of that page that begins like this holds another phone's pairing code. */
export const PAIRING_FRAGMENT = "pair=";
