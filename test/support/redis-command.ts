import { createHash } from 'node:crypto';

/** A command on its way to Redis. */
export interface RedisCommand {
  /** In capitals: GET, EVALSHA. */
  readonly name: string;
  readonly words: readonly string[];
  /** The script that it runs, by the name in its header; null for other commands and scripts without one. */
  readonly script: string | null;
  /** Keys of a script; the first argument of anything else. */
  readonly keys: readonly string[];
}

/** Names commands; a script by its digest only after its text went by once, as it does on a fresh server. */
export function createCommandReader(): (words: readonly string[]) => RedisCommand {
  const scripts = new Map<string, string>();
  return (words) => {
    const [name = '', first = '', count = '0', ...rest] = words;
    const command = name.toUpperCase();
    if (command === 'EVAL') {
      const digest = createHash('sha1').update(first).digest('hex');
      const header = /^-- ([a-z]+(?:-[a-z]+)+): /m.exec(first);
      if (header?.[1] !== undefined) scripts.set(digest, header[1]);
      return {
        name: command,
        words,
        script: scripts.get(digest) ?? null,
        keys: rest.slice(0, Number(count)),
      };
    }
    if (command === 'EVALSHA') {
      return { name: command, words, script: scripts.get(first) ?? null, keys: rest.slice(0, Number(count)) };
    }
    return { name: command, words, script: null, keys: first === '' ? [] : [first] };
  };
}
