import { useEffect, useState } from "preact/hooks";
import type { ConnectionState } from "../../lib/session/model/connection_model.ts";
import { roomTexts as t } from "../../lib/ui/texts/room_texts.ts";

/** Shown without a connection: the reason, the next try, and buttons. `phonesOnly`: peers carry messages meanwhile. */
export function ConnectionBanner(
  props: { connection: ConnectionState; phonesOnly: boolean; onReconnect: () => void; onPair: () => void },
) {
  const { connection } = props;
  const retryAtMs = connection.state === "disconnected" ? connection.retryAtMs : undefined;
  const seconds = useCountdown(retryAtMs);
  if (connection.state !== "disconnected") return null;
  return (
    <div
      class={`flex flex-wrap items-center gap-x-3 gap-y-1 w-full max-w-3xl mx-auto text-ink border-b-2 px-3 py-1 text-sm ${
        props.phonesOnly ? "bg-raised border-line" : "bg-alarm-ground border-alarm"
      }`}
    >
      <p class="flex-1 basis-56">
        {props.phonesOnly ? t.connection.phonesOnly : t.connection.reasons[connection.reason]}{" "}
        {seconds !== undefined && (
          <span class="tabular-nums whitespace-nowrap text-dim">
            {seconds > 0 ? t.connection.retryIn(seconds) : t.connection.retrying}
          </span>
        )}
      </p>
      <div class="flex gap-2 basis-full sm:basis-auto">
        <BannerButton onClick={props.onPair}>{t.connection.linkPhones}</BannerButton>
        <BannerButton onClick={props.onReconnect}>{t.connection.retryNow}</BannerButton>
      </div>
    </div>
  );
}

function BannerButton(props: { onClick: () => void; children: string }) {
  return (
    <button
      type="button"
      onClick={props.onClick}
      class="flex-auto min-h-touch px-2 border-2 border-current font-bold active:translate-y-px"
    >
      {props.children}
    </button>
  );
}

/** Whole seconds until then, counting down. */
function useCountdown(atMs: number | undefined): number | undefined {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (atMs === undefined) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [atMs]);
  return atMs === undefined ? undefined : Math.max(0, Math.ceil((atMs - now) / 1000));
}
