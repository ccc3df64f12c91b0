import { once } from 'node:events';
import { connect } from 'node:net';

/** Watches every command that a Redis gets, with MONITOR; commands inside scripts, marked `lua`, are left out. */
export async function openMonitor(
  port: number,
  heard: (command: string) => void,
): Promise<{ close(): void }> {
  const socket = connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('error', () => undefined);
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\r\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const found = /^\+[\d.]+ \[\d+ (?!lua)[^\]]*\] "([^"]*)"/.exec(line);
      if (found?.[1] !== undefined) heard(found[1].toLowerCase());
    }
  });
  socket.write('MONITOR\r\n');
  await once(socket, 'data');
  return { close: () => void socket.destroy() };
}
