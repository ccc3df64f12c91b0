import type { Session } from '../client/shapes.ts';
import type { LiveTurn } from './live-turn.ts';

/** What one tab tells the others. */
export type News =
  | { readonly type: 'turn'; readonly conversationId: string; readonly turn: LiveTurn }
  | { readonly type: 'settled'; readonly conversationId: string }
  | { readonly type: 'session'; readonly session: Session }
  | { readonly type: 'removed'; readonly conversationId: string };

export class Tabs {
  readonly #channel = new BroadcastChannel('turnwise');

  constructor(hear: (news: News) => void) {
    this.#channel.onmessage = (event: MessageEvent<News>) => hear(event.data);
  }

  tell(news: News): void {
    this.#channel.postMessage(news);
  }
}
