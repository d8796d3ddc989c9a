/** Reads QR codes from screenshots. */
import jsqr from "jsqr";
import type { Locator, Page } from "playwright-core";

/** The text of the QR code in a screenshot of this element; undefined if none can be read. */
export async function readQr(element: Locator): Promise<string | undefined> {
  const { width, height, pixels } = await decodePng(element.page(), await element.screenshot());
  return jsqr.default(pixels, width, height)?.data;
}

/** The pixels of a PNG, decoded by the browser in an empty page. */
async function decodePng(page: Page, png: Uint8Array) {
  const empty = await page.context().newPage();
  const { width, height, rgba } = await empty.evaluate(async (base64) => {
    const picture = new Image();
    picture.src = `data:image/png;base64,${base64}`;
    await picture.decode();
    const canvas = new OffscreenCanvas(picture.width, picture.height);
    const context = canvas.getContext("2d")!;
    context.drawImage(picture, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    let binary = "";
    for (const byte of data) binary += String.fromCharCode(byte);
    return { width: canvas.width, height: canvas.height, rgba: btoa(binary) };
  }, btoa(String.fromCharCode(...png)));
  await empty.close();
  return { width, height, pixels: Uint8ClampedArray.from(atob(rgba), (char) => char.charCodeAt(0)) };
}
