import { expect } from 'vitest';
import { makeKeys } from '../src/redis/keys.ts';
import { promise } from './promises.ts';
import { keyArguments, luaScripts } from './support/lua-script.ts';
import { codesIn, tableUnder } from './support/markdown.ts';
import {
  filesBelow,
  importsOf,
  readSource,
  type SourceFile,
  stringsOf,
  withoutStrings,
} from './support/source-files.ts';

/** Root files of src that every room may import. */
const COMMON = ['src/errors.ts', 'src/version.ts'];

const sources = filesBelow('src', '.ts');
const own = ['src', 'test', 'testkit', 'bench', 'faults', 'examples', 'scripts', 'web'].flatMap((folder) =>
  filesBelow(folder, '.ts', '.tsx', '.mjs'),
);

const DOCUMENT = 'docs/architecture.md';

/** The room of a file of src; null for those at its root. */
function roomOf(path: string): string | null {
  return /^src\/([^/]+)\//.exec(path)?.[1] ?? null;
}

/** The table of rooms: what each may import, and no more. */
const ROOMS = tableUnder(readSource(DOCUMENT), 'Rooms').map(([room = '', , rooms = '', packages = '']) => ({
  room: /`src\/(\w+)\/`/.exec(room)?.[1] ?? room,
  rooms: codesIn(rooms).toSorted(),
  packages: codesIn(packages).toSorted(),
}));

promise(
  'arch.rooms',
  'each room imports only the rooms and packages that docs/architecture.md names, types included',
  () => {
    const importsOfRoom = (room: string) =>
      sources.filter(({ path }) => roomOf(path) === room).flatMap((file) => importsOf(file));
    const found = [...new Set(sources.flatMap(({ path }) => roomOf(path) ?? []))].map((room) => {
      const local = importsOfRoom(room).filter(
        ({ kind, target }) => kind === 'local' && !COMMON.includes(target),
      );
      const packages = importsOfRoom(room).filter(({ kind }) => kind === 'package');
      const rooms = local.map(({ target }) => roomOf(target) ?? target).filter((target) => target !== room);
      const shown = packages.map(({ target }) => target.replace(/^@fastify\/.*/, '@fastify/*'));
      return { room, rooms: [...new Set(rooms)].sort(), packages: [...new Set(shown)].sort() };
    });
    const byName = (one: { room: string }, other: { room: string }) => (one.room < other.room ? -1 : 1);
    expect(found.sort(byName)).toEqual(ROOMS.toSorted(byName));
    const roots = sources.filter(({ path }) => roomOf(path) === null).map(({ path }) => path);
    expect(roots).toEqual(['src/errors.ts', 'src/main.ts', 'src/version.ts']);
  },
);

/** The files of the reading order, in order. */
const WAY = readSource(DOCUMENT)
  .text.split('## Reading order')[1]
  ?.split('\n')
  .flatMap((line) => /^\d+\. `(src\/[\w/-]+\.ts)`/.exec(line)?.[1] ?? []);

promise(
  'arch.way.order',
  'each file in the reading order is reached from an earlier one, by import or through its port',
  () => {
    const way = WAY ?? [];
    const imports = new Map(
      sources.map((file) => [
        file.path,
        importsOf(file).flatMap(({ kind, target }) => (kind === 'local' ? [target] : [])),
      ]),
    );
    const isPort = (path: string) => path.startsWith('src/conversation/ports/');
    /** Files reachable from a file: its imports, and those of files that are not in the reading order. */
    const ledTo = (from: string, seen: Set<string> = new Set()): Set<string> => {
      for (const target of imports.get(from) ?? []) {
        if (seen.has(target)) continue;
        seen.add(target);
        if (!way.includes(target)) ledTo(target, seen);
      }
      return seen;
    };
    const lost = way.slice(1).filter((path, index) => {
      const before = new Set(way.slice(0, index + 1).flatMap((earlier) => [...ledTo(earlier)]));
      const isBehindPort = (imports.get(path) ?? []).some((target) => isPort(target) && before.has(target));
      // No file in the order imports those that assemble a replica.
      return !before.has(path) && !isBehindPort && roomOf(path) !== 'process';
    });
    expect([way.length > 40, lost]).toEqual([true, []]);
  },
);

