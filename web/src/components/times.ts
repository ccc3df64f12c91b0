import { useEffect, useState } from 'react';
import type { Language } from '../words/words.ts';

const TICK_MS = 15_000;

/** The time now in ms since 1970, as fresh as words like "3 minutes ago" need it. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

/** "3 min. ago", "in 25 min.", "now". */
export function fromNow(atMs: number, nowMs: number, language: Language): string {
  const distance = atMs - nowMs;
  const format = new Intl.RelativeTimeFormat(localeOf(language), { numeric: 'auto', style: 'short' });
  const unit = UNITS.find(([, ms]) => Math.abs(distance) >= ms);
  if (unit === undefined) return distance > 0 ? format.format(1, 'minute') : format.format(0, 'second');
  return format.format(Math.trunc(distance / unit[1]), unit[0]);
}

/** A clock time; with its day when that is not today. */
export function clockTime(atMs: number, nowMs: number, language: Language): string {
  const isToday = new Date(atMs).toDateString() === new Date(nowMs).toDateString();
  return new Intl.DateTimeFormat(localeOf(language), {
    timeStyle: 'short',
    ...(isToday ? {} : { dateStyle: 'medium' }),
  }).format(atMs);
}

/** The browser's own kind of the language: British clocks are not American ones. */
function localeOf(language: Language): string {
  return navigator.languages.find((locale) => locale.startsWith(language)) ?? language;
}
