import { type Fields, refused } from './fields.ts';

/** The summary of a conversation as an item. Its content is opaque to clients, not secret: it is theirs. */
export function summaryItem(id: string, summary: string) {
  const encrypted = Buffer.from(JSON.stringify({ summary })).toString('base64url');
  return { type: 'compaction', id, encrypted_content: encrypted } as const;
}

/** What a model is told in place of the messages that were summarised. @throws invalid_request */
export function readSummary(item: Fields): string {
  const path = item.pathOf('encrypted_content');
  const content = Buffer.from(item.needText('encrypted_content'), 'base64url').toString();
  const summary = summaryIn(content);
  if (summary === null) throw refused(path, `${path} was not made by this server`);
  return `Summary of the conversation so far:\n\n${summary}`;
}

function summaryIn(content: string): string | null {
  try {
    const json: unknown = JSON.parse(content);
    const { summary } = (json ?? {}) as { readonly summary?: unknown };
    return typeof summary === 'string' ? summary : null;
  } catch {
    return null;
  }
}
