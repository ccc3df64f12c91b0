import { factsOf, tokenOfCall } from './facts.ts';
import { show } from './stored-once.ts';
import type { Send, Story, Violation } from './story.ts';

/** The whole story of the sessions that violations name, for a reader who wants to know what happened. */
export function tellStory(story: Story, violations: readonly Violation[], notes: readonly Note[]): string {
  const lines = violations.map(({ invariant, session, what }) => `${invariant} ${session}: ${what}`);
  const named = new Set(violations.map(({ session }) => session));
  const events = [...notes];
  for (const facts of factsOf(story)) {
    // A violation without a session is explained by the notes.
    if (!named.has(facts.end.session)) continue;
    events.push(...facts.sends.flatMap(notesOfSend));
    for (const call of facts.calls) {
      const text = `model call ${call.index} for ${tokenOfCall(call)}, shown ${call.messages.length} messages`;
      events.push({ at: call.at, text });
    }
    lines.push(`history of ${facts.end.session}: count ${facts.end.meta?.messageCount ?? 'none, 404'}`);
    for (const [place, { turnId, role, content, isTruncated }] of facts.end.messages.entries()) {
      lines.push(`  ${place} ${turnId} ${role}${isTruncated ? ' (truncated)' : ''}: ${show(content)}`);
    }
    for (const { turnId, status, log } of facts.end.turns) {
      lines.push(
        `  turn ${turnId} ${status}; log: ${log?.map(({ id, event }) => `${event} ${id}`).join(', ')}`,
      );
    }
  }
  for (const { session, sentAt, endedAt, status } of story.deletions) {
    events.push(
      { at: sentAt, text: `DELETE ${session}` },
      { at: endedAt, text: `DELETE ${session}: ${status}` },
    );
  }
  for (const { at, text } of events.sort((a, b) => a.at - b.at))
    lines.push(`${at.toFixed(0).padStart(8)} ms  ${text}`);
  return lines.join('\n');
}

export interface Note {
  readonly at: number;
  readonly text: string;
}

function notesOfSend(send: Send): Note[] {
  const name = `${send.token} (${send.onBusy}, ${send.route}${send.key === null ? '' : ', key'}) at ${send.replica}`;
  const { end } = send;
  const how = end.kind === 'error' ? `${end.status ?? 'event'} ${end.code}` : end.kind;
  const said = end.kind === 'done' ? ` ${show(end.reply)}, count ${end.messageCount}` : '';
  return [
    { at: send.sentAt, text: `${name}: sent` },
    ...(send.admittedAt === null
      ? []
      : [{ at: send.admittedAt, text: `${name}: accepted as ${send.turnId}` }]),
    { at: send.endedAt ?? Number.POSITIVE_INFINITY, text: `${name}: ${how}${said} ${send.turnId ?? ''}` },
  ];
}
