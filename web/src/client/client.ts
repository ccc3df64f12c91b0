import { ask, type Call, type Place } from './http.ts';
import type { Health, MessagePage, Session, SessionPage, Turn } from './shapes.ts';
import { type Follow, follow, resume, type Say, say } from './turns.ts';

/**
 * A small client of the native API. It needs only `fetch`: copy this folder to use it elsewhere.
 *
 *     const client = createClient({ apiUrl: 'http://localhost:8000', key: () => null });
 *     for await (const event of client.say({ conversationId: 'first', message: 'Hello', key: crypto.randomUUID() }))
 *       if (event.type === 'delta') show(event.content);
 *
 * All of it throws ApiError.
 */
export function createClient(place: Place) {
  const session = (id: string) => `/api/sessions/${encodeURIComponent(id)}`;
  const turn = (id: string, turnId: string) => `${session(id)}/turns/${encodeURIComponent(turnId)}`;
  const get = <T>(path: string, signal?: AbortSignal) => ask<T>(place, path, { signal });
  const change = <T>(path: string, call: Call) => ask<T>(place, path, call);
  return {
    health: () => get<Health>('/health'),
    /** Sessions of the caller, newest access first. */
    sessions: (cursor: string | null, limit = 100) =>
      get<SessionPage>(`/api/sessions?limit=${limit}${cursor === null ? '' : `&cursor=${cursor}`}`),
    session: (id: string) => get<Session>(session(id)),
    rename: (id: string, title: string) => change<Session>(session(id), { method: 'PATCH', body: { title } }),
    remove: (id: string) => change<unknown>(session(id), { method: 'DELETE' }),
    /** The newest messages, or those before one; oldest first. */
    messages: (id: string, before: string | null, limit = 100) =>
      get<MessagePage>(`${session(id)}/messages?limit=${limit}${before === null ? '' : `&before=${before}`}`),
    turn: (id: string, turnId: string, signal?: AbortSignal) => get<Turn>(turn(id, turnId), signal),
    /** Stops a turn, wherever it runs or waits; answered once it has ended. */
    cancel: (id: string, turnId: string) => change<Turn>(`${turn(id, turnId)}/cancel`, { method: 'POST' }),
    say: (message: Say) => say(place, message),
    follow: (turnOf: Follow) => follow(place, turnOf),
    resume: (turnOf: Follow) => resume(place, turnOf),
  };
}

export type Client = ReturnType<typeof createClient>;
