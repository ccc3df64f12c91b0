import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

export const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));

/** A file of this repository; `path` from its root, with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Files below a folder with one of these endings, sorted; none when the folder does not exist. */
export function filesBelow(folder: string, ...endings: string[]): readonly SourceFile[] {
  return globSync(`${folder}/**/*`, {
    cwd: REPOSITORY,
    exclude: (path) => /(?:^|\/)(?:node_modules|dist|out)$/.test(path),
  })
    .filter((path) => endings.some((ending) => path.endsWith(ending)))
    .sort()
    .map(readSource);
}

export function readSource(path: string): SourceFile {
  return { path, text: readFileSync(join(REPOSITORY, path), 'utf8') };
}

export function isThere(path: string): boolean {
  return existsSync(join(REPOSITORY, path));
}

/** `local`: the path of the file. `package`: its name, without a subpath. `node`: built in. */
export interface Import {
  readonly kind: 'local' | 'package' | 'node';
  readonly target: string;
}

const STATEMENTS = [
  // Imports and re-exports, of types as well.
  /^\s*(?:import|export)\b[^;'"]*?\bfrom\s*['"]([^'"]+)['"]/gm,
  /^\s*import\s*['"]([^'"]+)['"]/gm,
  /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g,
];

/** Everything that a file imports, types included. */
export function importsOf(file: SourceFile): readonly Import[] {
  const code = withoutComments(file.text);
  return STATEMENTS.flatMap((statement) => [...code.matchAll(statement)]).map(([, specifier = '']) =>
    importOf(file.path, specifier),
  );
}

function importOf(from: string, specifier: string): Import {
  if (specifier.startsWith('.')) return { kind: 'local', target: normalize(join(dirname(from), specifier)) };
  if (specifier.startsWith('node:')) return { kind: 'node', target: specifier };
  const parts = specifier.split('/');
  return { kind: 'package', target: parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/') };
}

// Strings first, so that a slash or a star inside one begins no comment.
const STRINGS_AND_COMMENTS =
  /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;

export function withoutComments(code: string): string {
  return code.replace(STRINGS_AND_COMMENTS, (found) => (found.startsWith('/') ? ' ' : found));
}

export function withoutStrings(code: string): string {
  return withoutComments(code).replace(STRINGS_AND_COMMENTS, "''");
}

/** The string literals of a TypeScript or Lua file, without their quotes. */
export function stringsOf(file: SourceFile): readonly string[] {
  const code = file.path.endsWith('.lua') ? file.text.replace(/--[^\n]*/g, '') : file.text;
  return (code.match(STRINGS_AND_COMMENTS) ?? [])
    .filter((found) => !found.startsWith('/'))
    .map((found) => found.slice(1, -1));
}

/** All documents: the pages at the root and all of `docs/`. */
export function allDocuments(): SourceFile[] {
  return [
    ...['README.md', 'README.zh-CN.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'].map(readSource),
    ...filesBelow('docs', '.md'),
  ];
}
