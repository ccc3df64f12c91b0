/**
 * What a response shows again of its request: in every frame that carries a response, and as long as the response can
 * be retrieved. Stored with the turn as JSON, without what has its default.
 */
export interface Echo {
  readonly model: string;
  readonly previous_response_id: string | null;
  readonly conversation: { readonly id: string } | null;
  readonly instructions: string | null;
  readonly tools: readonly object[];
  readonly tool_choice: unknown;
  readonly parallel_tool_calls: boolean;
  readonly text: Readonly<Record<string, unknown>>;
  readonly reasoning: { readonly effort: string | null; readonly summary: string | null };
  readonly temperature: number;
  readonly top_p: number;
  readonly presence_penalty: number;
  readonly frequency_penalty: number;
  readonly top_logprobs: number;
  readonly max_output_tokens: number | null;
  readonly max_tool_calls: number | null;
  readonly truncation: 'auto' | 'disabled';
  readonly store: boolean;
  readonly background: boolean;
  readonly service_tier: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly safety_identifier: string | null;
  readonly prompt_cache_key: string | null;
  readonly user: string | null;
}

/** Clients refuse `null` for the numbers, so a response names the values that nobody chose. */
export const DEFAULTS: Echo = {
  model: '',
  previous_response_id: null,
  conversation: null,
  instructions: null,
  tools: [],
  tool_choice: 'auto',
  parallel_tool_calls: true,
  text: { format: { type: 'text' } },
  reasoning: { effort: null, summary: null },
  temperature: 1,
  top_p: 1,
  presence_penalty: 0,
  frequency_penalty: 0,
  top_logprobs: 0,
  max_output_tokens: null,
  max_tool_calls: null,
  truncation: 'disabled',
  store: true,
  background: false,
  service_tier: 'default',
  metadata: {},
  safety_identifier: null,
  prompt_cache_key: null,
  user: null,
};

/** What is stored with the turn: beside the echo, when the request came, which no frame may show differently. */
export interface StoredEcho {
  readonly createdAtMs: number;
  readonly echo: Echo;
}

export function encodeEcho({ createdAtMs, echo }: StoredEcho): string {
  const chosen = Object.entries(echo).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(DEFAULTS[name as keyof Echo]),
  );
  return JSON.stringify([createdAtMs, Object.fromEntries(chosen)]);
}

/** @returns null when it is not an echo: the turn came through another door, or somebody edited it */
export function decodeEcho(text: string): StoredEcho | null {
  try {
    const json: unknown = JSON.parse(text);
    const [createdAtMs, chosen]: readonly unknown[] = Array.isArray(json) ? json : [];
    if (typeof createdAtMs !== 'number' || typeof chosen !== 'object') return null;
    return { createdAtMs, echo: { ...DEFAULTS, ...chosen } };
  } catch {
    return null;
  }
}
