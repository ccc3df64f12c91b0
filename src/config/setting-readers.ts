import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';

/** Readers for the text of settings; `settings.ts` says which has which. */

/** Turns the text of a setting into its value; throws an `Expected` that names what would be valid. */
export type Read<T> = (text: string) => T;

export class Expected extends Error {}

function expected(what: string): never {
  throw new Expected(what);
}

export function wholeNumber(least: number, most: number): Read<number> {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) expected(`a whole number from ${least} to ${most}`);
    return value;
  };
}

export function oneOf<const T extends string>(...choices: T[]): Read<T> {
  return (text) => choices.find((choice) => choice === text) ?? expected(`one of ${choices.join(', ')}`);
}

export const flag: Read<boolean> = (text) => {
  if (text !== 'true' && text !== 'false') expected('true or false');
  return text === 'true';
};

export const words: Read<string> = (text) => text;

export function listOf(isItem: (part: string) => boolean, what: string): Read<readonly string[]> {
  return (text) => {
    const items = text.split(',').map((part) => part.trim());
    if (!items.every(isItem)) expected(what);
    return items;
  };
}

export const like = (pattern: RegExp) => (part: string) => pattern.test(part);

export function url(...protocols: string[]): Read<string> {
  return (text) => {
    if (!URL.canParse(text) || !protocols.includes(new URL(text).protocol)) {
      expected(`a URL that begins with ${protocols.map((name) => `${name}//`).join(' or ')}`);
    }
    const { username, password } = new URL(text);
    // Clients that fetch from it report the whole URL when they fail.
    if (username !== '' || password !== '') expected('a URL without user and password');
    return text;
  };
}

/** Redlock's own scripts know no database above 15, and would keep the lock in another one. */
export const redisUrl: Read<string> = (text) => {
  const isUrl = URL.canParse(text) && /^rediss?:$/.test(new URL(text).protocol);
  if (!isUrl || !/^\/?(\d|1[0-5])?$/.test(new URL(text).pathname)) {
    expected('a URL that begins with redis:// or rediss://, with a database of 0 to 15 or none');
  }
  const { username, password } = new URL(text);
  if (!isEncoded(username) || !isEncoded(password)) {
    expected('a URL whose user and password are percent-encoded; REDIS_PASSWORD takes one as it is');
  }
  return text;
};

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** As Fastify's trustProxy: true, false, a number of hops, or addresses and ranges with commas. */
export const trustProxy: Read<boolean | number | string> = (text) => {
  if (text === 'true' || text === 'false') return text === 'true';
  if (/^\d{1,3}$/.test(text)) return Number(text);
  if (!text.split(',').every((part) => isProxy(part.trim()))) {
    expected('true, false, a number of hops, or addresses with commas');
  }
  return text;
};

function isProxy(part: string): boolean {
  if (/^(?:loopback|linklocal|uniquelocal)$/.test(part)) return true;
  const [, address = '', bits] = /^([0-9a-fA-F.:]+)(?:\/(\d{1,3}))?$/.exec(part) ?? [];
  const most = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0;
  return most > 0 && (bits === undefined || (Number(bits) >= 1 && Number(bits) <= most));
}

export const pemFile: Read<string> = (path) => {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.includes('-----BEGIN ')) return text;
  } catch {
    // Reported below: the reason is of no use without the name of the setting.
  }
  return expected('a PEM file that can be read');
};

export const keyPrefix: Read<string> = (text) =>
  /^[A-Za-z0-9._-]{1,64}$/.test(text) ? text : expected('1 to 64 of A-Z a-z 0-9 . _ -');

export function isHostAndPort(part: string): boolean {
  const port = /^(?:[^\s:,]+|\[[0-9a-fA-F:]+\]):(\d{1,5})$/.exec(part)?.[1];
  return Number(port) >= 1 && Number(port) <= 65_535;
}

/** A proxy may want user and password; they are never shown. */
export const proxyUrl: Read<string> = (text) => {
  // Other tools accept an address without a scheme as well.
  const whole = /^[a-z]+:\/\//i.test(text) ? text : `http://${text}`;
  if (!URL.canParse(whole) || !/^https?:$/.test(new URL(whole).protocol)) {
    expected('the URL of an HTTP proxy');
  }
  return whole;
};

/** A JSON object of fields; `messages` is the server's to set. */
export const extraBody: Read<Readonly<Record<string, unknown>>> = (text) => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Reported below.
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value) || 'messages' in value) {
    return expected('a JSON object without `messages`');
  }
  return { ...value };
};

/** Origins as browsers send them: lower case, no default port, no path. */
export const origins: Read<readonly string[]> = (text) =>
  text.split(',').map((part) => originOf(part.trim()));

const ORIGINS = 'origins such as https://chat.example or tauri://localhost, with commas, without path or *';

function originOf(text: string): string {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^\s/?#*@]+\/?$/i.test(text) || !URL.canParse(text)) expected(ORIGINS);
  const { origin, protocol, host } = new URL(text);
  // A URL whose scheme is not the web's has no origin, but its pages do.
  return origin === 'null' ? `${protocol}//${host.toLowerCase()}` : origin;
}
