// Runs in browser and server.
/**
 * The one door through which text becomes a frame. Every field and size is checked and a new object is built from the
 * checked fields, so nobody behind the door validates or casts.
 */
export { decodeClientFrame, readHelloProof } from "./decode_client.ts";
export { decodeServerFrame, readRoomInfo, readWireEvent } from "./decode_server.ts";
export type { Decoded } from "./decode_fields.ts";
