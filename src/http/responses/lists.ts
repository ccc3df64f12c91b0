import { refused } from './fields.ts';

/** A page of things with ids, in the form that clients page through by themselves. */
export interface ListPage {
  readonly object: 'list';
  readonly data: readonly object[];
  readonly first_id: string | null;
  readonly last_id: string | null;
  readonly has_more: boolean;
}

export interface ListOptions {
  readonly limit: number;
  readonly order: 'asc' | 'desc';
  /** The id after which the page begins, in its order; null: the first page. */
  readonly after: string | null;
}

const MOST = 100;
const DEFAULT_LIMIT = 20;

/** Reads the query of a list; what else clients send with it changes nothing. @throws invalid_request */
export function readListQuery(query: unknown): ListOptions {
  const {
    limit = String(DEFAULT_LIMIT),
    order = 'desc',
    after = null,
    before,
  } = query as Readonly<Record<string, unknown>>;
  const count = Number(limit);
  if (!Number.isInteger(count) || count < 1 || count > MOST)
    throw refused('limit', `limit must be 1 to ${MOST}`);
  if (order !== 'asc' && order !== 'desc') throw refused('order', 'order must be asc or desc');
  if (after !== null && typeof after !== 'string') throw refused('after', 'after must be an id');
  if (before !== undefined) throw refused('before', 'before is not supported; use after');
  return { limit: count, order, after };
}

/** @param data  of the page, in its order */
export function listOf(
  data: readonly { readonly id: string; readonly json: object }[],
  hasMore: boolean,
): ListPage {
  return {
    object: 'list',
    data: data.map(({ json }) => json),
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: hasMore,
  };
}

/** A page of what is all at hand, oldest first. @throws invalid_request: `after` is not among it */
export function pageOf(
  all: readonly { readonly id: string; readonly json: object }[],
  { limit, order, after }: ListOptions,
): ListPage {
  const ordered = order === 'asc' ? all : all.toReversed();
  const place = after === null ? -1 : ordered.findIndex(({ id }) => id === after);
  if (after !== null && place < 0) throw refused('after', 'after is not the id of an item of this list');
  const page = ordered.slice(place + 1, place + 1 + limit);
  return listOf(page, place + 1 + limit < ordered.length);
}
