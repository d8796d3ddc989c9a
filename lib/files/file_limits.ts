// Runs in browser and simulator.
/** Sizes and times of file transfers, per room and link. */
import type { RateLimit } from "../shared/rate_limiter.ts";

/** Pictures of up to this size are downloaded automatically. Photos are compressed to it. */
export const SMALL_FILE_BYTES = 200_000;
/** Blocks requested from one holder at a time: it reads the next one while it sends one. */
export const BLOCKS_PER_HOLDER = 2;
/** Blocks of one file in flight or being verified: bounds its memory to 2 MiB. */
export const BLOCKS_IN_FLIGHT = 8;
/** A holder that does not answer in this time is paused and others are asked. */
export const ANSWER_TIMEOUT_MS = 10_000;
/** Pause of such a holder; longer each time. */
export const HOLDER_PAUSE_MS = 5_000;
/** Time between two checks for late blocks. */
export const TICK_EVERY_MS = 1_000;
/** Time between two dials to the author while no linked phone holds a missing block. */
export const CONNECT_EVERY_MS = 10_000;
/** After this long without a holder a peer is asked to carry the file; sooner for small files. */
export const CARRY_AFTER_MS = 8_000;
export const CARRY_SMALL_AFTER_MS = 1_500;
/** Time until the next peer is asked to carry it. All peers are then asked again which blocks they hold. */
export const CARRY_NEXT_MS = 15_000;
/** Files carried for others at a time. Further requests are ignored: the asker tries its next peer. */
export const CARRIED_FILES_MAX = 2;
/** Misbehaving phones remembered. The oldest is forgotten. */
export const MISBEHAVING_MAX = 256;
/** Files wanted by one peer that are remembered. The oldest is forgotten. */
export const ASKED_MAX = 64;
/** Blocks queued for one peer. Further requests are refused. */
export const UPLOADS_PER_PEER = 16;
/** Frames other than data waiting for a full channel. The oldest is dropped: the peer asks again. */
export const WAITING_FRAMES_MAX = 256;
/** Bytes uploaded to one peer: 1 MiB a second after the burst. A request counts as FRAME_COST_BYTES. */
export const UPLOAD_LIMIT: RateLimit = { burst: 134_217_728, everyMs: 1_000 / 1_048_576 };
export const FRAME_COST_BYTES = 2_048;
