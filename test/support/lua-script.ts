import { filesBelow, type SourceFile } from './source-files.ts';

/** A numbered list of a header: how many, and whether the last stands for any number. */
export interface Numbered {
  readonly count: number;
  readonly isOpen: boolean;
}

/** A Lua script and what its header says of it. */
export interface LuaScript {
  readonly name: string;
  /** Without comments; the prelude that it asks for stands in front. */
  readonly code: string;
  /** Its own code, without comments and prelude. */
  readonly ownCode: string;
  readonly purpose: string;
  readonly keys: Numbered;
  readonly args: Numbered;
  /** Words in capitals that it says it answers. */
  readonly answers: readonly string[];
}

const SCRIPTS = 'src/redis/scripts';

export function luaScripts(): readonly LuaScript[] {
  const files = filesBelow(SCRIPTS, '.lua');
  const preludes = new Map(files.filter(isPrelude).map((file) => [nameOf(file), codeOf(file.text)]));
  return files
    .filter((file) => !isPrelude(file))
    .map((file) => {
      const header = headerOf(file.text);
      const prelude = preludes.get(`${/^include (\S+)$/m.exec(header)?.[1]}.include`) ?? '';
      return {
        name: nameOf(file),
        code: `${prelude}\n${codeOf(file.text)}`,
        ownCode: codeOf(file.text),
        purpose: new RegExp(`^${nameOf(file)}: (.+)`).exec(header)?.[1] ?? '',
        keys: numberedIn(section(header, 'KEYS')),
        args: numberedIn(section(header, 'ARGV')),
        answers: [...new Set(section(header, 'RETURNS').match(/\b[A-Z][A-Z_]+\b/g) ?? [])],
      };
    });
}

/** Arguments that a script hands to Redis as keys, as they are written. */
export function keyArguments(script: LuaScript): readonly string[] {
  const calls = [...script.code.matchAll(/redis\.p?call\('([A-Z]+)'/g)];
  return calls.flatMap((call) => {
    const [, command = ''] = call;
    if (command === 'TIME' || command === 'PUBLISH') return [];
    const args = splitArguments(script.code.slice(call.index + call[0].length));
    return ['DEL', 'UNLINK', 'EXISTS'].includes(command) ? args : args.slice(0, 1);
  });
}

/** What stands between a comma and the closing bracket of a call, cut at the commas of this level. */
function splitArguments(rest: string): string[] {
  const args: string[] = [];
  let depth = 0;
  let current = '';
  for (const character of rest) {
    if ('([{'.includes(character)) depth += 1;
    if (')]}'.includes(character)) depth -= 1;
    if (depth < 0) break;
    if (character === ',' && depth === 0) {
      args.push(current.trim());
      current = '';
    } else current += character;
  }
  return [...args, current.trim()].slice(1);
}

function isPrelude(file: SourceFile): boolean {
  return file.path.endsWith('.include.lua');
}

function nameOf(file: SourceFile): string {
  return file.path.slice(SCRIPTS.length + 1, -'.lua'.length);
}

function headerOf(text: string): string {
  const lines = text.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('--'));
  return lines
    .slice(0, end)
    .map((line) => line.replace(/^-- ?/, ''))
    .join('\n');
}

function codeOf(text: string): string {
  return text.replace(/--[^\n]*/g, '');
}

function section(header: string, title: string): string {
  return (
    new RegExp(`^${title}\\s([\\s\\S]*?)(?=^(?:KEYS|ARGV|RETURNS|Sent twice)\\b|(?![\\s\\S]))`, 'm').exec(
      header,
    )?.[1] ?? ''
  );
}

function numberedIn(text: string): Numbered {
  const plain = text.replace(/\([^)]*\)/g, '');
  let [count, at, isOpen] = [0, 0, false];
  for (;;) {
    const next = new RegExp(`(?<![\\w'])${count + 1}(…)? `, 'g');
    next.lastIndex = at;
    const found = next.exec(plain);
    if (found === null) return { count, isOpen };
    count += 1;
    at = next.lastIndex;
    isOpen = found[1] !== undefined;
  }
}
