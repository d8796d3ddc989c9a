/** Compresses photos in the browser. Redrawing one also removes its metadata: location and camera. */
import { SMALL_FILE_BYTES } from "../../lib/files/file_limits.ts";
import { photoTries, type PhotoTry } from "../../lib/files/photo_plan.ts";
import { toBase64Url } from "../../lib/shared/base64url.ts";
import { FILE_SIDE_MAX, FILE_THUMBNAIL_MAX_BYTES } from "../../lib/protocol/limits.ts";
import type { FileToSend } from "../../lib/session/model/files_model.ts";

/** Longest side of a thumbnail, in pixels. */
const THUMBNAIL_SIDE = 96;
/** Types that may be animated are sent unchanged, because a redrawn image does not move. */
const ANIMATED_TYPES = ["image/gif", "image/avif", "image/apng"];

/** The photo to send; undefined if the file is no photo, or this browser cannot draw it. */
export async function shrinkPhoto(file: File): Promise<FileToSend | undefined> {
  if (!file.type.startsWith("image/") || file.type === "image/svg+xml") return undefined;
  const picture = await createImageBitmap(file).catch(() => undefined);
  if (picture === undefined) return undefined;
  try {
    const { width, height } = picture;
    const small = await smallest(picture, photoTries(width, height, THUMBNAIL_SIDE), FILE_THUMBNAIL_MAX_BYTES);
    const thumbnail = small && toBase64Url(new Uint8Array(await small.blob.arrayBuffer()));
    const extra = thumbnail === undefined ? {} : { thumbnail };
    if (ANIMATED_TYPES.includes(file.type)) {
      const fits = Math.max(width, height) <= FILE_SIDE_MAX;
      return { blob: file, name: file.name, type: file.type, ...(fits && { size: { width, height } }), ...extra };
    }
    const photo = await smallest(picture, photoTries(width, height), SMALL_FILE_BYTES);
    if (photo === undefined) return undefined;
    const { blob, size } = photo;
    const name = file.name.replace(/\.[^.]*$/, "") + (blob.type === "image/webp" ? ".webp" : ".jpg");
    return { blob, name, type: blob.type, size, ...extra };
  } finally {
    picture.close();
  }
}

async function smallest(picture: ImageBitmap, tries: PhotoTry[], maxBytes: number) {
  for (const { width, height, quality } of tries) {
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    const pen = canvas.getContext("2d");
    if (pen === null) return undefined;
    // A JPEG has no transparency: transparent pixels would turn black.
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, width, height);
    pen.drawImage(picture, 0, 0, width, height);
    const blob = await encode(canvas, quality);
    if (blob !== null && blob.size <= maxBytes) return { blob, size: { width, height } };
  }
}

/** Encodes as WebP, or as JPEG if the browser cannot write WebP and returns a PNG instead. */
async function encode(canvas: HTMLCanvasElement, quality: number): Promise<Blob | null> {
  for (const type of ["image/webp", "image/jpeg"]) {
    const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, type, quality));
    if (blob?.type === type) return blob;
  }
  return null;
}
