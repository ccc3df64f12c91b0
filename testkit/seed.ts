/** Repeatable randomness: every schedule, delay and kill instant of a test comes from one seed. */

const given = process.env.TEST_SEED;

/** The seed of this run: TEST_SEED, or a new one, which is printed. */
export const testSeed = given === undefined || given === '' ? newSeed() : Number(given) >>> 0;

export interface Random {
  /** From 0 up to, but not including, 1. */
  next(): number;
  /** A whole number from `min` to `max` inclusive. */
  int(min: number, max: number): number;
  pick<T>(list: readonly T[]): T;
  shuffle<T>(list: readonly T[]): T[];
}

/** An independent generator (mulberry32), so that tests do not shift each other's numbers. */
export function createRandom(seed: number = testSeed): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (min: number, max: number) => min + Math.floor(next() * (max - min + 1));
  return {
    next,
    int,
    pick<T>(list: readonly T[]): T {
      if (list.length === 0) throw new Error('nothing to pick from');
      return list[int(0, list.length - 1)] as T;
    },
    shuffle<T>(list: readonly T[]): T[] {
      return list
        .map((item) => ({ item, rank: next() }))
        .sort((a, b) => a.rank - b.rank)
        .map(({ item }) => item);
    },
  };
}

function newSeed(): number {
  const seed = Math.floor(Math.random() * 2 ** 32);
  console.info(`TEST_SEED=${seed}`);
  return seed;
}
