import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const LOOK_EVERY_MS = 10_000;

/** Quiet looks in a row before memory is given back. */
const QUIET_LOOKS = 2;

/** What shows whether a replica works. */
interface Work {
  /** Turns that wait or run here now. */
  readonly size: number;
  /** Turns that ever did. */
  readonly entered: number;
}

/**
 * Gives memory back to the system when a replica has become idle. V8 collects garbage when it needs room, so a process
 * that has nothing to do keeps what a busy minute left: 330 MB where 140 are in use (docs/decisions/0019). Collecting it
 * takes about 0.1 s, once after each busy time, and only while no turn is here.
 */
export function giveBackWhenIdle(work: Work): void {
  // What starting left behind is given back as well.
  let [doneAt, lastEntered, quietLooks] = [-1, work.entered, 0];
  const look = () => {
    quietLooks = work.size === 0 && work.entered === lastEntered ? quietLooks + 1 : 0;
    lastEntered = work.entered;
    if (quietLooks < QUIET_LOOKS || work.entered === doneAt) return;
    doneAt = work.entered;
    collect();
  };
  setInterval(look, LOOK_EVERY_MS).unref();
}

/** `last-resort` also shrinks the heap. */
function collect(): void {
  setFlagsFromString('--expose-gc');
  const gc: NodeJS.GCFunction = runInNewContext('gc');
  gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
