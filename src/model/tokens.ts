import { performance } from 'node:perf_hooks';
import { setImmediate as giveWay } from 'node:timers/promises';
import { modelToEncodingMap } from 'gpt-tokenizer/mapping';
import type { TokenCounter } from '../conversation/ports/model.ts';

type Encode = (text: string, options: { readonly allowedSpecial: 'all' }) => readonly number[];

/** How each encoding is loaded: its tables take 80 MB and 0.2 s, so only once something is counted. */
const ENCODINGS = {
  o200k_base: async (): Promise<Encode> => (await import('gpt-tokenizer/encoding/o200k_base')).encode,
  cl100k_base: async (): Promise<Encode> => (await import('gpt-tokenizer/encoding/cl100k_base')).encode,
} as const;
type EncodingName = keyof typeof ENCODINGS;

/**
 * Tokenizing takes time quadratic in a run of one character: 10,000 Han characters took 0.3 s at once. Cutting it into
 * pieces adds an error of at most 1.3 %.
 */
const PIECE_CHARACTERS = 1024;

/** Time after which others get theirs; a piece of plain text takes a tenth of it, odd letters ten times as much. */
const GIVE_WAY_AFTER_MS = 2;

const ENCODING_OF: Readonly<Record<string, string>> = modelToEncodingMap;

const counters = new Map<EncodingName, TokenCounter>();

/** Counts with the encoding of a model: exact for OpenAI's, an estimate for others. One counter for each encoding. */
export function tokenCounterFor(model: string): TokenCounter {
  const name = encodingOf(model);
  const counter = counters.get(name) ?? makeCounter(name);
  counters.set(name, counter);
  return counter;
}

/** Routers put the maker's name before a model's. Newer models and those of other makers use the newest encoding. */
function encodingOf(model: string): EncodingName {
  return ENCODING_OF[model.slice(model.lastIndexOf('/') + 1)] === 'cl100k_base'
    ? 'cl100k_base'
    : 'o200k_base';
}

function makeCounter(name: EncodingName): TokenCounter {
  let loading: Promise<Encode> | undefined;
  return {
    async count(text) {
      loading ??= ENCODINGS[name]();
      const encode = await loading;
      let tokens = 0;
      let sinceMs = performance.now();
      for (let at = 0; at < text.length; at += PIECE_CHARACTERS) {
        tokens += encode(text.slice(at, at + PIECE_CHARACTERS), { allowedSpecial: 'all' }).length;
        if (performance.now() < sinceMs + GIVE_WAY_AFTER_MS) continue;
        await giveWay();
        sinceMs = performance.now();
      }
      return tokens;
    },
  };
}
