const PARENT_CHECK_MS = 250;

/**
 * Turns the wish to stop (Ctrl-C, SIGTERM, a closed terminal, an npm that went away) into one AbortSignal.
 * A terminal and npm both pass Ctrl-C on, so the same wish may come twice: only the first one counts.
 */
export function listenForStop() {
  const controller = new AbortController();
  const stop = () => controller.abort();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, stop);
  // `| head`, or a terminal that is gone: without a listener the next line of output would be the end, and no clean one.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', stop);
  // npm passes SIGTERM to the shell between itself and this process, and the shell dies of it without a word.
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
