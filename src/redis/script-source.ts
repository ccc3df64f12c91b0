import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A value in a header: `name`, `name:number`, or `name*` for all that is left, as a list. */
export interface Field {
  readonly name: string;
  readonly isNumber: boolean;
  readonly isList: boolean;
}

/** The parsed header of a script. */
export interface ScriptHeader {
  readonly purpose: string;
  readonly includes: readonly string[];
  readonly keys: readonly Field[];
  readonly args: readonly Field[];
  /** Fields of each reply, by its word. */
  readonly replies: ReadonlyMap<string, readonly string[]>;
}

const DIRECTORY = join(import.meta.dirname, 'scripts');

/** The names of all scripts, as their files are called. */
export function scriptNames(): readonly string[] {
  return readdirSync(DIRECTORY)
    .filter((file) => file.endsWith('.lua'))
    .map((file) => file.slice(0, -'.lua'.length));
}

export function readHeader(name: string): ScriptHeader {
  return parseHeader(name, readFile(name));
}

/**
 * The whole script as Redis gets it: keys and arguments under the names of its header, a constructor for each reply,
 * its includes, and its own code. So no position is counted by hand on either side.
 */
export function readScript(name: string): string {
  const own = readFile(name);
  const { includes, keys, args, replies } = parseHeader(name, own);
  const lines = [
    ...keys.map((key, index) => localFor(key.name.toUpperCase(), key, 'KEYS', index + 1)),
    ...args.map((arg, index) => localFor(arg.name, arg, 'ARGV', index + 1)),
    ...[...replies].map(([word, fields]) => constructorFor(word, fields)),
  ];
  return [...lines, ...includes.map((include) => readFile(join('include', include))), own].join('\n');
}

function localFor(name: string, { isNumber, isList }: Field, from: 'KEYS' | 'ARGV', at: number): string {
  // A list may be longer than Lua can unpack at once.
  if (isList) return `local ${name} = {} for i = ${at}, #${from} do ${name}[i - ${at - 1}] = ${from}[i] end`;
  return `local ${name} = ${isNumber ? `tonumber(${from}[${at}])` : `${from}[${at}]`}`;
}

/** A word alone is a value; one with fields is called with a table that names them. */
function constructorFor(word: string, fields: readonly string[]): string {
  if (fields.length === 0) return `local ${word} = {'${word}'}`;
  const values = fields.map((field) => `f.${field}`).join(', ');
  return `local function ${word}(f) return {'${word}', ${values}} end`;
}

function readFile(name: string): string {
  return readFileSync(join(DIRECTORY, `${name}.lua`), 'utf8');
}

function parseHeader(name: string, text: string): ScriptHeader {
  const lines = text.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('--'));
  const header = lines.slice(0, end).map((line) => line.slice(2));
  const section = (title: string): string => {
    const first = header.findIndex((line) => line.startsWith(` ${title} `));
    if (first < 0) return '';
    // What is indented under a title belongs to it.
    const more = header.slice(first + 1).findIndex((line) => !line.startsWith('   '));
    const last = more < 0 ? header.length : first + 1 + more;
    return header.slice(first, last).join(' ').replace(` ${title} `, '').trim();
  };
  const words = (title: string) => section(title).split(/\s+/).filter(Boolean);
  const replies = section('REPLIES')
    .split('|')
    .map((reply) => reply.trim().split(/\s+/));
  const purpose = header[0]?.trim() ?? '';
  if (!purpose.startsWith(`${name}: `))
    throw new Error(`${name}.lua does not begin with its name and purpose`);
  return {
    purpose: purpose.slice(name.length + 2),
    includes: words('INCLUDE'),
    keys: words('KEYS').map(fieldOf),
    args: words('ARGS').map(fieldOf),
    replies: new Map(replies.map(([word = '', ...fields]) => [word, fields])),
  };
}

function fieldOf(word: string): Field {
  const isList = word.endsWith('*');
  const [name = '', kind] = word.replace(/\*$/, '').split(':');
  return { name, isNumber: kind === 'number', isList };
}
