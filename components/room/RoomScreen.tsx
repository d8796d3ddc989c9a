import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { RoomKind } from "../../lib/protocol/event.ts";
import type { HomeModel } from "../../lib/session/home/home_model.ts";
import type { SendProblem } from "../../lib/session/model/conversation_model.ts";
import type { RoomModel } from "../../lib/session/model/room_model.ts";
import { bandClass } from "../../lib/ui/hue.ts";
import { copyText } from "../common/copy_text.ts";
import { Lazy, LazyDialog } from "../common/Lazy.tsx";
import { NameDialog } from "../common/NameDialog.tsx";
import { roomTexts as t } from "../../lib/ui/texts/room_texts.ts";
import { Composer, COMPOSER_FIELD_ID, type Writing } from "./Composer.tsx";
import { ConnectionBanner } from "./ConnectionBanner.tsx";
import { writeDraft } from "./drafts.ts";
import { RoomHeader } from "./RoomHeader.tsx";
import { TimelineView } from "./TimelineView.tsx";
import { useVisibleHeight } from "./visible_height.ts";
import type { MessageItem } from "../message/Message.tsx";
import { NO_MODEL, type ShownModel } from "./no_model.ts";
import {
  loadAtFirstTouch,
  loadConnectionDialog,
  loadFileDialog,
  loadNotices,
  loadPairingDialog,
  loadPeopleDialog,
  loadProblemScreen,
  loadSettingsDialog,
  loadShareDialog,
} from "../lazy_components.ts";

/** Facts about a room that its page has before the room is open. */
export interface RoomHeading {
  id: string;
  kind: RoomKind;
  /** Absent in a sealed room until its key has decrypted it. */
  name?: string;
  code?: string;
}

export interface RoomScreenProps {
  head: RoomHeading;
  /** Absent on the server, and until the page starts to open the room. */
  model: RoomModel | undefined;
  /** The link that invites others. */
  link: string;
  /** Another phone's pairing code, scanned before the room was open. */
  pairing?: string;
  /** The name was chosen; otherwise the first message asks for it. */
  named: boolean;
  /** Sets a new name; resolves to a problem if it was not taken. */
  onName: (name: string) => Promise<SendProblem | undefined>;
  /** Opens the model of this device's rooms. */
  onOpenSettings: () => Promise<HomeModel>;
  onLeave: () => void;
}

