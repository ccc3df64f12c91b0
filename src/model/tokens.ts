import { setImmediate as giveWay } from 'node:timers/promises';
import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import type { TokenCounter } from '../conversation/ports.ts';

/**
 * Tokens in a piece of text are found in time quadratic in a run of one character: 10,000 Han characters took
 * 0.3 s in one go. Cut into pieces the error is at most 1.3 %.
 */
const PIECE_CHARACTERS = 1024;

/** Pieces counted before others have their turn: about 2 ms. */
const PIECES_AT_ONCE = 16;

/** Counts with the o200k encoding: exact for its models, an estimate for others. */
export const tokenCounter: TokenCounter = {
  async count(text) {
    let tokens = 0;
    for (let at = 0, piece = 1; at < text.length; at += PIECE_CHARACTERS, piece += 1) {
      tokens += encode(text.slice(at, at + PIECE_CHARACTERS), { allowedSpecial: 'all' }).length;
      if (piece % PIECES_AT_ONCE === 0) await giveWay();
    }
    return tokens;
  },
};
