import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { promises } from './promises.ts';

// A citation begins its line, so that one in a comment or a string does not count.
const citation = /^[ \t]*promise\(\s*'([^']+)'/gm;
const call = /^[ \t]*promise\(/gm;

async function readTests(): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for await (const path of glob('**/*.ts', { cwd: import.meta.dirname })) {
    texts.set(path, readFileSync(`${import.meta.dirname}/${path}`, 'utf8'));
  }
  return texts;
}

const texts = await readTests();
const cited = new Set(
  [...texts.values()].flatMap((text) => [...text.matchAll(citation)].map(([, id]) => id)),
);

test('every promise of the ledger is kept by a test', () => {
  expect(Object.keys(promises).filter((id) => !cited.has(id))).toEqual([]);
});

test('every promise of a test is in the ledger', () => {
  expect([...cited].filter((id) => id === undefined || !(id in promises))).toEqual([]);
});

test('every promise names its id as a plain string', () => {
  const unreadable = [...texts].filter(
    ([, text]) => text.match(call)?.length !== text.match(citation)?.length,
  );
  expect(unreadable.map(([path]) => path)).toEqual([]);
});
