import { createHash } from 'node:crypto';
import { commandWords } from './resp.ts';

/** A request on its way to Redis. */
export class RedisRequest {
  /** The name of a script, `redlock`, or the command in lower case. */
  readonly name: string;
  /** Keys of a script; the first argument of anything else. */
  readonly keys: readonly string[];
  readonly #bytes: Buffer;

  /** @param names  names of scripts, by digest */
  constructor(bytes: Buffer, names: ReadonlyMap<string, string>) {
    this.#bytes = bytes;
    const [command = '', first = '', count = '0'] = commandWords(bytes, 3);
    const word = command.toLowerCase();
    const isScript = word === 'evalsha' || word === 'eval';
    this.keys = isScript ? commandWords(bytes, 3 + Number(count)).slice(3) : first === '' ? [] : [first];
    this.name = isScript ? this.#scriptName(word === 'eval' ? digestOf(first) : first, names) : word;
  }

  /** The conversation of its first key; null when that is not a session key. */
  get session(): string | null {
    return /\{[^/}]*\/([^}]*)\}/.exec(this.keys[0] ?? '')?.[1] ?? null;
  }

  get words(): readonly string[] {
    return commandWords(this.#bytes);
  }

  #scriptName(digest: string, names: ReadonlyMap<string, string>): string {
    const isLock = this.keys.length === 1 && this.keys[0]?.endsWith(':lock');
    return names.get(digest) ?? (isLock ? 'redlock' : 'other-script');
  }
}

function digestOf(script: string): string {
  return createHash('sha1').update(script).digest('hex');
}