promise('arch.no-cycles', 'no file imports itself through others, types included', () => {
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

promise('arch.env.one-reader', 'only the entry point reads the environment', () => {
  const readers = sources.filter((file) =>
    /\bprocess\s*\.\s*env\b|\benv\b[^;]*from 'node:process'/.test(file.text),
  );
  expect(readers.map((file) => file.path)).toEqual(['src/main.ts']);
});

promise('arch.keys.one-maker', 'one file spells the Redis keys', () => {
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

/** The last segments of all keys and channels, as the key maker spells them. */
function keyNames(): string[] {
  const keys = makeKeys('P');
  const session = keys.session({ owner: 'O', conversationId: 'C' });
  const made = [...Object.values(keys), ...Object.values(session)].map((value: unknown) =>
    typeof value === 'function' ? String(value('X')) : String(value),
  );
  const names = made.flatMap((key) => /:(\w+)(?::X?|\})?$/.exec(key)?.[1] ?? []);
  return [...new Set(names)];
}

promise(
  'arch.lua.header',
  'every script uses each key, argument and reply in its header, and no others',
  () => {
    const scripts = luaScripts();
    expect(scripts.length).toBeGreaterThan(0);
    for (const { name, purpose, keys, args, replies, ownCode, code } of scripts) {
      expect([name, purpose !== '']).toEqual([name, true]);
      const uses = (word: string) => new RegExp(`(?<![\\w.])${word}(?![\\w])`).test(code);
      const given = [
        ...keys.map((key) => key.name.toUpperCase()),
        ...args.map((arg) => arg.name),
        ...replies.keys(),
      ];
      // Every turn script is passed its keys in the same order, even those that it does not use.
      const unused = given.filter(
        (word) => !uses(word) && !keys.some((key) => key.name.toUpperCase() === word),
      );
      const replied = [...code.matchAll(/return ([A-Z][A-Z_]+)\b/g)].map(([, word = '']) => word);
      const unsaid = replied.filter((word) => !replies.has(word));
      expect([name, { unused, unsaid }]).toEqual([name, { unused: [], unsaid: [] }]);
      expect([name, ownCode.match(/\b(?:KEYS|ARGV)\b/)]).toEqual([name, null]);
    }
  },
);

promise('arch.lua.keys-declared', 'no script builds a key: it touches only keys passed to it', () => {
  for (const { name, keys, code } of luaScripts()) {
    const declared = new Set(keys.map((key) => key.name.toUpperCase()));
    const made = keyArguments(code).filter((argument) => {
      if (/^[A-Z_]+$/.test(argument))
        return !declared.has(argument) && !isTakenFrom(declared, code, argument);
      const list = /^([A-Z_]+)\[\w+\]$/.exec(argument)?.[1];
      if (list !== undefined) return !declared.has(list);
      // A parameter or a loop over keys, never a concatenation.
      return !/^\w+$/.test(argument) || new RegExp(`local (?:\\w+, )*${argument}\\b[^\\n]*\\.\\.`).test(code);
    });
    expect([name, made]).toEqual([name, []]);
  }
});

/** `local KEY = IDEMPOTENCY[1]`, and no other way to name a key. */
function isTakenFrom(declared: ReadonlySet<string>, code: string, name: string): boolean {
  const list = new RegExp(`^local ${name} = ([A-Z_]+)\\[\\d\\]$`, 'm').exec(code)?.[1];
  return list !== undefined && declared.has(list);
}

promise('arch.files.short', 'no file has more than 300 lines', () => {
  // A ledger is a list, and grows with every test.
  const long = [...own, ...filesBelow('src', '.lua'), ...filesBelow('web', '.css')]
    .filter((file) => !/^test\/(?:\w+\/)?promises\.ts$/.test(file.path))
    .filter((file) => file.text.split('\n').length > 301)
    .map((file) => file.path);
  expect(long).toEqual([]);
});

promise('arch.types.no-way-out', 'no file disables the type checker or the linter', () => {
  // Concatenated, so that this file does not match itself.
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

promise('arch.no-barrels', 'no file only re-exports other files', () => {
  const barrels = own.filter(
    (file) =>
      /(?:^|\/)index\.[mc]?tsx?$/.test(file.path) || /^export (?:\*|\{[^}]*\}) from /m.test(file.text),
  );
  expect(barrels.map((file) => file.path)).toEqual([]);
});
