import type { ModelFailure } from './model-failure.ts';
import { joinMessages, type WireMessage } from './wire-messages.ts';

/**
 * What a server was found to need, by its refusals; remembered as long as the process lives. `name` is what the log and
 * `doctor` say.
 */
export const NEEDS = [
  'requests without stream_options',
  'alternating roles',
  'no system messages',
  'max_completion_tokens',
] as const;
export type Need = (typeof NEEDS)[number];

/** A request body as it would be sent to a server that has no needs. */
export interface ChatRequest {
  readonly messages: readonly WireMessage[];
  readonly stream_options?: unknown;
  readonly [field: string]: unknown;
}

/** The request as a server with these needs accepts it; the history itself is unchanged. */
export function adapt(request: ChatRequest, needs: ReadonlySet<Need>): ChatRequest {
  let { messages } = request;
  if (needs.has('no system messages')) messages = withoutSystem(messages);
  if (needs.has('alternating roles')) messages = alternating(messages);
  const adapted = { ...request, messages };
  if (needs.has('requests without stream_options')) delete adapted.stream_options;
  return needs.has('max_completion_tokens') ? withoutMaxTokens(adapted) : adapted;
}

/** How a refusal names each need. Chat templates may do so under any status: llama.cpp under 500. */
const NAMED: Readonly<Record<Need, RegExp>> = {
  'requests without stream_options': /stream_options|include_usage/,
  'alternating roles': /alternat|roles? must|same role|consecutive/,
  max_completion_tokens: /max_completion_tokens/,
  'no system messages': /system (?:role|message|prompt)|role.{0,20}system/,
};

/**
 * The needs that may be behind a refusal: those it names, or when it is vague, those that servers are known to refuse
 * without naming them. Only those that would change the request.
 */
export function needsBehind(
  failure: ModelFailure,
  request: ChatRequest,
  known: ReadonlySet<Need>,
  takesStreamOptions: boolean,
): readonly Need[] {
  const { messages } = request;
  const isPossible: Readonly<Record<Need, boolean>> = {
    'requests without stream_options': request.stream_options !== undefined,
    'alternating roles': !isAlternating(messages),
    'no system messages': messages[0]?.role === 'system',
    max_completion_tokens: request.max_tokens !== undefined,
  };
  const open = NEEDS.filter((need) => isPossible[need] && !known.has(need));
  const named = open.filter((need) => failure.names(NAMED[need]));
  if (named.length > 0 || !failure.isVague) return named;
  return open.filter((need) =>
    need === 'requests without stream_options' ? !takesStreamOptions : need === 'alternating roles',
  );
}

function isAlternating(messages: readonly WireMessage[]): boolean {
  return messages.every((message, index) => !mayJoin(messages[index - 1], message));
}

/** Calls and their results stay as they are: each has its own id. */
function mayJoin(first: WireMessage | undefined, second: WireMessage): boolean {
  return (
    first?.role === second.role &&
    second.role !== 'tool' &&
    first.tool_calls === undefined &&
    second.tool_calls === undefined
  );
}

/** Neighbours with the same role become one message. */
function alternating(messages: readonly WireMessage[]): readonly WireMessage[] {
  const joined: WireMessage[] = [];
  for (const message of messages) {
    const last = joined.at(-1);
    if (last !== undefined && mayJoin(last, message)) joined[joined.length - 1] = joinMessages(last, message);
    else joined.push(message);
  }
  return joined;
}

/** Puts the system prompt at the start of the first message of the user. */
function withoutSystem(messages: readonly WireMessage[]): readonly WireMessage[] {
  const [system, first, ...rest] = messages;
  if (system?.role !== 'system') return messages;
  if (first?.role !== 'user') return [{ role: 'user', content: system.content }, ...messages.slice(1)];
  return [joinMessages({ role: 'user', content: system.content }, first), ...rest];
}

/** OpenAI's reasoning models take the limit of an answer only by its newer name, which most other servers do not know. */
function withoutMaxTokens({ max_tokens: most, ...request }: ChatRequest): ChatRequest {
  return most === undefined ? request : { max_completion_tokens: most, ...request };
}
