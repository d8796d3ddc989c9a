import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { NoticeView } from "../../lib/session/model/notices_model.ts";
import { noticeTexts } from "../../lib/ui/texts/notice_texts.ts";
import { Button, IconButton } from "../common/Button.tsx";
import { Icon } from "../common/Icon.tsx";
import { roomTexts as t } from "../../lib/ui/texts/room_texts.ts";

/** The operator's notices: an emergency covers the screen, others are lines above the page. */
export default function Notices(props: { notices: readonly NoticeView[]; onAcknowledge: (id: string) => void }) {
  const emergency = props.notices.find(({ urgency }) => urgency === "emergency");
  return (
    <>
      {emergency && (
        <Emergency
          key={emergency.id}
          notice={emergency}
          onAcknowledge={() => props.onAcknowledge(emergency.id)}
        />
      )}
      {props.notices.filter(({ urgency }) => urgency === "info").map(({ id, text }) => (
        <section
          key={id}
          data-notice={id}
          aria-label={noticeTexts.title}
          class="flex items-start gap-2 w-full max-w-3xl mx-auto bg-raised border-b-2 border-flare px-3 py-1"
        >
          <p role="status" class="flex-1 min-w-0 py-2 font-bold whitespace-pre-line break-words" dir="auto">{text}</p>
          <IconButton icon="close" label={noticeTexts.dismiss} onClick={() => props.onAcknowledge(id)} />
        </section>
      ))}
    </>
  );
}

/**
 * Covers everything until it is acknowledged, withdrawn or expired. Rendered by the server, it stands above the page,
 * without the parts that need a script or this device's clock.
 */
function Emergency({ notice, onAcknowledge }: { notice: NoticeView; onAcknowledge: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [modal, setModal] = useState(false);
  const time = (at: number) =>
    new Date(at).toLocaleString(t.language, { weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  useLayoutEffect(() => {
    if (!modal) return setModal(true);
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, [modal]);
  return (
    <dialog
      ref={dialog}
      open={!modal}
      data-notice={notice.id}
      role="alertdialog"
      aria-labelledby="emergency-title"
      aria-describedby="emergency-text"
      class={`full bg-alarm-ground text-alarm ${modal ? "" : "in-page"}`}
      onCancel={(event) => event.preventDefault()}
    >
      <div class="max-w-2xl mx-auto min-h-full px-5 py-6 flex flex-col gap-5">
        <div class="flex items-center gap-3">
          <Icon name="warn" class="w-12 h-12" />
          <h2 id="emergency-title" class="font-display font-extrabold text-3xl uppercase">{noticeTexts.emergency}</h2>
        </div>
        <p id="emergency-text" class="text-2xl font-bold text-ink whitespace-pre-line break-words" dir="auto">
          {notice.text}
        </p>
        {modal && (
          <>
            <p class="text-ink">{noticeTexts.from(time(notice.at), time(notice.until))}</p>
            <div class="mt-auto">
              <Button look="flare" icon="check" wide onClick={onAcknowledge}>{noticeTexts.acknowledge}</Button>
            </div>
          </>
        )}
      </div>
    </dialog>
  );
}
