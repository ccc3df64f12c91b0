import { TURNS_A_SESSION } from './drive.ts';
import type { BenchReplica } from './stack.ts';
import { takeTurn } from './turn.ts';

/** Uncounted turns, in short new sessions. */
export async function warmUp(replica: BenchReplica, turns: number): Promise<void> {
  for (let count = 0; count < turns; count += 1) {
    const conversation = `warm-${Math.floor(count / TURNS_A_SESSION)}`;
    await takeTurn(replica.caller, 'json', conversation, `question ${count}`);
  }
}
