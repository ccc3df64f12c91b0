import { expect } from 'vitest';
import { makeKeys } from '../src/redis/keys.ts';
import { keyArguments, luaScripts } from './support/lua-script.ts';
import { tableUnder } from './support/markdown.ts';
import { promise } from './support/promise.ts';
import {
  filesBelow,
  importsOf,
  readSource,
  type SourceFile,
  stringsOf,
  withoutStrings,
} from './support/source-files.ts';

const ROOMS = ['conversation', 'http', 'redis', 'model', 'jobs', 'cli', 'telemetry'];

/** Files at the root of src that every room may speak to. */
const COMMON = ['src/errors.ts'];

const sources = filesBelow('src', '.ts');
const own = ['src', 'test', 'bench', 'faults', 'examples', 'scripts', 'web'].flatMap((folder) =>
  filesBelow(folder, '.ts', '.tsx', '.mjs'),
);

/** The room of a file of src; null for those at its root, which put the rooms together. */
function roomOf(path: string): string | null {
  return /^src\/([^/]+)\//.exec(path)?.[1] ?? null;
}

function mayImport(from: string, to: string): boolean {
  const [room, target] = [roomOf(from), roomOf(to)];
  if (room === null || room === target || COMMON.includes(to)) return true;
  return target === 'conversation' || (target === 'telemetry' && room !== 'conversation');
}

