import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** Things that a test file started and has not stopped: ended when the file ends, or by the watchdog. */
const leftOvers = new Map<() => void | Promise<void>, Watched | undefined>();
let watchdog: Writable | undefined;

/** Things that the watchdog can end without this process. */
export type Watched =
  | { readonly kind: 'process'; readonly pid: number }
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'container'; readonly label: string };

/**
 * Registers how to end something; the returned function unregisters it.
 *
 * @param watched   for things that would outlive this process
 */
export function whenLeftOver(end: () => void | Promise<void>, watched?: Watched): () => void {
  leftOvers.set(end, watched);
  if (watched !== undefined) tellWatchdog('watch', watched);
  return () => forget(end);
}

/** Ends all that is left, newest first. */
export async function endLeftOvers(): Promise<void> {
  for (const end of [...leftOvers.keys()].reverse()) {
    await end();
    forget(end);
  }
}

function forget(end: () => void | Promise<void>): void {
  const watched = leftOvers.get(end);
  if (leftOvers.delete(end) && watched !== undefined) tellWatchdog('forget', watched);
}

function tellWatchdog(verb: 'watch' | 'forget', watched: Watched): void {
  watchdog ??= startWatchdog();
  watchdog.write(`${JSON.stringify({ verb, watched })}\n`);
}

// An exit hook is not enough: an interrupted vitest kills its workers with SIGKILL, and a frozen server
// takes no signal but that one.
function startWatchdog(): Writable {
  const script = fileURLToPath(new URL('watchdog.ts', import.meta.url));
  const child = spawn(process.execPath, [script], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  child.unref();
  if ('unref' in child.stdin && typeof child.stdin.unref === 'function') child.stdin.unref();
  child.stdin.on('error', () => undefined);
  return child.stdin;
}
