// Health check of the image: asks the command that the container runs, on the port that it serves.
import { readFileSync } from 'node:fs';

/** Name and arguments of the container's command; `serve` when it has none. */
function command() {
  const words = readFileSync('/proc/1/cmdline', 'utf8').split('\0').slice(0, -1);
  const [name = 'serve', ...args] = words.slice(words.indexOf('dist/main.js') + 1);
  return { name, args };
}

/** What to ask; null when the command serves nothing: then it is well as long as it runs. */
function addressOf({ name, args }) {
  const { HOST, PORT, WEB_PORT } = process.env;
  const option = (long, fallback) => args[args.indexOf(long) + 1 || args.length] ?? fallback;
  if (name === 'serve') return { host: HOST, port: PORT || 8000, path: '/livez' };
  if (name === 'web') return { host: HOST, port: WEB_PORT || 3000, path: '/livez' };
  if (name === 'demo-model') {
    return { host: option('--host'), port: option('--port', 9000), path: '/v1/models' };
  }
  return null;
}

function urlOf({ host, port, path }) {
  const isAny = !host || host === '0.0.0.0' || host === '::';
  const named = isAny ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  return `http://${named}:${port}${path}`;
}

const address = addressOf(command());
if (address !== null) {
  const isWell = await fetch(urlOf(address)).then(
    ({ ok }) => ok,
    () => false,
  );
  process.exitCode = isWell ? 0 : 1;
}
