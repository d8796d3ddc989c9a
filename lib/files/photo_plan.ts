// Runs in browser and simulator.
/** Compression of photos: the sizes and qualities to try, in order, until one is small enough. */

/** Longest side of a sent photo, in pixels. */
export const PHOTO_SIDE_MAX = 1_600;

export interface PhotoTry {
  width: number;
  height: number;
  /** Of the encoder, 0 to 1. */
  quality: number;
}

/** Starts with the largest size and best quality, then lowers the quality, then the size. 16 tries. */
export function photoTries(width: number, height: number, longest = PHOTO_SIDE_MAX): PhotoTry[] {
  const largest = Math.min(1, longest / Math.max(width, height));
  return [1, 0.75, 0.5, 0.25].flatMap((part) => {
    const scale = largest * part;
    const fit = (length: number) => Math.max(1, Math.round(length * scale));
    return [0.82, 0.7, 0.55, 0.4].map((quality) => ({ width: fit(width), height: fit(height), quality }));
  });
}
