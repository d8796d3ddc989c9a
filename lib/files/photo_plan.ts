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
  const sides = [longest, longest * 0.75, longest * 0.5, longest * 0.25];
  return sides.flatMap((side) => {
    const scale = Math.min(1, side / Math.max(width, height));
    const fit = (length: number) => Math.max(1, Math.round(length * scale));
    return [0.82, 0.7, 0.55, 0.4].map((quality) => ({ width: fit(width), height: fit(height), quality }));
  });
}
