import { readHeader, type ScriptHeader, scriptNames } from '../../src/redis/script-source.ts';
import { readSource } from './source-files.ts';

/** A Lua script: its header, and its code without comments. */
export interface LuaScript extends ScriptHeader {
  readonly name: string;
  /** Its own code. */
  readonly ownCode: string;
  /** With the code of its includes in front. */
  readonly code: string;
}

const FOLDER = 'src/redis/scripts';

export function luaScripts(): readonly LuaScript[] {
  return scriptNames().map((name) => {
    const header = readHeader(name);
    const ownCode = codeOf(`${FOLDER}/${name}.lua`);
    const included = header.includes.map((include) => codeOf(`${FOLDER}/include/${include}.lua`));
    return { name, ...header, ownCode, code: [...included, ownCode].join('\n') };
  });
}

/** Arguments that a script passes to Redis as keys, as written. */
export function keyArguments(code: string): readonly string[] {
  const calls = [...code.matchAll(/redis\.p?call\('([A-Z]+)'/g)];
  return calls.flatMap((call) => {
    const [, command = ''] = call;
    if (command === 'TIME' || command === 'PUBLISH') return [];
    const args = splitArguments(code.slice(call.index + call[0].length));
    return ['DEL', 'UNLINK', 'EXISTS'].includes(command) ? args : args.slice(0, 1);
  });
}

/** The text between a comma and the closing bracket of a call, split at its commas. */
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

function codeOf(path: string): string {
  return readSource(path).text.replace(/--[^\n]*/g, '');
}
