import { expect, test } from 'vitest';
import { ledgers } from './support/ledgers.ts';
import { filesBelow, readSource } from './support/source-files.ts';

// A citation begins its line, so one in a comment or a string does not count.
const citation = /^[ \t]*(?:promise|processPromise)\(\s*'([^']+)'/gm;
const call = /^[ \t]*(?:promise|processPromise)\(/gm;

const folderOf = (path: string) => path.slice(0, path.lastIndexOf('/'));
const tests = filesBelow('test', '.test.ts');
const all = await ledgers();

/** Ids that the tests of a folder cite. */
const citedIn = (folder: string) =>
  tests
    .filter(({ path }) => folderOf(path) === folder)
    .flatMap(({ text }) => [...text.matchAll(citation)].map(([, id = '']) => id));

test('every promise of a ledger is kept by one test of its folder, and each of those is in it', () => {
  expect([...new Set(tests.map(({ path }) => folderOf(path)))].sort()).toEqual([...all.keys()].sort());
  for (const [folder, ledger] of all) {
    expect([folder, citedIn(folder).sort()]).toEqual([folder, Object.keys(ledger).sort()]);
  }
});

test('no two promises have one id', () => {
  const ids = [...all.values()].flatMap((ledger) => Object.keys(ledger));
  expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
});

test('every promise names its id as a plain string', () => {
  const unreadable = tests.filter(({ text }) => text.match(call)?.length !== text.match(citation)?.length);
  expect(unreadable.map(({ path }) => path)).toEqual([]);
});

test('every promise says where it comes from: a page that exists, and a heading of it', () => {
  const sources = [...all.values()].flatMap((ledger) => Object.values(ledger).map(({ from }) => from));
  const isThere = (from: string) => {
    const [path = '', ...heading] = from.split(': ');
    const { text } = readSource(path);
    return heading.length === 0 || text.split('\n').includes(`## ${heading.join(': ')}`);
  };
  expect([...new Set(sources)].filter((from) => !isThere(from))).toEqual([]);
});
