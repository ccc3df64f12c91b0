import type { Story, Violation } from './story.ts';

/** I8: when everything is idle nothing waits, runs or streams any more. */
export function nothingLeft(story: Story): readonly Violation[] {
  const found: Violation[] = [];
  for (const { session, turns } of story.sessions) {
    for (const turn of turns) {
      if (turn.status !== 'queued' && turn.status !== 'running') continue;
      found.push({ invariant: 'I8', session, what: `turn ${turn.turnId} is still ${turn.status}` });
    }
  }
  for (const send of story.sends) {
    // The one question sent when everything is idle: a leftover lock or waiting turn would block it.
    if (send.onBusy !== 'reject' || send.end.kind !== 'error' || send.end.code !== 'session_busy') continue;
    if (!story.sends.some((other) => other.session === send.session && other.sentAt > send.sentAt)) {
      found.push({
        invariant: 'I8',
        session: send.session,
        what: `${send.token} finds the session busy at the end`,
      });
    }
  }
  for (const { name, liveTurns, openStreams } of story.replicas) {
    if ((liveTurns ?? 0) > 0)
      found.push({ invariant: 'I8', session: '', what: `${name} holds ${liveTurns} turns` });
    if ((openStreams ?? 0) > 0) {
      found.push({ invariant: 'I8', session: '', what: `${name} holds ${openStreams} streams` });
    }
  }
  return found;
}
