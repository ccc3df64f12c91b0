const PARENT_CHECK_MS = 250;

/**
 * Turns every request to stop (Ctrl-C, SIGTERM, a closed terminal, an npm that exited) into one AbortSignal.
 * A terminal and npm both forward Ctrl-C, so the same request may arrive twice: only the first one counts.
 */
export function listenForStop() {
  const controller = new AbortController();
  const stop = () => controller.abort();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, stop);
  // `| head`, or a closed terminal: without a listener the next line of output would crash the process.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', stop);
  // npm sends SIGTERM to the shell between itself and this process, and the shell dies without forwarding it.
  if (process.env.npm_lifecycle_event) {
    const parent = process.ppid;
    setInterval(() => process.ppid !== parent && stop(), PARENT_CHECK_MS).unref();
  }
  return controller.signal;
}

/** Resolves once the signal is aborted. */
export function aborted(signal) {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
