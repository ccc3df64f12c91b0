import { connect, createServer } from 'node:net';

const LOOPBACKS = ['127.0.0.1', '::1'];

/**
 * Whether something uses a port on this machine.
 * Binding the port is not enough: macOS allows 127.0.0.1 while another program has all addresses,
 * and a browser may go to ::1 for `localhost`.
 */
export async function isTaken(port) {
  const answers = await Promise.all(LOOPBACKS.map((host) => accepts(port, host)));
  return answers.includes(true) || (await listenOnce(port)) === undefined;
}

/** A free port. */
export async function freePort() {
  return listenOnce(0);
}

/** Whether something accepts connections there, within 500 ms. */
export function accepts(port, host) {
  return new Promise((resolve) => {
    const socket = connect({ port, host, timeout: 500 });
    const answer = (yes) => {
      socket.destroy();
      resolve(yes);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
    socket.once('timeout', () => answer(false));
  });
}

function listenOnce(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '127.0.0.1' }, () => {
      const { port: given } = server.address();
      server.close(() => resolve(given));
    });
  });
}
