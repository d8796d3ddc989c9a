/**
 * A film for Chromium's fake camera (`--use-file-for-fake-video-capture`): a QR code as a phone sees it, a little
 * tilted, unevenly lit, with some noise. Format: YUV4MPEG2, 4:2:0 (mjpegtools, yuv4mpeg(5)).
 */
// @ts-types="../../lib/ui/qrcode.d.ts"
import { create } from "qrcode";
import { QR_QUIET_MODULES, type QrModules } from "../../lib/ui/qr.ts";

const WIDTH = 640;
const HEIGHT = 480;
const FRAMES = 4;
const FRAMES_PER_SECOND = 10;

/** Side of the code with its quiet zone, in px. */
const SIDE = 380;
const TILT = 6 * Math.PI / 180;
/** Luma of paper and ink in the middle of the picture (16 to 235 in video), and how much darker the lower right is. */
const PAPER = 205;
const INK = 45;
const WALL = 120;
const SHADE = 50;
const NOISE = 8;

/** The film; without a text it shows only a wall. */
export function qrFilm(text?: string): Uint8Array<ArrayBuffer> {
  const modules: QrModules | undefined = text === undefined
    ? undefined
    : create(text, { errorCorrectionLevel: "M" }).modules;
  const encode = (line: string) => new TextEncoder().encode(line);
  const head = encode(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${FRAMES_PER_SECOND}:1 Ip A1:1 C420jpeg\n`);
  // No colour: both chroma planes are in the middle.
  const chroma = new Uint8Array(WIDTH * HEIGHT / 2).fill(128);
  const parts = [head];
  for (let frame = 0; frame < FRAMES; frame++) parts.push(encode("FRAME\n"), picture(modules, frame), chroma);
  const film = new Uint8Array(parts.reduce((bytes, part) => bytes + part.length, 0));
  let at = 0;
  for (const part of parts) {
    film.set(part, at);
    at += part.length;
  }
  return film;
}

/** The luma plane of one frame. */
function picture(modules: QrModules | undefined, frame: number): Uint8Array<ArrayBuffer> {
  const plane = new Uint8Array(WIDTH * HEIGHT);
  let seed = 1 + frame;
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      // A linear congruential generator (Numerical Recipes): the same film every time.
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      const noise = (seed / 2 ** 32 - 0.5) * 2 * NOISE;
      const shade = SHADE * (x / WIDTH + y / HEIGHT) / 2;
      plane[y * WIDTH + x] = Math.max(16, Math.min(235, lumaAt(modules, x, y) - shade + noise));
    }
  }
  return plane;
}

function lumaAt(modules: QrModules | undefined, x: number, y: number): number {
  if (modules === undefined) return WALL;
  // Turned back around the middle, in modules.
  const [dx, dy] = [x - WIDTH / 2, y - HEIGHT / 2];
  const perPx = (modules.size + 2 * QR_QUIET_MODULES) / SIDE;
  const across = Math.floor((dx * Math.cos(TILT) + dy * Math.sin(TILT) + SIDE / 2) * perPx);
  const down = Math.floor((dy * Math.cos(TILT) - dx * Math.sin(TILT) + SIDE / 2) * perPx);
  const side = modules.size + 2 * QR_QUIET_MODULES;
  if (across < 0 || down < 0 || across >= side || down >= side) return WALL;
  const [column, row] = [across - QR_QUIET_MODULES, down - QR_QUIET_MODULES];
  if (column < 0 || row < 0 || column >= modules.size || row >= modules.size) return PAPER;
  return modules.data[row * modules.size + column] ? INK : PAPER;
}
