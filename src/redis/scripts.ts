import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClientContext, Result } from 'ioredis';
import type { Client } from './connect.ts';

/** Every script by the name of its file; the name in code is the same, in camel case. */
const SCRIPTS = {
  admitTurn: 'admit-turn',
  joinTurn: 'join-turn',
  unjoinTurn: 'unjoin-turn',
  confirmTurn: 'confirm-turn',
  confirmRepeat: 'confirm-repeat',
  openTurn: 'open-turn',
  beatTurn: 'beat-turn',
  freeLock: 'free-lock',
  appendLog: 'append-log',
  readLog: 'read-log',
  endTurn: 'end-turn',
  withdrawTurn: 'withdraw-turn',
  claimTurn: 'claim-turn',
  stopTurn: 'stop-turn',
  releaseTurn: 'release-turn',
  deleteSession: 'delete-session',
  renameSession: 'rename-session',
  watchTurn: 'watch-turn',
  repairSession: 'repair-session',
  settleScores: 'settle-scores',
} as const;

export type ScriptName = keyof typeof SCRIPTS;

type ScriptArguments = [keyCount: number, ...keysAndArguments: (string | number)[]];

// ioredis' own way to type the commands that `defineCommand` adds.
declare module 'ioredis' {
  interface RedisCommander<Context extends ClientContext> {
    admitTurn(...args: ScriptArguments): Result<unknown, Context>;
    joinTurn(...args: ScriptArguments): Result<unknown, Context>;
    unjoinTurn(...args: ScriptArguments): Result<unknown, Context>;
    confirmTurn(...args: ScriptArguments): Result<unknown, Context>;
    confirmRepeat(...args: ScriptArguments): Result<unknown, Context>;
    openTurn(...args: ScriptArguments): Result<unknown, Context>;
    beatTurn(...args: ScriptArguments): Result<unknown, Context>;
    freeLock(...args: ScriptArguments): Result<unknown, Context>;
    appendLog(...args: ScriptArguments): Result<unknown, Context>;
    readLog(...args: ScriptArguments): Result<unknown, Context>;
    endTurn(...args: ScriptArguments): Result<unknown, Context>;
    withdrawTurn(...args: ScriptArguments): Result<unknown, Context>;
    claimTurn(...args: ScriptArguments): Result<unknown, Context>;
    stopTurn(...args: ScriptArguments): Result<unknown, Context>;
    releaseTurn(...args: ScriptArguments): Result<unknown, Context>;
    deleteSession(...args: ScriptArguments): Result<unknown, Context>;
    renameSession(...args: ScriptArguments): Result<unknown, Context>;
    watchTurn(...args: ScriptArguments): Result<unknown, Context>;
    repairSession(...args: ScriptArguments): Result<unknown, Context>;
    settleScores(...args: ScriptArguments): Result<unknown, Context>;
  }
}

export const SCRIPT_DIRECTORY = join(import.meta.dirname, 'scripts');

/** Reads a script with the prelude that its header asks for. */
export function readScript(file: string): string {
  const text = readFileSync(join(SCRIPT_DIRECTORY, `${file}.lua`), 'utf8');
  const include = /^-- include (\S+)$/m.exec(text)?.[1];
  if (include === undefined) return text;
  return `${readFileSync(join(SCRIPT_DIRECTORY, `${include}.include.lua`), 'utf8')}\n${text}`;
}

/** Teaches a client all scripts; ioredis sends the digest and, once, the text. */
export function defineScripts(client: Client): void {
  for (const [name, file] of Object.entries(SCRIPTS)) client.defineCommand(name, { lua: readScript(file) });
}

export function scriptFiles(): readonly string[] {
  return readdirSync(SCRIPT_DIRECTORY).filter((name) => name.endsWith('.lua'));
}
