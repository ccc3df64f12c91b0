import { createHash } from 'node:crypto';
import { ANONYMOUS_OWNER } from '../conversation/session.ts';

/** An owner as it stands in keys: the caller's own name when that can be no other place, else its digest. */
export function ownerInKeys(name: string): string {
  if (name === ANONYMOUS_OWNER || /^[A-Za-z0-9._@~-]{1,64}$/.test(name)) return name;
  return `~${createHash('sha256').update(name).digest('base64url')}`;
}
