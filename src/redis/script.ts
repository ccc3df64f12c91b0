import { readHeader, readScript } from './script-source.ts';
import type { Client } from './server/connect.ts';
import { asTurnwiseError, UnknownReply } from './server/failures.ts';

/** How a field of a reply is read. */
type Kind = 'text' | 'number' | 'list' | 'raw';

interface ValueOf {
  readonly text: string;
  readonly number: number;
  readonly list: readonly string[];
  readonly raw: unknown;
}

type Value = string | number;

/** Fields of each reply, by its word. */
export type Replies = Readonly<Record<string, Readonly<Record<string, Kind>>>>;

type WordIn<S extends string> = S extends `${infer Word} ${infer More}` ? Word | WordIn<More> : S;

/** Values by name; all names are in one text, as in the header. One with `*` is a list, and the last. */
export type Named<Names extends string, One> = {
  readonly [N in WordIn<Names> as N extends `${infer List}*` ? List : N]: N extends `${string}*`
    ? readonly One[]
    : One;
};

/** The word of a reply, and its fields. */
export type Reply<R extends Replies> = {
  [W in keyof R & string]: { readonly word: W } & { readonly [F in keyof R[W]]: ValueOf[R[W][F]] };
}[keyof R & string];

type Command = (keyCount: number, ...values: Value[]) => Promise<unknown>;

/** A script with its keys, arguments and replies, under the names that its header gives them. */
export class Script<const K extends string, const A extends string, const R extends Replies> {
  readonly name: string;
  readonly #keys: readonly string[];
  readonly #args: readonly string[];
  readonly #replies: R;
  readonly #command: string;

  constructor(name: string, keys: K, args: A, replies: R) {
    this.name = name;
    this.#keys = keys.split(' ');
    this.#args = args.split(' ');
    this.#replies = replies;
    this.#command = `turnwise:${name}`;
  }

  /** ioredis sends the digest, and the text once. @throws when the file does not match this specification */
  define(client: Client): void {
    this.#check();
    client.defineCommand(this.#command, { lua: readScript(this.name) });
  }

  /** @throws TurnwiseError */
  async run(client: Client, keys: Named<K, string>, args: Named<A, Value>): Promise<Reply<R>> {
    const given = flatten(this.#keys, keys);
    // ioredis adds the command as a method under this name, which its types do not know.
    const command = Reflect.get(client, this.#command) as Command;
    try {
      return this.#read(await command.call(client, given.length, ...given, ...flatten(this.#args, args)));
    } catch (error) {
      throw asTurnwiseError(error, this.name);
    }
  }

  /** Code and script must come from the same build. */
  #check(): void {
    const header = readHeader(this.name);
    const namesIn = (fields: typeof header.keys) =>
      fields.map(({ name, isList }) => (isList ? `${name}*` : name));
    const said = [namesIn(header.keys), namesIn(header.args), [...header.replies].toSorted()];
    const replies = Object.entries(this.#replies).map(([word, fields]) => [word, Object.keys(fields)]);
    const known = [this.#keys, this.#args, replies.toSorted()];
    if (JSON.stringify(said) === JSON.stringify(known)) return;
    throw new Error(
      `${this.name}.lua says ${JSON.stringify(said)}, its specification ${JSON.stringify(known)}`,
    );
  }

  #read(raw: unknown): Reply<R> {
    const [first, ...values]: readonly unknown[] = Array.isArray(raw) ? raw : [raw];
    const word = String(first);
    const fields = this.#replies[word];
    if (fields === undefined) throw new UnknownReply(word);
    const reply: Record<string, unknown> = { word };
    Object.entries(fields).forEach(([name, kind], index) => {
      reply[name] = READ[kind](values[index]);
    });
    return reply as Reply<R>;
  }
}

const READ: { readonly [K in Kind]: (value: unknown) => ValueOf[K] } = {
  text: (value) => (value === null || value === undefined ? '' : String(value)),
  number: (value) => Number(value ?? 0),
  list: (value) => (Array.isArray(value) ? value.map(String) : []),
  raw: (value) => value,
};

function flatten(names: readonly string[], values: Readonly<Record<string, unknown>>): Value[] {
  const flat: Value[] = [];
  for (const name of names) {
    const value = values[name.endsWith('*') ? name.slice(0, -1) : name];
    for (const one of Array.isArray(value) ? value : [value]) {
      // A missing argument would shift all those after it.
      if (typeof one !== 'string' && typeof one !== 'number') throw new Error(`${name} is missing`);
      flat.push(one);
    }
  }
  return flat;
}
