// Runs in browser and simulator.
/** Sizes and times of one phone's transfers, all rooms' links taken one by one. */

/** Up to this size a picture is fetched without being asked for: what photos are shrunk to. */
export const SMALL_FILE_BYTES = 200_000;
/** Blocks that are asked for at one holder at a time: one comes while the next is being read. */
export const BLOCKS_PER_HOLDER = 2;
/** Blocks that one file has on their way or under check: a bound of its memory, 2 MiB. */
export const BLOCKS_IN_FLIGHT = 8;
/** A holder that sends nothing of what it was asked for in this time rests; others are asked meanwhile. */
export const ANSWER_TIMEOUT_MS = 10_000;
/** How long it rests; longer each time. */
export const HOLDER_PAUSE_MS = 5_000;
/** Between two looks at what is late. */
export const TICK_EVERY_MS = 1_000;
/** Between two tries to link with the author while nobody linked holds anything that is missing. */
export const CONNECT_EVERY_MS = 10_000;
/** After this long without a holder a neighbour is asked to fetch it for us; small files are worth it sooner. */
export const CARRY_AFTER_MS = 8_000;
export const CARRY_SMALL_AFTER_MS = 1_500;
/** Then the next neighbour is asked. Neighbours are asked again what they hold as often. */
export const CARRY_NEXT_MS = 15_000;
/** Files fetched for others at a time. More are not begun: the asker tries the next neighbour. */
export const CARRIED_FILES_MAX = 2;
/** Phones that are not asked again because of what they sent; the first of them is forgotten. */
export const MISBEHAVING_MAX = 256;
/** Files that a neighbour is told of when they change; the oldest question is forgotten. */
export const ASKED_MAX = 64;
/** Blocks a neighbour may wait for; more are refused. */
export const UPLOADS_PER_NEIGHBOUR = 16;
/** Frames other than data that wait for a channel that takes none. The oldest is dropped: who waits asks again. */
export const WAITING_FRAMES_MAX = 256;
/** What one neighbour may make this phone send: so many bytes at once, then so many a second. A frame counts as a few KiB. */
export const UPLOAD_BURST_BYTES = 134_217_728;
export const UPLOAD_BYTES_PER_SECOND = 1_048_576;
export const FRAME_COST_BYTES = 2_048;
