// Loaded into a replica before its program: a wrong clock, and an event loop that blocks on request.
const skewMs = Number(process.env.FAULTS_CLOCK_SKEW_MS ?? 0);
if (skewMs !== 0) {
  const RealDate = Date;
  globalThis.Date = class extends RealDate {
    constructor(...given) {
      if (given.length === 0) super(RealDate.now() + skewMs);
      else super(...given);
    }
    static now() {
      return RealDate.now() + skewMs;
    }
  };
}
const busyMs = Number(process.env.FAULTS_BUSY_MS ?? 0);
if (busyMs > 0) {
  process.on('SIGUSR2', () => {
    const until = performance.now() + busyMs;
    while (performance.now() < until);
  });
}
