/** The used part of the package qrcode, which has no types of its own. */
import type { QrModules } from "./qr.ts";

export type QRCodeErrorCorrectionLevel = "L" | "M" | "Q" | "H";

export interface QrCodeOptions {
  errorCorrectionLevel?: QRCodeErrorCorrectionLevel;
}

export function create(text: string, options?: QrCodeOptions): { modules: QrModules };

export function toString(text: string, options: QrCodeOptions & { type: "utf8"; margin: number }): Promise<string>;
