import { ANONYMOUS_OWNER } from '../conversation/caller.ts';
import { textOf } from '../conversation/parts.ts';
import type { SessionPage, SessionStore } from '../conversation/ports/sessions.ts';
import type { Message, SessionRef, SessionSummary } from '../conversation/session.ts';
import { messageToJson, sessionToJson, timeToJson } from '../http/native/wire.ts';
import type { SessionExaminer, SkippedKey } from '../upkeep/port.ts';
import { duration, renderTable } from './table.ts';
import { printable, type Terminal, toJson } from './terminal.ts';

export interface SessionCommands {
  readonly sessions: SessionStore;
  readonly examiner: SessionExaminer;
  readonly terminal: Terminal;
}

/** Sessions fetched at once. */
const PAGE = 500;

/** `sessions list`. @returns the exit code */
export async function listSessions(
  { sessions, terminal }: SessionCommands,
  owner: string,
  options: { readonly limit: number; readonly json?: boolean | undefined },
): Promise<number> {
  const found: SessionSummary[] = [];
  let total = 0;
  for (let cursor: string | null = null; found.length < options.limit; ) {
    const page: SessionPage = await sessions.list(
      owner,
      Math.min(PAGE, options.limit - found.length),
      cursor,
    );
    found.push(...page.sessions);
    total = page.total;
    cursor = page.nextCursor;
    if (cursor === null) break;
  }
  if (options.json) {
    terminal.out(toJson({ owner, sessions: found.map(sessionToJson), total }));
    return 0;
  }
  const now = Date.now();
  const rows = found.map((session) => [
    session.conversationId,
    String(session.messageCount),
    `${duration(now - session.lastAccessedMs)} ago`,
    `in ${duration(session.expiresAtMs - now)}`,
    printable(session.title),
  ]);
  terminal.out(
    renderTable([['SESSION', 'MESSAGES', 'LAST ACCESS', 'EXPIRES', 'TITLE'], ...rows], terminal.columns),
  );
  terminal.err(`${found.length} of ${total} live sessions${ofOwner(owner)}\n`);
  return 0;
}

/** `sessions show`. @returns the exit code */
export async function showSession(
  { sessions, examiner, terminal }: SessionCommands,
  session: SessionRef,
  options: { readonly messages: number; readonly json?: boolean | undefined },
): Promise<number> {
  const examined = await examiner.examine(session);
  if (examined.kind === 'gone') return missing(terminal, session);
  if (examined.kind === 'corrupt') return unreadable(terminal, session, examined.skipped, options);
  const [summary, page] = await Promise.all([
    sessions.summary(session),
    sessions.messages(session, Math.max(options.messages, 1), null),
  ]);
  if (summary === null || page === null) return missing(terminal, session);
  const { runningTurnId: running, waitingTurnIds: waiting, skipped } = examined;
  const messages = options.messages === 0 ? [] : page.messages;
  if (options.json) {
    terminal.out(
      toJson({
        owner: session.owner,
        ...sessionToJson(summary),
        running_turn: running,
        waiting_turns: waiting,
        unreadable: skipped,
        messages: messages.map(messageToJson),
        has_more: page.hasMore || messages.length < page.messages.length,
      }),
    );
    return 0;
  }
  const now = Date.now();
  terminal.out(
    renderTable(
      [
        ['session', session.conversationId],
        ['owner', session.owner],
        ['title', printable(summary.title)],
        ['created', timeToJson(summary.createdAtMs)],
        [
          'last access',
          `${timeToJson(summary.lastAccessedMs)} (${duration(now - summary.lastAccessedMs)} ago)`,
        ],
        ['expires', `${timeToJson(summary.expiresAtMs)} (in ${duration(summary.expiresAtMs - now)})`],
        ['messages', String(summary.messageCount)],
        ['running', running ?? 'none'],
        ['waiting', waiting.length === 0 ? 'none' : waiting.join(' ')],
        ...skipped.map(unreadableRow),
      ],
      terminal.columns,
    ),
  );
  if (messages.length > 0) {
    terminal.out(
      `\n${renderTable([['ID', 'AT', 'ROLE', 'CONTENT'], ...messages.map(row)], terminal.columns)}`,
    );
  }
  return 0;
}

/** A session that is too broken to show: only the broken keys can be named. @returns the exit code */
function unreadable(
  terminal: Terminal,
  { owner, conversationId }: SessionRef,
  skipped: readonly SkippedKey[],
  options: { readonly json?: boolean | undefined },
): number {
  if (options.json) terminal.out(toJson({ owner, session_id: conversationId, unreadable: skipped }));
  else terminal.out(renderTable(skipped.map(unreadableRow), terminal.columns));
  terminal.err(`${conversationId}${ofOwner(owner)} cannot be read.\n`);
  return 1;
}

function unreadableRow({ key, reason }: SkippedKey): string[] {
  return ['unreadable', `${printable(key)} ${printable(reason)}`];
}

/** `sessions delete`. @returns the exit code */
export async function deleteSession(
  { sessions, terminal }: SessionCommands,
  session: SessionRef,
  options: { readonly json?: boolean | undefined },
): Promise<number> {
  if (!(await sessions.remove(session))) return missing(terminal, session);
  const { owner, conversationId } = session;
  if (options.json) terminal.out(toJson({ owner, session_id: conversationId, deleted: true }));
  else terminal.out(`Deleted ${conversationId}${ofOwner(owner)}.\n`);
  return 0;
}

function missing(terminal: Terminal, { owner, conversationId }: SessionRef): number {
  terminal.err(`There is no session ${conversationId}${ofOwner(owner)}.\n`);
  return 1;
}

function row(message: Message): string[] {
  const more = message.parts.flatMap((part) => (part.type === 'text' ? [] : [` [${part.type}]`]));
  const mark = message.truncated ? ' [truncated]' : '';
  const content = printable(textOf(message.parts)) + more.join('') + mark;
  return [message.id, timeToJson(message.createdAtMs), message.role, content];
}

/** The anonymous owner is not named. */
function ofOwner(owner: string): string {
  return owner === ANONYMOUS_OWNER ? '' : ` of ${owner}`;
}
