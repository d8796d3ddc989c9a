/** A QR code for a terminal: two modules per character, black on white whatever the terminal's colours are. */
// @ts-types="../ui/qrcode.d.ts"
import { toString } from "qrcode";

/** Lines of half blocks, with the quiet zone of ISO/IEC 18004. */
export async function terminalQr(text: string): Promise<string> {
  const drawn: string = await toString(text, { type: "utf8", margin: 4, errorCorrectionLevel: "M" });
  return drawn.trimEnd().split("\n").map((line) => `\x1b[30;107m${line}\x1b[0m`).join("\n");
}
