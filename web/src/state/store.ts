import { useSyncExternalStore } from 'react';

/** A value that components read a part of. */
export class Store<T> {
  #state: T;
  #isSoon = false;
  readonly #listeners = new Set<() => void>();

  constructor(state: T) {
    this.#state = state;
  }

  get state(): T {
    return this.#state;
  }

  /** Changes the state and tells at once. */
  update(change: (state: T) => T): void {
    this.#state = change(this.#state);
    this.#tell();
  }

  /** Changes the state and tells with the next frame: for changes that come by the hundred. */
  updateSoon(change: (state: T) => T): void {
    this.#state = change(this.#state);
    if (this.#isSoon) return;
    this.#isSoon = true;
    // A hidden page has no frames.
    if (document.hidden) setTimeout(() => this.#tell(), 200);
    else requestAnimationFrame(() => this.#tell());
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #tell(): void {
    this.#isSoon = false;
    for (const listener of this.#listeners) listener();
  }
}

/** Reads a part; the component renders again when that part is another value. */
export function useStore<T, P>(store: Store<T>, part: (state: T) => P): P {
  return useSyncExternalStore(store.subscribe, () => part(store.state));
}
