import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { HomeModel } from "../../lib/session/home/home_model.ts";
import { connectionTexts } from "../../lib/ui/texts/connection_texts.ts";
import { browserObjects, chooseReports, reportsChosen } from "../../lib/session/browser/report_choice.ts";
import { Button } from "../common/Button.tsx";
import { Choices } from "../common/Choices.tsx";
import { Dialog } from "../common/Dialog.tsx";
import { dialogTexts as t } from "../../lib/ui/texts/dialog_texts.ts";
import { ThemeSwitch } from "../common/ThemeSwitch.tsx";
import { icons } from "../common/more_icons.ts";

/** Settings of a room: theme, name, favourite, statistics, leaving. */
export default function SettingsDialog(props: {
  room: string;
  /** Only the link holds its key. */
  sealed: boolean;
  name: string;
  /** Opens the model of this device's rooms, while the dialog is shown. */
  openHome: () => Promise<HomeModel>;
  onName: () => void;
  onLeave: () => void;
  onClose: () => void;
}) {
  const home = useSignal<HomeModel>();
  useEffect(() => {
    // Without a network this may fail to load. Then the star stays disabled, and the rest of the dialog works.
    const opening = props.openHome().then((model) => home.value = model).catch(() => undefined);
    return () => void opening.then((model) => model?.dispose());
  }, []);
  const favourite = home.value?.favourites.value.some(({ id }) => id === props.room) ?? false;
  return (
    <Dialog title={t.room.settings} onClose={props.onClose}>
      <div class="flex flex-col gap-4">
        <ThemeSwitch />
        <div class="flex flex-wrap items-center justify-between gap-2">
          <p class="min-w-0">
            <span class="block text-sm text-dim">{t.settings.youAre}</span>
            <bdi class="font-bold break-words">{props.name || t.settings.noName}</bdi>
          </p>
          <Button icon={icons.edit} onClick={props.onName}>{t.name.change}</Button>
        </div>
        <Button
          icon={icons.star}
          iconFilled={favourite}
          wide
          disabled={home.value?.recent.value === undefined}
          onClick={() => void home.value?.setFavourite(props.room, !favourite)}
        >
          {favourite ? t.settings.unfavourite : t.settings.favourite}
        </Button>
        <Reports />
        <div>
          <Button icon={icons.leave} look="alarm" onClick={props.onLeave} wide>{t.settings.leave}</Button>
          <p class="text-sm text-dim mt-1">{props.sealed ? t.settings.leaveHintSealed : t.settings.leaveHint}</p>
        </div>
      </div>
    </Dialog>
  );
}

/** Whether this device shares connection statistics. */
function Reports() {
  const { reports: words } = connectionTexts;
  const on = useSignal(reportsChosen());
  if (browserObjects()) return <p class="text-sm text-dim">{words.byBrowser}</p>;
  return (
    <Choices
      legend={words.legend}
      name="reports"
      value={on.value ? "on" : "off"}
      options={[{ value: "on", label: words.on }, { value: "off", label: words.off }]}
      hint={words.hint}
      onChange={(chosen) => {
        on.value = chosen === "on";
        chooseReports(on.value);
      }}
    />
  );
}