/** A whole room: header, conversation, composer, and dialogs. */
export function RoomScreen(props: RoomScreenProps) {
  const { head } = props;
  const model: ShownModel = props.model ?? NO_MODEL;
  useVisibleHeight();
  useEffect(loadAtFirstTouch, []);
  const [dialog, setDialog] = useState<"share" | "people" | "settings" | "name" | "connection" | "pair" | undefined>(
    props.pairing === undefined ? undefined : "pair",
  );
  const [writing, setWriting] = useState<Writing>({ mode: "message" });
  /** Attached files that are not sent yet; a dialog shows the first. */
  const [files, setFiles] = useState<File[]>([]);
  const [inserted, setInserted] = useState<{ text: string }>();
  /** A message that waits for its author to choose a name. */
  const unnamed = useRef<{ text: string; answer: (problem: string | undefined) => void }>();

  const name = props.named ? model.people.me.value?.name ?? "" : "";
  const band = bandClass(head.id);
  const roomName = model.conversation.room.value?.name ?? head.name ??
    (head.kind === "sealed" ? t.room.sealedUnnamed : t.room.unnamed);
  const code = model.conversation.room.value?.code ?? head.code;

  const send = (text: string): Promise<string | undefined> => {
    if (props.named || writing.mode === "edit") return sendNow(text);
    setDialog("name");
    return new Promise((answer) => unnamed.current = { text, answer });
  };
  const sendNow = async (text: string): Promise<string | undefined> => {
    const { problem } = writing.mode === "edit"
      ? await model.conversation.edit(writing.id, text)
      : await model.conversation.sendMessage(text, writing.mode === "reply" ? writing.id : undefined);
    if (problem !== undefined) return t.composer.problems[problem];
    setWriting({ mode: "message" });
    return undefined;
  };
  const saveName = async (chosen: string) => {
    const problem = await props.onName(chosen);
    if (problem !== undefined) return t.composer.problems[problem];
    setDialog(undefined);
    const waiting = unnamed.current;
    unnamed.current = undefined;
    // From here on the outbox stores the message.
    if (waiting) writeDraft({ room: head.id, sealed: head.kind === "sealed" }, "");
    if (waiting) waiting.answer(await sendNow(waiting.text));
    return undefined;
  };
  const closeName = () => {
    setDialog(undefined);
    unnamed.current?.answer("");
    unnamed.current = undefined;
    setFiles([]);
  };
  const attach = (chosen: File[]) => {
    if (chosen.length === 0 || props.model === undefined) return;
    setFiles((files) => [...files, ...chosen]);
    if (!props.named) setDialog("name");
  };
  /** A scanned code is used once. */
  const [scanned, setScanned] = useState(props.pairing);
  const pair = useCallback(() => setDialog("pair"), []);
  const closeDialog = useCallback(() => {
    setScanned(undefined);
    setDialog(undefined);
  }, []);

  const handlers = useMemo(() => ({
    onReply: ({ id, author, text, file }: MessageItem) =>
      setWriting({ mode: "reply", id, name: author.name, text: text || file?.name || "" }),
    onReact: (id: string, emoji: string, on: boolean) => void model.conversation.react(id, emoji, on),
    onEdit: (item: { id: string; text: string }) => setWriting({ mode: "edit", id: item.id, text: item.text }),
    onDelete: (id: string) => void model.conversation.deleteMessage(id),
    onDiscardRefused: async (id: string) => {
      const text = await model.conversation.discardRefused(id);
      if (text !== undefined) setInserted({ text });
    },
    onCopy: copyText,
    files: () => model.files(),
  }), [model]);

  const calm = model.connection.mesh.value.reason === "battery_very_low";
  useEffect(() => void document.documentElement.toggleAttribute("data-calm", calm), [calm]);

  const connection = model.connection.state.value;
  const phonesOnly = connection.state !== "connected" && model.connection.currentRoute.value?.transport === "p2p";
  const problem = model.conversation.problem.value;
  if (problem !== undefined) {
    return <Lazy load={loadProblemScreen} props={{ problem: problem.problem, name: head.name }} />;
  }
  return (
    <div
      class={`room-screen ${band} flex flex-col overflow-hidden`}
      onDragOver={(event) => {
        if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
      }}
      onDrop={(event) => {
        const dropped = [...event.dataTransfer?.files ?? []];
        if (dropped.length === 0) return;
        event.preventDefault();
        attach(dropped);
      }}
    >
      {/* Tab stops at every message. A link would replace the fragment, which holds the key of a sealed room. */}
      <button type="button" class="skip" onClick={() => document.getElementById(COMPOSER_FIELD_ID)?.focus()}>
        {t.composer.skip}
      </button>
      <RoomHeader
        name={roomName}
        code={code}
        sealed={head.kind === "sealed"}
        people={model.people.people.value.count || undefined}
        connection={phonesOnly ? "phones" : connection.state}
        onShare={() => setDialog("share")}
        onPeople={() => setDialog("people")}
        onSettings={() => setDialog("settings")}
        onConnection={() => props.model !== undefined && setDialog("connection")}
      />
      <ConnectionBanner
        connection={connection}
        phonesOnly={phonesOnly}
        onReconnect={() => model.connection.forceReconnect()}
        onPair={pair}
      />
      {model.notices.notices.value.length > 0 && (
        <Lazy
          load={loadNotices}
          props={{ notices: model.notices.notices.value, onAcknowledge: (id: string) => model.notices.acknowledge(id) }}
        />
      )}
      {!model.conversation.stored.value && (
        <p role="status" class="bg-raised text-warn text-sm font-bold px-3 py-2 border-b-2 border-line">
          {t.room.notStored}
        </p>
      )}
      <main id="content" class="flex-1 min-h-0 flex flex-col">
        <TimelineView
          messages={model.conversation.messages}
          older={model.conversation.older}
          unread={model.conversation.unread}
          upToDate={model.conversation.upToDate}
          onSeen={() => model.conversation.seen()}
          loading={model.conversation.room.value === undefined}
          offline={model.connection.state.value.state === "disconnected"}
          handlers={handlers}
          onOlder={() => model.conversation.loadOlder()}
          code={code}
          onShare={() => setDialog("share")}
        />
        <Composer
          writing={writing}
          draft={{ room: head.id, sealed: head.kind === "sealed" }}
          offline={connection.state === "disconnected" && !phonesOnly}
          inserted={inserted}
          onSend={send}
          asksName={!props.named}
          onStop={() => setWriting({ mode: "message" })}
          onFiles={attach}
        />
      </main>
      {dialog === "share" && (
        <LazyDialog
          load={loadShareDialog}
          title={t.room.share}
          props={{ name: roomName, code, link: props.link, band, onPair: pair, onClose: closeDialog }}
        />
      )}
      {dialog === "connection" && props.model !== undefined && (
        <LazyDialog
          load={loadConnectionDialog}
          title={t.connection.open}
          props={{ model: props.model, onPair: pair, onClose: closeDialog }}
        />
      )}
      {dialog === "pair" && props.model !== undefined && (
        <LazyDialog
          load={loadPairingDialog}
          title={t.connection.linkPhones}
          props={{ model: props.model, scanned, onClose: closeDialog }}
        />
      )}
      {dialog === "people" && (
        <LazyDialog
          load={loadPeopleDialog}
          title={t.room.peopleTitle(model.people.people.value.count)}
          props={{ people: model.people.people.value, onClose: closeDialog }}
        />
      )}
      {dialog === "name" && <NameDialog name={name} onSave={saveName} onClose={closeName} />}
      {dialog === undefined && files[0] && (
        <LazyDialog
          key={files.length}
          load={loadFileDialog}
          title={t.composer.attach}
          props={{
            file: files[0],
            more: files.length - 1,
            send: async (file, caption) => await (await model.files()).send(file, caption),
            onDone: () => setFiles(files.slice(1)),
            onClose: () => setFiles([]),
          }}
        />
      )}
      {dialog === "settings" && (
        <LazyDialog
          load={loadSettingsDialog}
          title={t.room.settings}
          props={{
            room: head.id,
            sealed: head.kind === "sealed",
            name,
            openHome: props.onOpenSettings,
            onName: () => setDialog("name"),
            onLeave: props.onLeave,
            onClose: closeDialog,
          }}
        />
      )}
    </div>
  );
}
