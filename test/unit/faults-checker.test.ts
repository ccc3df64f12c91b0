import { expect } from 'vitest';
import { check } from '../../faults/checker/check.ts';
import type {
  Call,
  End,
  Rules,
  SeenEvent,
  Send,
  SessionEnd,
  StoredMessage,
  Story,
} from '../../faults/checker/story.ts';
import { promise } from './promises.ts';

const RULES: Rules = {
  systemPrompt: 'sys',
  sessionTtlMs: 60_000,
  maxMessages: 100,
  codes: [],
  mayCut: false,
  mayLose: 'nothing',
  lossFrom: 0,
  lossUntil: 0,
  hasWindow: false,
};

const answerOf = (index: number, token: string) => `#${index} ${token}: w0`;
const sayOf = (token: string) => `say ${token} please`;

/** Two turns of one session, acknowledged, stored and asked correctly. */
function goodStory(): Story {
  const tokens = ['x-s0-m1', 'x-s0-m2'] as const;
  const stored = tokens.flatMap((token, index) => [
    { turnId: `t${index}`, role: 'user', content: sayOf(token), isTruncated: false },
    { turnId: `t${index}`, role: 'assistant', content: answerOf(index, token), isTruncated: false },
  ]);
  const events = (index: number, token: string): SeenEvent[] => [
    { id: '1-1', event: 'started', data: {} },
    { id: '1-2', event: 'delta', data: { content: answerOf(index, token) } },
    { id: '1-3', event: 'done', data: {} },
  ];
  return {
    sends: tokens.map((token, index): Send => {
      const end: End = { kind: 'done', reply: answerOf(index, token), messageCount: 2 * (index + 1) };
      return {
        session: 'x-s0',
        token,
        message: sayOf(token),
        onBusy: 'enqueue',
        key: null,
        route: 'stream',
        replica: 'replica 0',
        sentAt: 100 * index,
        admittedAt: 100 * index + 10,
        endedAt: 100 * index + 50,
        turnId: `t${index}`,
        events: events(index, token),
        end,
      };
    }),
    deletions: [],
    calls: tokens.map((token, index): Call => {
      const before = stored.slice(0, 2 * index).map(({ role, content }) => ({ role, content }));
      const messages = [
        { role: 'system', content: 'sys' },
        ...before,
        { role: 'user', content: sayOf(token) },
      ];
      return { index, at: 100 * index + 20, messages, answer: answerOf(index, token) };
    }),
    sessions: [
      {
        session: 'x-s0',
        meta: { messageCount: 4, expiresInMs: 50_000 },
        messages: stored,
        turns: tokens.map((token, index) => ({
          turnId: `t${index}`,
          status: 'completed' as const,
          reply: answerOf(index, token),
          log: events(index, token),
        })),
        afterExpiry: null,
      },
    ],
    replicas: [{ name: 'replica 0', liveTurns: 0, openStreams: 0 }],
    rules: RULES,
  };
}

/** The story with its session or its second request changed. */
function withSession(change: (session: SessionEnd) => Partial<SessionEnd>): Story {
  const story = goodStory();
  return { ...story, sessions: story.sessions.map((session) => ({ ...session, ...change(session) })) };
}

function withSecondSend(change: Partial<Send>): Story {
  const story = goodStory();
  return { ...story, sends: story.sends.map((send, index) => (index === 1 ? { ...send, ...change } : send)) };
}

function redOf(story: Story): readonly string[] {
  return [...new Set(check(story).map(({ invariant }) => invariant))];
}

promise('faults.checker.good', 'the fault checker finds nothing in a story without faults', () => {
  expect(check(goodStory())).toEqual([]);
});

promise(
  'faults.checker.stored-once',
  'the fault checker finds a turn that is lost, duplicated or half stored',
  () => {
    const lost = withSession(({ messages }) => ({
      messages: messages.slice(0, 2),
      meta: { messageCount: 2, expiresInMs: 50_000 },
    }));
    expect(redOf(lost)).toContain('I1');
    const doubled = withSession(({ messages }) => ({
      messages: [...messages, ...messages.slice(2)],
      meta: { messageCount: 6, expiresInMs: 50_000 },
    }));
    expect(redOf(doubled)).toContain('I1');
    const half = withSession(({ messages }) => ({
      messages: messages.slice(0, 3),
      meta: { messageCount: 3, expiresInMs: 50_000 },
    }));
    expect(redOf(half)).toEqual(expect.arrayContaining(['I1', 'I2']));
  },
);

