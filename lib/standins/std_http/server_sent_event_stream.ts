/** One server-sent event (WHATWG HTML §9.2). */
export interface ServerSentEventMessage {
  /** Ignored by browsers; keeps a connection alive. */
  comment?: string;
  event?: string;
  /** May have several lines. */
  data?: string;
  id?: string | number;
  /** Milliseconds before the browser connects again. */
  retry?: number;
}

const LINE_END = /\r\n|\r|\n/;

function toText(message: ServerSentEventMessage): string {
  const lines: string[] = [];
  const addLines = (prefix: string, text: string | undefined) => {
    for (const line of text?.split(LINE_END) ?? []) lines.push(prefix + line);
  };
  const addLine = (name: "event" | "id", value: string | number | undefined) => {
    if (value === undefined) return;
    if (LINE_END.test(String(value))) throw new SyntaxError(`\`message.${name}\` cannot contain a newline`);
    lines.push(`${name}:${value}`);
  };
  addLines(":", message.comment);
  addLine("event", message.event);
  addLines("data:", message.data);
  addLine("id", message.id);
  if (message.retry !== undefined) lines.push(`retry:${message.retry}`);
  return `${lines.join("\n")}\n\n`;
}

/** Turns events into the bytes of a `text/event-stream`. An event name or id with a line end is an error. */
export class ServerSentEventStream extends TransformStream<ServerSentEventMessage, Uint8Array> {
  constructor() {
    const encoder = new TextEncoder();
    super({ transform: (message, controller) => controller.enqueue(encoder.encode(toText(message))) });
  }
}
