const EVERY_MS = 15_000;
const TICK_MS = 1000;

/** A stream that must not stay silent for long: proxies take a silent one for dead. */
interface Member {
  beat(): void;
}

/** Those that beat at the same tick. */
const wheel = Array.from({ length: EVERY_MS / TICK_MS }, () => new Set<Member>());
let at = 0;
let memberCount = 0;
let timer: NodeJS.Timeout | null = null;

/**
 * Calls a member every 15 s. All share one timer, because one each is memory each; and they are spread over the ticks by
 * when they joined, so that thousands of streams are not written to in one go.
 *
 * @returns ends it
 */
export function keepBeating(member: Member): () => void {
  const slot = wheel[at];
  slot?.add(member);
  memberCount += 1;
  timer ??= setInterval(tick, TICK_MS).unref();
  return () => {
    if (slot?.delete(member)) memberCount -= 1;
    if (memberCount > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };
}

function tick(): void {
  at = (at + 1) % wheel.length;
  for (const member of wheel[at] ?? []) member.beat();
}
