/** Finds QR codes in pictures, with the browser's own detector or else with jsQR. */
import jsqr from "jsqr";

/** The package is CommonJS, so the function is under `default`. */
const jsQr = jsqr.default;

/** Frames are scaled to this side before the search, in px: enough for a code that fills a third of the view. */
const FRAME_SIDE_PX = 640;
/** Pictures are searched at these sizes, in px. Larger ones show more detail, and more noise. */
const PICTURE_SIDES_PX = [800, 1_600, 400];

/** The part of the Barcode Detection API (WICG draft) used here. */
interface Detector {
  detect(source: ImageBitmapSource): Promise<{ rawValue: string }[]>;
}
interface DetectorClass {
  new (options: { formats: string[] }): Detector;
  getSupportedFormats(): Promise<string[]>;
}

/** The text of a QR code in a frame, or undefined. */
export type FrameReader = (video: HTMLVideoElement) => Promise<string | undefined>;

/** Makes a reader of video frames. */
export async function makeFrameReader(): Promise<FrameReader> {
  const detector = await ownDetector();
  const canvas = document.createElement("canvas");
  return async (video) => {
    if (detector !== undefined) return (await detector.detect(video))[0]?.rawValue;
    return readScaled(canvas, video, video.videoWidth, video.videoHeight, FRAME_SIDE_PX);
  };
}

/** The text of a QR code in a picture file, or undefined. Rejects if the file is no picture. */
export async function readPicture(file: Blob): Promise<string | undefined> {
  const bitmap = await createImageBitmap(file);
  try {
    const canvas = document.createElement("canvas");
    for (const side of PICTURE_SIDES_PX) {
      const text = readScaled(canvas, bitmap, bitmap.width, bitmap.height, side);
      if (text !== undefined) return text;
    }
    return (await (await ownDetector())?.detect(bitmap))?.[0]?.rawValue;
  } finally {
    bitmap.close();
  }
}

function readScaled(
  canvas: HTMLCanvasElement,
  source: CanvasImageSource,
  width: number,
  height: number,
  side: number,
): string | undefined {
  const scale = Math.min(1, side / Math.max(width, height, 1));
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null || canvas.width === 0 || canvas.height === 0) return undefined;
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const text = jsQr(data, canvas.width, canvas.height, { inversionAttempts: "attemptBoth" })?.data;
  return text === "" ? undefined : text;
}

async function ownDetector(): Promise<Detector | undefined> {
  const { BarcodeDetector } = globalThis as { BarcodeDetector?: DetectorClass };
  try {
    const formats = await BarcodeDetector?.getSupportedFormats();
    return BarcodeDetector && formats?.includes("qr_code") ? new BarcodeDetector({ formats: ["qr_code"] }) : undefined;
  } catch {
    // Some systems have the class without the service behind it.
    return undefined;
  }
}
