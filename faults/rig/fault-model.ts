import type { Gate, Step } from '../../testkit/model/model-script.ts';
import {
  type ModelRequest,
  type ScriptedModel,
  startScriptedModel,
} from '../../testkit/model/scripted-model.ts';
import { tokensIn } from '../checker/facts.ts';
import type { Call } from '../checker/story.ts';

/** How the model answers one call. */
export interface AnswerPlan {
  readonly words: number;
  readonly firstMs: number;
  readonly everyMs: number;
  /** Where it stops: after these numbers of words; the last one stops before the end of the answer. */
  readonly gates: readonly { readonly afterWords: number; readonly gate: Gate }[];
  /** Replaces everything above. */
  readonly script: ((call: Call) => AsyncIterable<Step> | Iterable<Step>) | null;
}

export const QUICK_ANSWER: AnswerPlan = { words: 6, firstMs: 2, everyMs: 1, gates: [], script: null };

/** The model of a world: records its prompts, and each answer names its call. */
export interface FaultModel {
  readonly url: string;
  readonly calls: readonly Call[];
  gate(): Gate;
  /** The plans of the next calls for a message, in order; then the quick plan again. */
  plan(token: string, ...plans: readonly Partial<AnswerPlan>[]): void;
  /** The plan of calls without their own. */
  setUsual(plan: Partial<AnswerPlan>): void;
  /** Calls whose connection is still open. */
  readonly openCalls: number;
  close(): Promise<void>;
}

export async function startFaultModel(): Promise<FaultModel> {
  const model: ScriptedModel = await startScriptedModel();
  const calls: Call[] = [];
  const plans = new Map<string, Partial<AnswerPlan>[]>();
  const state = { usual: QUICK_ANSWER, open: 0 };
  model.reply((request: ModelRequest, index: number) => {
    const token = tokensIn(request.messages.at(-1)?.content ?? '')[0] ?? '';
    const plan: AnswerPlan = { ...state.usual, ...plans.get(token)?.shift() };
    const call: Call = {
      index,
      at: performance.now(),
      messages: request.messages,
      answer: wordsOf(index, token, plan.words).join(''),
    };
    calls.push(call);
    state.open += 1;
    void request.closed.then(() => {
      state.open -= 1;
    });
    return plan.script === null ? stepsOf(call.index, token, plan) : plan.script(call);
  });
  return {
    url: model.url,
    calls,
    gate: () => model.gate(),
    plan(token, ...next) {
      plans.set(token, [...(plans.get(token) ?? []), ...next]);
    },
    setUsual(plan) {
      state.usual = { ...QUICK_ANSWER, ...plan };
    },
    get openCalls() {
      return state.open;
    },
    close: () => model.close(),
  };
}

/** The answer begins with its call's number, so that two answers never look alike. */
export function wordsOf(index: number, token: string, words: number): string[] {
  return [`#${index} ${token}:`, ...Array.from({ length: words }, (_, at) => ` w${at}`)];
}

function* stepsOf(index: number, token: string, plan: AnswerPlan): Generator<Step> {
  if (plan.firstMs > 0) yield { delayMs: plan.firstMs };
  for (const [at, word] of wordsOf(index, token, plan.words).entries()) {
    for (const { afterWords, gate } of plan.gates) if (afterWords === at) yield { wait: gate };
    if (at > 0 && plan.everyMs > 0) yield { delayMs: plan.everyMs };
    yield { delta: word };
  }
  for (const { afterWords, gate } of plan.gates) if (afterWords > plan.words) yield { wait: gate };
}
