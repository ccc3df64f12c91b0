import type { PromptMessage } from '../conversation/ports.ts';
import type { ModelFailure } from './model-failure.ts';

/**
 * What a server was found to need, by its refusals; remembered as long as the process lives. `name` is what the log and
 * `doctor` say.
 */
export const NEEDS = ['requests without stream_options', 'alternating roles', 'no system messages'] as const;
export type Need = (typeof NEEDS)[number];

/** A request body as it would be sent to a server that has no needs. */
export interface ChatRequest {
  readonly messages: readonly PromptMessage[];
  readonly stream_options?: unknown;
  readonly [field: string]: unknown;
}

/** The request as a server with these needs takes it; history itself stays as it is. */
export function adapt(request: ChatRequest, needs: ReadonlySet<Need>): ChatRequest {
  let { messages } = request;
  if (needs.has('no system messages')) messages = withoutSystem(messages);
  if (needs.has('alternating roles')) messages = alternating(messages);
  const adapted = { ...request, messages };
  if (needs.has('requests without stream_options')) delete adapted.stream_options;
  return adapted;
}

/** How a refusal names each need. Templates of models may do so under any status: llama.cpp under 500. */
const NAMED: Readonly<Record<Need, RegExp>> = {
  'requests without stream_options': /stream_options|include_usage/,
  'alternating roles': /alternat|roles? must|same role|consecutive/,
  'no system messages': /system (?:role|message|prompt)|role.{0,20}system/,
};

/**
 * What a refusal may be about: what it names, or when it is vague what servers are known to refuse without a word. Only
 * what would change the request.
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
  };
  const open = NEEDS.filter((need) => isPossible[need] && !known.has(need));
  const named = open.filter((need) => failure.names(NAMED[need]));
  if (named.length > 0 || !failure.isVague) return named;
  return open.filter((need) =>
    need === 'requests without stream_options' ? !takesStreamOptions : need === 'alternating roles',
  );
}

function isAlternating(messages: readonly PromptMessage[]): boolean {
  return messages.every(({ role }, index) => role !== messages[index - 1]?.role);
}

/** Neighbours of one role become one message. */
function alternating(messages: readonly PromptMessage[]): readonly PromptMessage[] {
  const joined: PromptMessage[] = [];
  for (const message of messages) {
    const last = joined.at(-1);
    if (last?.role === message.role) joined[joined.length - 1] = join(last, message);
    else joined.push(message);
  }
  return joined;
}

/** The system prompt stands at the head of what the user said first. */
function withoutSystem(messages: readonly PromptMessage[]): readonly PromptMessage[] {
  const [system, first, ...rest] = messages;
  if (system?.role !== 'system') return messages;
  if (first?.role !== 'user') return [{ role: 'user', content: system.content }, ...messages.slice(1)];
  return [join({ role: 'user', content: system.content }, first), ...rest];
}

function join(first: PromptMessage, second: PromptMessage): PromptMessage {
  return { role: first.role, content: `${first.content}\n\n${second.content}` };
}
