/**
 * People talk while something goes wrong. Afterwards every message is on every screen once, in the same order, and no
 * message ever showed a false delivery state.
 */
import { assert, assertEquals } from "@std/assert";
import type { Tab } from "./tab.ts";

/** A delivery state that a message on this page showed. */
export interface ShownState {
  text: string;
  state: string;
}

export class Conversation {
  readonly #people: Tab[];
  readonly #said = new Map<Tab, string[]>();

  private constructor(people: Tab[]) {
    this.#people = people;
    for (const person of people) this.#said.set(person, []);
  }

  /** Watches the next pages of these people; call it before they enter the room. */
  static async of(...people: Tab[]): Promise<Conversation> {
    for (const { page } of people) await page.addInitScript(recordStates);
    return new Conversation(people);
  }

  /** Somebody continues in another tab: their messages are looked for there. */
  async movesTo(from: Tab, to: Tab): Promise<void> {
    await to.page.addInitScript(recordStates);
    this.#people[this.#people.indexOf(from)] = to;
    this.#said.set(to, this.#said.get(from)!);
    this.#said.delete(from);
  }

  /** Somebody writes; does not wait for the server. */
  async say(person: Tab, text: string): Promise<void> {
    this.#said.get(person)!.push(text);
    await person.send(text);
  }

  /** Everybody writes this many messages, in turns. */
  async goesOn(topic: string, rounds = 2): Promise<void> {
    for (let round = 1; round <= rounds; round++) {
      for (const person of this.#people) await this.say(person, `${topic}: ${person.device.name} ${round}`);
    }
  }

  /**
   * Waits until every message is stored for its author and shown to everybody. Then each is there once, every author's in
   * the order of writing, and all screens show the same order.
   */
  async settles(): Promise<void> {
    for (const [author, texts] of this.#said) {
      for (const text of texts) await author.untilStored(text);
    }
    const all = [...this.#said.values()].flat();
    for (const person of this.#people) await person.hears(...all);
    const [first] = this.#people;
    const seen = await first!.messages();
    assertEquals([...seen].sort(), [...all].sort(), `what ${first!.device.name} sees`);
    for (const texts of this.#said.values()) assertEquals(seen.filter((text) => texts.includes(text)), texts);
    for (const person of this.#people) await person.shows(seen);
    for (const person of this.#people) await this.#wasHonest(person);
  }

  /** The states that this text has shown on its author's current page. */
  async states(author: Tab, text: string): Promise<string[]> {
    return (await shownStates(author)).filter((shown) => shown.text === text).map(({ state }) => state);
  }

  /** Checks that each message ended as stored, and none was called refused while a transport could still deliver it. */
  async #wasHonest(author: Tab): Promise<void> {
    for (const text of this.#said.get(author)!) {
      const states = await this.states(author, text);
      assertEquals(states.at(-1), "stored", text);
      assert(!states.slice(0, -1).includes("stored"), `"${text}" was stored and then not: ${states}`);
      assert(!states.includes("refused"), `"${text}" was called refused: ${states}`);
    }
  }
}

async function shownStates({ page }: Tab): Promise<ShownState[]> {
  return await page.evaluate(() => (globalThis as unknown as { shownStates: ShownState[] }).shownStates);
}

/** Runs in the page. */
function recordStates(): void {
  const shown: ShownState[] = [];
  const last = new Map<string, string>();
  Object.assign(globalThis, { shownStates: shown });
  const look = () => {
    for (const sign of document.querySelectorAll("[data-delivery]")) {
      const text = sign.closest("[data-item]")?.querySelector("p[dir=auto]")?.textContent;
      const state = sign.getAttribute("data-delivery")!;
      if (text === undefined || text === null || last.get(text) === state) continue;
      last.set(text, state);
      shown.push({ text, state });
    }
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributeFilter: ["data-delivery"] });
}
