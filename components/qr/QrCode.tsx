// @ts-types="../../lib/ui/qrcode.d.ts"
import { create, type QRCodeErrorCorrectionLevel } from "qrcode";
import { useMemo } from "preact/hooks";
import { type QrModules, qrPath } from "../../lib/ui/qr.ts";

/** A text as a QR code, black on white in every theme, because cameras read that best. */
export function QrCode(props: { text: string; level: QRCodeErrorCorrectionLevel; label: string; class?: string }) {
  const { text, level } = props;
  const { d, side } = useMemo(() => {
    const { modules }: { modules: QrModules } = create(text, { errorCorrectionLevel: level });
    return qrPath(modules);
  }, [text, level]);
  return (
    <svg
      viewBox={`0 0 ${side} ${side}`}
      class={`w-full h-auto bg-white ${props.class ?? ""}`}
      role="img"
      aria-label={props.label}
      shape-rendering="crispEdges"
      data-code={text}
    >
      <path d={d} fill="#000000" />
    </svg>
  );
}
