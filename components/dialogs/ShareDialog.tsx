import { useState } from "preact/hooks";
import { codeLines, spokenCode } from "../../lib/ui/spoken_code.ts";
import { Button } from "../common/Button.tsx";
import { copyText } from "../common/copy_text.ts";
import { Dialog } from "../common/Dialog.tsx";
import { Lettering } from "../common/Lettering.tsx";
import { dialogTexts as t } from "../../lib/ui/texts/dialog_texts.ts";
import { QrCode } from "../qr/QrCode.tsx";
import { icons } from "../common/more_icons.ts";

/** Ways to invite others: the QR code, the room code, the link. */
export default function ShareDialog(props: {
  name: string;
  /** Absent in sealed rooms. */
  code?: string | undefined;
  /** The full link, with the key of a sealed room. */
  link: string;
  band: string;
  /** Connects two phones without a server. */
  onPair: () => void;
  onClose: () => void;
}) {
  const [full, setFull] = useState(false);
  const [copied, setCopied] = useState<boolean>();
  const { name, code, link } = props;
  // Its size is its key: a dialog changes between sheet and full screen by opening again.
  return (
    <Dialog
      key={String(full)}
      title={full ? name : t.room.share}
      onClose={full ? () => setFull(false) : props.onClose}
      full={full}
      class={`share-dialog band on-band ${props.band}`}
    >
      <div class={full ? "share-full" : "share-sheet"}>
        <div class="share-sign bg-white w-full mx-auto">
          <QrCode text={link} level="M" label={t.share.qr(name)} />
        </div>
        {code === undefined ? <p class="font-bold">{t.share.sealedHint}</p> : (
          <div class="share-sign w-full mx-auto">
            <p class="font-bold mb-2">{t.share.aloud}</p>
            <Lettering lines={codeLines(code)} label={spokenCode(code)} />
            <p class="text-sm font-bold mt-3 break-words">{t.share.host(new URL(link).host)}</p>
          </div>
        )}
        {!full && (
          <div class="share-actions flex flex-wrap gap-2">
            <Button icon={icons.copy} onClick={async () => setCopied(await copyText(link))}>
              <span aria-live="polite">
                {copied === undefined ? t.share.copyLink : copied ? t.clipboard.copied : t.clipboard.failed}
              </span>
            </Button>
            {typeof navigator.share === "function" && (
              <Button icon="share" onClick={() => void shareLink(name, link)}>{t.share.send}</Button>
            )}
            <Button icon={icons.expand} onClick={() => setFull(true)}>{t.share.enlarge}</Button>
            <Button icon={icons.link} onClick={props.onPair}>{t.connection.linkPhones}</Button>
          </div>
        )}
      </div>
    </Dialog>
  );
}

async function shareLink(name: string, link: string): Promise<void> {
  try {
    await navigator.share({ title: name, url: link });
  } catch (error) {
    // AbortError: the person closed the system's share sheet.
    if (!(error instanceof DOMException) || error.name !== "AbortError") throw error;
  }
}
