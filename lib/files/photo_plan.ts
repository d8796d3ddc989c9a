// Runs in browser and simulator.
/** How a photo is made small: what is tried, one after another, until it is small enough. */

/** Longest side of a photo that is sent, in pixels. */
export const PHOTO_SIDE_MAX = 1_600;

export interface PhotoTry {
  width: number;
  height: number;
  /** Of the encoder, 0 to 1. */
  quality: number;
}

/** First as large as it may be and good, then coarser, then smaller. At most 16 tries; the last one fits any limit. */
export function photoTries(width: number, height: number, longest = PHOTO_SIDE_MAX): PhotoTry[] {
  const largest = Math.min(1, longest / Math.max(width, height));
  return [1, 0.75, 0.5, 0.25].flatMap((part) => {
    const scale = largest * part;
    const fit = (length: number) => Math.max(1, Math.round(length * scale));
    return [0.82, 0.7, 0.55, 0.4].map((quality) => ({ width: fit(width), height: fit(height), quality }));
  });
}
