import { parseEnv } from 'node:util';
import { expect } from 'vitest';
import { readConfig } from '../src/config/read-config.ts';
import { Expected } from '../src/config/setting-readers.ts';
import { SETTINGS } from '../src/config/settings.ts';
import { promise } from './promises.ts';
import { codeIn, rowsOfTables } from './support/markdown.ts';
import { allDocuments, readSource } from './support/source-files.ts';

const settingNames = Object.keys(SETTINGS);

promise('docs.configuration', 'docs/configuration.md lists exactly the settings that are read', () => {
  const said = rowsOfTables(readSource('docs/configuration.md'), 'Name').map(
    ([name = '', fallback = '', ...rest]) => [codeIn(name), codeIn(fallback), ...rest],
  );
  const real = Object.entries(SETTINGS).map(([name, { fallback, meaning, read }]) => [
    name,
    fallback ?? '',
    acceptedBy(read),
    meaning,
  ]);
  expect(said.toSorted()).toEqual(real.toSorted());
});

/** What a setting reader says it expects, when given an absurd value. */
function acceptedBy(read: (text: string) => unknown): string {
  try {
    read('\0 \0');
    return 'any text';
  } catch (error) {
    if (error instanceof Expected) return error.message;
    throw error;
  }
}

promise(
  'docs.env-example',
  '.env.example lists every setting with its meaning and default, commented out',
  () => {
    const { text } = readSource('.env.example');
    const said = [...text.matchAll(/^# (.+)\n#([A-Z_]+)=(.*)$/gm)].map(([, meaning, name, value]) => [
      name,
      value,
      meaning,
    ]);
    const real = Object.entries(SETTINGS).map(([name, { fallback, meaning }]) => [
      name,
      fallback ?? '',
      meaning,
    ]);
    expect(said.toSorted()).toEqual(real.toSorted());
    expect(parseEnv(text)).toEqual({});
    const switchedOn = parseEnv(text.replace(/^#(?=[A-Z_]+=)/gm, ''));
    expect(readConfig(switchedOn)).toEqual(readConfig({}));
  },
);

promise(
  'docs.compose.settings',
  'docker-compose.yml passes every setting in .env to the service that reads it',
  () => {
    const { text } = readSource('docker-compose.yml');
    const handed = new Set([...text.matchAll(/\$\{([A-Z_]+):-/g)].map(([, name]) => name));
    // In a container a replica always listens on all addresses.
    expect(settingNames.filter((name) => !handed.has(name))).toEqual(['HOST']);
    const own = [...text.matchAll(/^ {6}([A-Z_]+): (.*)$/gm)].filter(
      ([, name = '', value = '']) => name !== 'HOST' && !value.includes(`\${${name}:-`),
    );
    expect(own).toEqual([]);
  },
);

promise('docs.settings-named', 'every setting named in a document or the compose file exists', () => {
  const known = new Set(settingNames);
  const named = [...allDocuments(), readSource('docker-compose.yml'), readSource('.env.example')].flatMap(
    (file) =>
      [...file.text.matchAll(/(?<=`|^ {6}|^#)([A-Z]+(?:_[A-Z]+)+)(?=[`=:])/gm)].map(
        ([, name = '']) => `${file.path} ${name}`,
      ),
  );
  expect(named.length).toBeGreaterThan(100);
  expect(named.filter((line) => !known.has(line.split(' ')[1] ?? ''))).toEqual([]);
});
