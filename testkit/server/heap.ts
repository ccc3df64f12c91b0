import type { Replica } from './replica.ts';

/** Setting that lets a test read the heap size of a replica. */
export const INSPECTABLE = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };

/** Memory of a process in bytes, as `process.memoryUsage` tells it. */
export interface HeldMemory {
  readonly rss: number;
  readonly heapUsed: number;
  /** Outside the heap, buffers included. */
  readonly external: number;
}

/** Heap of a replica in bytes after garbage collection. */
export async function heldBytes(replica: Replica): Promise<number> {
  return (await heldMemory(inspectorOf(replica))).heapUsed;
}

/** Where a replica can be inspected. Its output tells: ask before it has written much. */
export function inspectorOf(replica: Replica): string {
  const url = /ws:\/\/127\.0\.0\.1:\S+/.exec(replica.output())?.[0];
  if (url === undefined) throw new Error('the replica was not started with INSPECTABLE');
  return url;
}

/** Memory of a process after garbage collection. @param url  see `inspectorOf` */
export async function heldMemory(url: string): Promise<HeldMemory> {
  const socket = new WebSocket(url);
  const replies = new Map<number, (result: unknown) => void>();
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown };
    if (id !== undefined) replies.get(id)?.(result);
  });
  await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
  const ask = (method: string, params = {}) =>
    new Promise<unknown>((resolve) => {
      const id = replies.size + 1;
      replies.set(id, resolve);
      socket.send(JSON.stringify({ id, method, params }));
    });
  await ask('HeapProfiler.collectGarbage');
  const { result } = (await ask('Runtime.evaluate', {
    expression: 'process.memoryUsage()',
    returnByValue: true,
  })) as { result: { value: HeldMemory } };
  socket.close();
  return result.value;
}
