/** What is kept with a run: its names on the client's side, which no other door has a place for. */
export interface RunEcho {
  readonly runId: string;
  readonly messageIds: readonly string[];
}

export function encodeEcho({ runId, messageIds }: RunEcho): string {
  return JSON.stringify({ run_id: runId, messages: messageIds });
}

/** @returns null for a turn of another door */
export function decodeEcho(text: string): RunEcho | null {
  if (!text.startsWith('{"run_id":')) return null;
  try {
    const { run_id: runId, messages } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    if (typeof runId !== 'string' || !Array.isArray(messages)) return null;
    return { runId, messageIds: messages.map(String) };
  } catch {
    // An operator can write anything into a record.
    return null;
  }
}