promise('arch.rooms.arrows', 'rooms import only themselves and what all rooms may, types included', () => {
  expect(
    [...new Set(sources.map((file) => roomOf(file.path)))].filter((room) => room !== null).sort(),
  ).toEqual(ROOMS.toSorted());
  const wrong = sources.flatMap((file) =>
    importsOf(file)
      .filter(({ kind, target }) => kind === 'local' && !mayImport(file.path, target))
      .map(({ target }) => `${file.path} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

promise('arch.rooms.packages', 'each room imports only the packages that docs/architecture.md names', () => {
  const table = tableUnder(readSource('docs/architecture.md'), 'Rooms');
  const allowed = new Map(
    table.map(([room = '', , packages = '']) => [
      /`src\/(\w+)\/`/.exec(room)?.[1] ?? room,
      [...packages.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
    ]),
  );
  expect([...allowed.keys()].sort()).toEqual(ROOMS.toSorted());
  const used = new Map(ROOMS.map((room) => [room, new Set<string>()]));
  for (const file of sources) {
    const room = roomOf(file.path);
    if (room === null) continue;
    for (const { kind, target } of importsOf(file)) if (kind === 'package') used.get(room)?.add(target);
  }
  const shown = (packages: Iterable<string>) =>
    [...packages].map((name) => name.replace(/^@fastify\/.*/, '@fastify/*'));
  for (const room of ROOMS) {
    const [said, found] = [allowed.get(room) ?? [], shown(used.get(room) ?? [])];
    expect([room, [...new Set(found)].sort()]).toEqual([room, said.toSorted()]);
  }
});

promise('arch.no-cycles', 'no file imports itself by a detour, types included', () => {
  const targets = new Map(
    own.map((file) => [
      file.path,
      importsOf(file).flatMap(({ kind, target }) => (kind === 'local' ? [target] : [])),
    ]),
  );
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, way: readonly string[]) => {
    if (way.includes(path)) cycles.push([...way.slice(way.indexOf(path)), path].join(' -> '));
    if (done.has(path) || way.includes(path)) return;
    for (const target of targets.get(path) ?? []) visit(target, [...way, path]);
    done.add(path);
  };
  for (const path of targets.keys()) visit(path, []);
  expect(cycles).toEqual([]);
});

promise('arch.core.pure', 'the core imports no package', () => {
  const packages = sources
    .filter((file) => roomOf(file.path) === 'conversation')
    .flatMap((file) =>
      importsOf(file)
        .filter(({ kind }) => kind === 'package')
        .map(({ target }) => `${file.path} imports ${target}`),
    );
  expect(packages).toEqual([]);
});

promise('arch.env.one-reader', 'only the entry of the program touches the environment', () => {
  const readers = sources.filter((file) =>
    /\bprocess\s*\.\s*env\b|\benv\b[^;]*from 'node:process'/.test(file.text),
  );
  expect(readers.map((file) => file.path)).toEqual(['src/main.ts']);
});

promise('arch.keys.one-maker', 'one file spells the keys', () => {
  const spelled = new RegExp(`:(?:${keyNames().join('|')})(?=[:$]|$)`);
  const others = [...sources, ...filesBelow('src', '.lua')].filter(
    (file) => file.path !== 'src/redis/keys.ts',
  );
  const found = others.flatMap((file) =>
    stringsOf(file)
      .filter((text) => spelled.test(text))
      .map((text) => `${file.path}: ${text}`),
  );
  expect(found).toEqual([]);
});

/** The last words of all keys and channels, as the key maker makes them. */
function keyNames(): string[] {
  const keys = makeKeys('P');
  const session = keys.session({ owner: 'O', conversationId: 'C' });
  const made = [...Object.values(keys), ...Object.values(session)].map((value: unknown) =>
    typeof value === 'function' ? String(value('X')) : String(value),
  );
  const names = made.flatMap((key) => /:(\w+)(?::X?|\})?$/.exec(key)?.[1] ?? []);
  return [...new Set(names)];
}

promise('arch.lua.header', 'every script says its keys, arguments and answers, and has no others', () => {
  const scripts = luaScripts();
  expect(scripts.length).toBeGreaterThan(0);
  for (const script of scripts) {
    const { name, code, ownCode, keys, args, answers } = script;
    expect([name, script.purpose !== '']).toEqual([name, true]);
    const shared = code.length > ownCode.length + 1 ? 5 : 0;
    for (const [list, said, from] of [
      ['KEYS', keys, shared + 1],
      ['ARGV', args, 1],
    ] as const) {
      const used = new Set(
        [...ownCode.matchAll(new RegExp(`${list}\\[(\\d+)\\]`, 'g'))].map(([, at]) => Number(at)),
      );
      // All keys of one turn, those of its session apart; session.include says so.
      const isOfTurn = list === 'KEYS' && /\b(?:turn_lives_until|end_turn_keys)\(/.test(ownCode);
      for (let at = shared + 1; isOfTurn && at <= said.count; at += 1) used.add(at);
      const fixed = said.isOpen ? said.count - 1 : said.count;
      const unused = Array.from({ length: Math.max(0, fixed - from + 1) }, (_, at) => at + from).filter(
        (at) => !used.has(at),
      );
      const unsaid = [...used].filter((at) => at > said.count);
      expect([name, list, { unused, unsaid }]).toEqual([name, list, { unused: [], unsaid: [] }]);
    }
    const given = [...ownCode.matchAll(/return \{?'([A-Z_]+)'/g)].map(([, word = '']) => word);
    if (/return granted_reply\(/.test(ownCode)) given.push('GRANTED');
    expect([name, [...new Set(given)].sort()]).toEqual([name, answers.toSorted()]);
  }
});

promise('arch.lua.keys-declared', 'no script makes a key: each one it touches was handed to it', () => {
  for (const script of luaScripts()) {
    const names = keyArguments(script).filter((argument) => !/^KEYS\[\w+\]$/.test(argument));
    const made = names.filter((name) => {
      if (!/^\w+$/.test(name)) return true;
      if (/^[A-Z]+$/.test(name)) return !isTakenFromKeys(script.code, name);
      // A parameter or a loop over keys; never something put together.
      return new RegExp(`local (?:\\w+, )*${name}\\b[^\\n]*=`).test(script.code);
    });
    expect([script.name, made]).toEqual([script.name, []]);
  }
});

function isTakenFromKeys(code: string, name: string): boolean {
  const assigned = [...code.matchAll(/^local ([A-Z, ]+) = (.+)$/gm)].find(([, left = '']) =>
    left.split(', ').includes(name),
  );
  if (assigned === undefined) return false;
  return (assigned[2] ?? '').split(', ').every((value) => /^KEYS\[\d+\]$/.test(value));
}

promise('arch.files.short', 'no file has more than 300 lines', () => {
  // The ledger is a list, and grows with every test.
  const long = [...own, ...filesBelow('src', '.lua'), ...filesBelow('web', '.css')]
    .filter((file) => file.path !== 'test/promises.ts')
    .filter((file) => file.text.split('\n').length > 301)
    .map((file) => file.path);
  expect(long).toEqual([]);
});

promise('arch.types.no-way-out', 'no file turns the type checker or the linter off', () => {
  // Put together, so that this file does not hold what it looks for.
  const words = [...['ignore', 'expect-error', 'nocheck'].map((word) => `@ts-${word}`), `biome-${'ignore'}`];
  const switches = new RegExp(words.join('|'));
  const anything = /(?:[:<,|&(=[]|\bas|\bextends|=>)\s*any\b(?!\s*[:(.])/;
  const found = (files: readonly SourceFile[], test: (file: SourceFile) => boolean) =>
    files.filter(test).map((file) => file.path);
  expect(found(own, (file) => switches.test(file.text))).toEqual([]);
  expect(found(own, (file) => file.path.endsWith('s') && anything.test(withoutStrings(file.text)))).toEqual(
    [],
  );
});

promise('arch.no-barrels', 'no file only hands on what others export', () => {
  const barrels = own.filter(
    (file) =>
      /(?:^|\/)index\.[mc]?tsx?$/.test(file.path) || /^export (?:\*|\{[^}]*\}) from /m.test(file.text),
  );
  expect(barrels.map((file) => file.path)).toEqual([]);
});
