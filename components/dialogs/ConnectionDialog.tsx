import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { connectionTexts as words } from "../../lib/ui/texts/connection_texts.ts";
import { connectionDiagnostics } from "../../lib/session/connection/connection_diagnostics.ts";
import { type Finding, findingsOf } from "../../lib/session/connection/connection_check.ts";
import {
  type ConnectionDiagnostics,
  PREFERRED_ROUTES,
  type TransportDiagnostics,
} from "../../lib/session/model/connection_model.ts";
import type { RoomModel } from "../../lib/session/model/room_model.ts";
import { MESH_MODES } from "../../lib/routing/mesh_mode.ts";
import { type TransportName, TRANSPORTS } from "../../lib/routing/transport_choice.ts";
import { Button } from "../common/Button.tsx";
import { Choices } from "../common/Choices.tsx";
import { copyText } from "../common/copy_text.ts";
import { Dialog } from "../common/Dialog.tsx";
import { dialogTexts as t } from "../../lib/ui/texts/dialog_texts.ts";
import { icons } from "../common/more_icons.ts";

/** How often the open panel refreshes its figures and measures a round trip. */
const REFRESH_MS = 2_000;

/** The connection panel: the transport in use and why, measurements, a check, and controls. */
export default function ConnectionDialog(
  { model, onPair, onClose }: { model: RoomModel; onPair: () => void; onClose: () => void },
) {
  const now = useSignal<ConnectionDiagnostics>(connectionDiagnostics(model.connection.facts));
  const findings = useSignal<readonly Finding[] | "checking">();
  const copied = useSignal<boolean>();
  useEffect(() => {
    const refresh = () => {
      model.connection.measure();
      now.value = connectionDiagnostics(model.connection.facts);
    };
    refresh();
    const timer = setInterval(refresh, REFRESH_MS);
    return () => clearInterval(timer);
  }, [model]);
  // Signals are read directly, so that their changes show at once; the rest follows the refresh.
  const connection = model.connection.state.value;
  const route = model.connection.currentRoute.value;
  const stats = model.connection.transferStats.value;
  const { transports, waiting, next } = now.value;

  const check = async () => {
    findings.value = "checking";
    const answeredMs = await model.connection.checkServer();
    findings.value = findingsOf(connectionDiagnostics(model.connection.facts), answeredMs);
  };
  return (
    <Dialog title={words.title} onClose={onClose}>
      <div class="flex flex-col gap-5">
        <section>
          <p class="font-display font-extrabold text-2xl" data-route={route?.transport}>
            {route === undefined
              ? connection.state === "connecting" ? t.connection.connecting : t.connection.offline
              : words.transports[route.transport]}
          </p>
          <p class="text-dim">
            {route === undefined
              ? connection.state === "disconnected" ? t.connection.reasons[connection.reason] : words.noRoute
              : words.reasons[route.reason]}
          </p>
          {next && <p class="text-dim">{words.next(words.transports[next.transport], Math.ceil(next.inMs / 1000))}</p>}
        </section>
        <section>
          <Heading>{words.measured}</Heading>
          <dl class="flex flex-col gap-2">
            {TRANSPORTS.map((transport) => (
              <TransportFigures key={transport} transport={transport} figures={transports[transport]} />
            ))}
          </dl>
          <dl class="mt-3">
            <Figure name={words.stored} value={words.storedValue(stats.stored, stats.storedAfterMs)} />
            <Figure name={words.waiting} value={String(waiting)} />
            {stats.refused > 0 && <Figure name={words.refused} value={String(stats.refused)} />}
            <Figure
              name={words.received}
              value={String(stats.viaWebSocket + stats.viaPolling + stats.viaTab)}
            />
            <Figure name={words.receivedFromPeers} value={String(stats.viaPeers)} />
            <Figure name={words.duplicates} value={String(stats.duplicates)} />
          </dl>
        </section>
        <Peers model={model} onPair={onPair} />
        <Choices
          legend={words.prefer}
          name="preferred-route"
          value={model.connection.preferredRoute.value}
          options={PREFERRED_ROUTES.map((value) => ({ value, label: words.preferences[value] }))}
          hint={words.preferHint}
          onChange={(preference) => model.connection.setPreferredRoute(preference)}
        />
        <section aria-live="polite">
          <Button icon={icons.scan} wide onClick={() => void check()} disabled={findings.value === "checking"}>
            {findings.value === "checking" ? words.checking : words.check}
          </Button>
          {Array.isArray(findings.value) && (
            <ul class="mt-2 flex flex-col gap-2">
              {findings.value.map((finding) => (
                <li key={finding.finding} class="border-l-4 border-flare pl-3" data-finding={finding.finding}>
                  {words.finding(finding, (reason) =>
                    t.connection.reasons[reason])}
                </li>
              ))}
            </ul>
          )}
        </section>
        <div class="flex flex-wrap gap-2">
          <Button icon="undo" onClick={() => model.connection.forceReconnect()}>{words.reconnect}</Button>
          <Button icon="close" onClick={() => model.connection.resetTransports()}>{words.reset}</Button>
          <Button
            icon={icons.copy}
            onClick={async () => {
              copied.value = await copyText(JSON.stringify(connectionDiagnostics(model.connection.facts), null, 2));
            }}
          >
            <span aria-live="polite">
              {copied.value === undefined ? words.copy : copied.value ? t.clipboard.copied : t.clipboard.failed}
            </span>
          </Button>
        </div>
      </div>
    </Dialog>
  );
}

