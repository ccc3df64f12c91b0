import type { Writable } from 'node:stream';

let newest: { readonly frames: readonly string[]; readonly bytes: Buffer } | null = null;

/**
 * Frames as one chunk of a body in HTTP/1.1, with its length before it. The readers of a turn are handed the same frames
 * one after the other: the first of them has the bytes made, and all write those.
 */
export function chunkOf(frames: readonly string[]): Buffer {
  if (newest?.frames !== frames) {
    const text = frames.join('');
    const length = Buffer.byteLength(text).toString(16);
    newest = { frames, bytes: Buffer.from(`${length}\r\n${text}\r\n`) };
  }
  return newest.bytes;
}

const held: Writable[] = [];

/**
 * Writes to a socket; what it is given until the running callback of the event loop has ended goes out in one system
 * call. Those are most of what an event costs, and one read of the model's answer may hold several.
 *
 * @returns whether there is room for more
 */
export function writeInOneGo(socket: Writable, bytes: Buffer): boolean {
  if (socket.writableCorked === 0) {
    socket.cork();
    if (held.push(socket) === 1) process.nextTick(release);
  }
  return socket.write(bytes);
}

function release(): void {
  for (const socket of held.splice(0)) socket.uncork();
}
