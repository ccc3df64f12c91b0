import { type Answer, call, type ErrorBody } from '../http/http.ts';
import type { ModelMessage, ScriptedModel } from '../model/scripted-model.ts';
import type { Deployment } from './deployment.ts';

/** The replies of the API as on the wire, and shortcuts to request them. */

export interface Server {
  readonly url: string;
}

export interface MessageBody {
  readonly id: string;
  readonly turn_id: string;
  readonly role: string;
  readonly content: string;
  readonly created_at: string;
  readonly truncated?: boolean;
}

export interface SessionBody extends Partial<ErrorBody> {
  readonly session_id: string;
  readonly title: string;
  readonly created_at: string;
  readonly last_accessed: string;
  readonly expires_at: string;
  readonly message_count: number;
}

export interface SessionListBody {
  readonly sessions: readonly SessionBody[];
  readonly total: number;
  readonly next_cursor: string | null;
}

export interface MessageListBody {
  readonly messages: readonly MessageBody[];
  readonly has_more: boolean;
}

export interface TurnBody extends Partial<ErrorBody> {
  readonly turn_id: string;
  readonly session_id: string;
  readonly status: string;
  readonly attempt: number;
  readonly position: number | null;
  readonly reply: string | null;
  readonly kept: boolean | null;
  readonly finish_reason: string | null;
  readonly usage: Readonly<Record<string, number>> | null;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
}

export function getSession(server: Server, id: string): Promise<Answer<SessionBody>> {
  return call<SessionBody>(server.url, 'GET', `/api/sessions/${id}`);
}

export function listSessions(server: Server, query = 'limit=1000'): Promise<Answer<SessionListBody>> {
  return call<SessionListBody>(server.url, 'GET', `/api/sessions?${query}`);
}

export function getMessages(
  server: Server,
  id: string,
  query = 'limit=1000',
): Promise<Answer<MessageListBody>> {
  return call<MessageListBody>(server.url, 'GET', `/api/sessions/${id}/messages?${query}`);
}

export function deleteSession(server: Server, id: string) {
  return call<Record<string, unknown>>(server.url, 'DELETE', `/api/sessions/${id}`);
}

/** What was said in a session, oldest first. */
export async function saidIn(server: Server, id: string): Promise<readonly string[]> {
  const { body } = await getMessages(server, id);
  return (body.messages ?? []).map((message) => message.content);
}

/** The prompt for this message: the newest request of which it is the last message. */
export function promptFor(model: ScriptedModel, message: string): readonly ModelMessage[] {
  const request = model.requests.findLast(({ messages }) => messages.at(-1)?.content === message);
  if (request === undefined) throw new Error(`the model was never asked: ${message}`);
  return request.messages;
}

/** How many calls the model has received so far. */
export function callCount(deployment: Pick<Deployment, 'model'>): number {
  return deployment.model.requests.length;
}