/** Phones connected to this one, and controls for them. */
function Peers({ model, onPair }: { model: RoomModel; onPair: () => void }) {
  const { links, reached, missing, reason, relay, connected, failed } = model.connection.mesh.value;
  const problem = useSignal(false);
  const nameOf = (peer: string) =>
    model.people.people.value.shown.find(({ author }) => author === peer)?.name || t.room.nameless;
  return (
    <section class="flex flex-col gap-2">
      <Heading>{words.peers}</Heading>
      <p class="text-dim">
        {reached + missing > 0
          ? words.reach(reached, missing)
          : model.people.people.value.count > 1
          ? words.noLinks
          : words.nobody}
      </p>
      {links.length > 0 && (
        <ul class="border-2 border-line px-2">
          {links.map(({ peer, state, rttMs, path }) => (
            <li
              key={peer}
              data-peer={state}
              class="flex flex-wrap items-baseline justify-between gap-x-2 py-1 border-b border-line last:border-b-0"
            >
              <bdi class="font-bold min-w-0 truncate">{nameOf(peer)}</bdi>
              <span class="text-dim text-sm tabular-nums">
                {[
                  words.linkStates[state],
                  words.linkTime(rttMs),
                  path && words.paths[path.relayed ? "relayed" : "direct"],
                ].filter(Boolean).join(" · ")}
              </span>
            </li>
          ))}
        </ul>
      )}
      {connected + failed > 0 && <p class="text-dim text-sm">{words.tries(connected, failed)}</p>}
      {relay === false && failed > 0 && missing > 0 && <p class="text-dim text-sm">{words.noRelay}</p>}
      <Choices
        legend={words.mode}
        name="mesh-mode"
        value={model.connection.meshMode.value}
        options={MESH_MODES.map((value) => ({ value, label: words.modes[value] }))}
        hint={words.modeHint[reason]}
        onChange={(mode) => model.connection.setMeshMode(mode)}
      />
      <Button
        icon={icons.link}
        wide
        disabled={model.connection.meshMode.value === "off"}
        onClick={async () => problem.value = (await model.connection.connectPeers()).problem === "unavailable"}
      >
        {words.connectPeers}
      </Button>
      <Button icon={icons.scan} wide onClick={onPair}>{t.connection.linkPhones}</Button>
      {problem.value && <p role="alert">{words.peersUnavailable}</p>}
    </section>
  );
}

function Heading(props: { children: ComponentChildren }) {
  return <h3 class="font-bold mb-1">{props.children}</h3>;
}

/** The measurements of one transport. */
function TransportFigures({ transport, figures }: { transport: TransportName; figures: TransportDiagnostics }) {
  const { latencyMs, reliability, health, available, breaker, restsForMs } = figures;
  const state = !available
    ? words.unavailable
    : breaker === "open" && restsForMs > 0
    ? words.resting(Math.ceil(restsForMs / 1000))
    : words.breakers[breaker];
  return (
    <div class="border-2 border-line p-2">
      <dt class="flex justify-between gap-2">
        <span class="font-bold">{words.transports[transport]}</span>
        <span class="text-dim">{state}</span>
      </dt>
      <dd class="flex flex-wrap gap-x-4 tabular-nums text-sm">
        {latencyMs === undefined && reliability === undefined ? <span class="text-dim">{words.untried}</span> : (
          <>
            <span>{words.latency(latencyMs)}</span>
            <span>{words.reliability(reliability)}</span>
            <span>{words.health(health)}</span>
          </>
        )}
      </dd>
    </div>
  );
}

function Figure(props: { name: string; value: string }) {
  return (
    <div class="flex justify-between gap-2 border-b border-line py-1">
      <dt class="text-dim">{props.name}</dt>
      <dd class="tabular-nums font-bold">{props.value}</dd>
    </div>
  );
}
