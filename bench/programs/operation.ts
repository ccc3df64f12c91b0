import type { RequestListener, Server } from 'node:http';

/** Replies of each bench program about itself; null for any other path. */
export function operationReply(path: string | undefined): string | null {
  if (path === '/livez') return 'alive\n';
  if (path !== '/metrics') return null;
  const { user, system } = process.cpuUsage();
  return `process_cpu_seconds_total ${(user + system) / 1e6}\n`;
}

/** Adds those replies to a handler. */
export function withOperation(handler: RequestListener): RequestListener {
  return (request, response) => {
    const reply = operationReply(request.url);
    if (reply === null) handler(request, response);
    else response.end(reply);
  };
}

/** An address passed in by the parent process. */
export function given(name: 'PORT' | 'MODEL_URL'): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

export function listen(server: Server): void {
  server.keepAliveTimeout = 60_000;
  server.listen(Number(given('PORT')), '127.0.0.1');
  exitOnTerm();
}

/** Without a handler the signal would end the process before a profile is written. */
export function exitOnTerm(): void {
  process.once('SIGTERM', () => process.exit(0));
}
