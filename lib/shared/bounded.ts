// Runs in browser and server.
/** Maps and sets of bounded size. When full, the oldest entry is dropped. */

export class BoundedMap<Key, Value> {
  readonly #map = new Map<Key, Value>();

  constructor(readonly max: number) {}

  get size(): number {
    return this.#map.size;
  }

  get(key: Key): Value | undefined {
    return this.#map.get(key);
  }

  has(key: Key): boolean {
    return this.#map.has(key);
  }

  /** Sets a value. An existing key becomes the newest. */
  set(key: Key, value: Value): void {
    this.#map.delete(key);
    if (this.#map.size >= this.max) this.#map.delete(this.#map.keys().next().value!);
    this.#map.set(key, value);
  }

  delete(key: Key): boolean {
    return this.#map.delete(key);
  }

  /** From the oldest to the newest. */
  entries(): IterableIterator<[Key, Value]> {
    return this.#map.entries();
  }

  [Symbol.iterator](): IterableIterator<[Key, Value]> {
    return this.#map.entries();
  }

  keys(): IterableIterator<Key> {
    return this.#map.keys();
  }

  values(): IterableIterator<Value> {
    return this.#map.values();
  }
}

export class BoundedSet<Item> {
  readonly #items = new Set<Item>();

  constructor(readonly max: number) {}

  get size(): number {
    return this.#items.size;
  }

  has(item: Item): boolean {
    return this.#items.has(item);
  }

  add(item: Item): void {
    if (this.#items.has(item)) return;
    if (this.#items.size >= this.max) this.#items.delete(this.#items.values().next().value!);
    this.#items.add(item);
  }

  delete(item: Item): boolean {
    return this.#items.delete(item);
  }
}
