// Runs in browser and server.
/** Draws a QR code as SVG, which needs no canvas and can be styled. */

/** A square of dark (1) and light (0) modules, row by row. */
export interface QrModules {
  size: number;
  data: ArrayLike<number>;
}

/** Light modules around a QR code (ISO/IEC 18004, section 6.3.8: four). */
export const QR_QUIET_MODULES = 4;

/** One SVG path for all dark modules, with one rectangle per run in a row. A module is 1 × 1; `side` includes the quiet zone. */
export function qrPath({ size, data }: QrModules): { d: string; side: number } {
  let d = "";
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      if (!data[y * size + x]) continue;
      const from = x;
      while (x + 1 < size && data[y * size + x + 1]) x++;
      const width = x + 1 - from;
      d += `M${from + QR_QUIET_MODULES} ${y + QR_QUIET_MODULES}h${width}v1h-${width}z`;
    }
  }
  return { d, side: size + 2 * QR_QUIET_MODULES };
}
