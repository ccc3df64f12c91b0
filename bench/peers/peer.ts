import type { TurnKind, TurnTimes } from '../turn.ts';

/** Another server, to be measured beside this one. */
export interface Peer {
  readonly name: string;
  /** What it keeps of a turn, and where. */
  readonly stores: string;
  readonly kinds: readonly TurnKind[];
  /** It answers only when a turn is on disk; so does the server beside it. */
  readonly isOnDisk: boolean;
  /** Puts it into its folder, unless it is there. @throws when it cannot be installed */
  install(): Promise<void>;
  /** Ready to answer when it returns. */
  start(modelUrl: string, atEnd: (stop: () => Promise<void>) => void): Promise<RunningPeer>;
}

export interface RunningPeer {
  /** Its processes. */
  readonly pids: readonly number[];
  turn(kind: TurnKind, conversationId: string, message: string): Promise<TurnTimes>;
}