promise(
  'faults.checker.run-again',
  'the fault checker lets a failover run a finished turn again, only after the loss',
  () => {
    const [, first] = goodStory().calls;
    if (first === undefined) throw new Error('the story has two calls');
    const again: Call = { ...first, index: 2, at: 170, answer: answerOf(2, 'x-s0-m2') };
    // It ran at the time of the loss, or it still waited: then its first attempt is lost as well.
    for (const attempt of [2, 1]) {
      const begun = { event: attempt === 2 ? 'restarted' : 'started', data: {} };
      const log = [
        ...(attempt === 2 ? [{ id: '1-1', event: 'started', data: {} }] : []),
        { id: '2-1', ...begun },
        { id: '2-2', event: 'delta', data: { content: again.answer } },
        { id: '2-3', event: 'done', data: {} },
      ];
      const story = withSession(({ messages, turns }) => ({
        messages: [...messages.slice(0, 3), { ...messages[3], content: again.answer } as StoredMessage],
        turns: turns.map((turn) => (turn.turnId === 't1' ? { ...turn, reply: again.answer, log } : turn)),
      }));
      const seen = (rules: Partial<Rules>) =>
        redOf({ ...story, calls: [...story.calls, again], rules: { ...RULES, ...rules } });
      expect(seen({ mayLose: 'suffix', lossFrom: 155, lossUntil: 200 })).toEqual([]);
      expect(seen({ mayLose: 'suffix', lossFrom: 180, lossUntil: 200 })).toEqual(['I1', 'I9']);
      expect(seen({})).toEqual(expect.arrayContaining(['I1', 'I9']));
    }
  },
);

promise(
  'faults.checker.refused',
  'the fault checker finds a refused turn that is stored, or runs later',
  () => {
    const refused: End = {
      kind: 'error',
      status: 503,
      code: 'redis_unavailable',
      flaws: [],
      namesTurn: false,
    };
    const story = withSecondSend({ end: refused, turnId: null, endedAt: 110, events: [] });
    expect(redOf({ ...story, rules: { ...RULES, codes: ['redis_unavailable'] } })).toEqual(['I2']);
    const both = check({ ...story, rules: { ...RULES, codes: ['redis_unavailable'] } });
    expect(both.map(({ what }) => what).join()).toMatch(/is stored.*ran later/);
  },
);

promise(
  'faults.checker.prompts',
  'the fault checker finds stale, foreign and disordered prompts and histories',
  () => {
    const story = goodStory();
    const stale = story.calls.map((call) => ({
      ...call,
      messages: [call.messages[0], call.messages.at(-1)],
    }));
    expect(redOf({ ...story, calls: stale as Call[] })).toEqual(['I4']);
    const swapped = withSession(({ messages }) => ({
      messages: [...messages.slice(2), ...messages.slice(0, 2)],
    }));
    expect(redOf(swapped)).toEqual(expect.arrayContaining(['I4', 'I5']));
    const split = withSession(({ messages: [a, b, c, d] }) => ({
      messages: [a, c, d, b] as SessionEnd['messages'],
    }));
    expect(redOf(split)).toContain('I3');
    const foreign = story.calls.map((call) => ({
      ...call,
      messages: [
        ...call.messages.slice(0, 1),
        { role: 'user', content: 'x-s1-m9' },
        ...call.messages.slice(1),
      ],
    }));
    expect(redOf({ ...story, calls: foreign })).toContain('I10');
  },
);

promise(
  'faults.checker.ends',
  'the fault checker finds wrong counts and times, left-overs, hangs and broken streams',
  () => {
    expect(redOf(withSession(() => ({ meta: { messageCount: 5, expiresInMs: 50_000 } })))).toEqual(['I6']);
    expect(redOf(withSession(() => ({ meta: { messageCount: 4, expiresInMs: 90_000 } })))).toEqual(['I7']);
    expect(redOf({ ...goodStory(), replicas: [{ name: 'r', liveTurns: 1, openStreams: 0 }] })).toEqual([
      'I8',
    ]);
    expect(redOf(withSecondSend({ end: { kind: 'hung' } }))).toEqual(['I9']);
    const events = goodStory().sends[1]?.events ?? [];
    expect(redOf(withSecondSend({ events: [...events.slice(0, 2), ...events.slice(1)] }))).toEqual(['I9']);
    const missing = withSecondSend({ events: events.filter(({ event }) => event !== 'delta') });
    expect(redOf(missing)).toEqual(['I9']);
  },
);
