import { expect } from 'vitest';
import { TRANSITIONS, TURN_STATUSES, TURN_STEPS } from '../src/conversation/turn.ts';
import { ERRORS } from '../src/errors.ts';
import { FORMAT_VERSION, makeKeys } from '../src/redis/keys.ts';
import { Metrics } from '../src/telemetry/metrics.ts';
import { promise } from './promises.ts';
import { ledgers } from './support/ledgers.ts';
import { luaScripts } from './support/lua-script.ts';
import { blocksOf, codeIn, codesIn, rowsOfTables, tableUnder } from './support/markdown.ts';
import { allDocuments, filesBelow, isThere, readSource } from './support/source-files.ts';

const documents = allDocuments();

promise('docs.errors', 'docs/errors.md lists exactly the errors in the catalogue', () => {
  const said = rowsOfTables(readSource('docs/errors.md'), 'Code').map(([code = '', ...rest]) => [
    codeIn(code),
    ...rest.slice(0, 3),
  ]);
  const real = Object.entries(ERRORS).map(([code, { status, kind, retryable }]) => [
    code,
    String(status),
    kind,
    retryable ? 'yes' : 'no',
  ]);
  expect(said).toEqual(real);
});

promise('docs.errors.balancer', 'docs/errors.md lists every reply of the balancer as configured', () => {
  const lines = readSource('ops/haproxy/haproxy.cfg').text.matchAll(
    /^ {4}http-error status (\d+) .*'(\{.*\})'(.*)$/gm,
  );
  const real = [...lines].map(([, status = '', json = '', headers = '']) => {
    const { error } = JSON.parse(json) as { error: Record<string, unknown> };
    expect(Object.keys(error)).toEqual(['code', 'message', 'request_id']);
    expect(headers).toContain('hdr Access-Control-Allow-Origin "*"');
    return [status, error.code, headers.includes('hdr Retry-After 1') ? 'yes' : 'no'];
  });
  const said = tableUnder(readSource('docs/errors.md'), 'From the balancer');
  expect(said.map(([status, code = '', retryable]) => [status, codeIn(code), retryable])).toEqual(real);
  expect(real.length).toBe(3);
});

promise(
  'docs.lifecycle.table',
  'docs/turn-lifecycle.md has every state by every step, and what makes the step',
  () => {
    const page = readSource('docs/turn-lifecycle.md');
    const said = tableUnder(page, 'Every state by every step');
    expect(said).toEqual(
      TURN_STATUSES.map((status) => [status, ...TURN_STEPS.map((step) => TRANSITIONS[status][step])]),
    );
    const makers = tableUnder(page, 'Who makes which step');
    expect(makers.map(([step]) => step)).toEqual(TURN_STEPS);
    const scripts = new Set(luaScripts().map(({ name }) => name));
    expect(makers.flatMap(([, , cell = '']) => codesIn(cell)).filter((name) => !scripts.has(name))).toEqual(
      [],
    );
  },
);

promise(
  'docs.lifecycle.picture',
  'the diagram of the life of a turn shows the same steps as the table',
  () => {
    const [picture = ''] = blocksOf(readSource('docs/turn-lifecycle.md'), 'mermaid');
    const drawn = [...picture.matchAll(/^ +(\w+) --> (\w+): (\w+)$/gm)].map(([, ...parts]) =>
      parts.join(' '),
    );
    const real = TURN_STATUSES.flatMap((status) =>
      TURN_STEPS.filter((step) => TRANSITIONS[status][step] !== 'refused').map(
        (step) => `${status} ${TRANSITIONS[status][step]} ${step}`,
      ),
    );
    expect(drawn.toSorted()).toEqual(real.toSorted());
  },
);

promise('docs.metrics', 'docs/operations.md lists exactly the metrics that exist', () => {
  const said = rowsOfTables(readSource('docs/operations.md'), 'Metric').map(
    ([name = '', type, labels = '', meaning]) => ({
      name: codeIn(name),
      type,
      labels: codesIn(labels),
      meaning,
    }),
  );
  const ours = new Metrics(() => 0).registry
    .getMetricsAsArray()
    .filter(({ name }) => name.startsWith('turnwise_'));
  const real = ours.map((metric) => ({
    name: metric.name,
    type: 'buckets' in metric ? 'histogram' : metric.constructor.name.toLowerCase(),
    labels: 'labelNames' in metric ? metric.labelNames : [],
    meaning: 'help' in metric ? metric.help : '',
  }));
  expect(said).toEqual(real);
});

promise(
  'docs.redis.keys',
  'docs/redis.md lists exactly the keys and channels that the key maker makes',
  () => {
    const page = readSource('docs/redis.md');
    const said = [...tableUnder(page, 'Keys'), ...tableUnder(page, 'Channels')].map(([key = '']) =>
      bare(codeIn(key)),
    );
    const keys = makeKeys('turnwise');
    const session = keys.session({ owner: 'OWNER', conversationId: 'CONVERSATION' });
    const made = Object.entries({ ...keys, ...session }).flatMap(([name, value]: [string, unknown]) => {
      if (name === 'session') return [];
      return [bare(typeof value === 'function' ? String(value(PLACES[name] ?? 'X')) : String(value))];
    });
    // Two channels share one prefix.
    expect([...new Set(said)].sort()).toEqual([...new Set(made)].sort());
    expect(page.text).toContain(`\`turnwise:format\` holds \`${FORMAT_VERSION}\``);
  },
);

const PLACES: Readonly<Record<string, string>> = {
  turn: 'TURN',
  log: 'TURN',
  watch: 'TURN',
  idempotency: 'HASH',
  ownerIndex: 'OWNER',
};

/** A key without the placeholder after its prefix. */
function bare(key: string): string {
  return key.replace(/(?:…|REPLICA|all)$/, '').replace(/:$/, '');
}

promise('docs.redis.scripts', 'docs/redis.md lists every script, and the scripts that write each key', () => {
  const page = readSource('docs/redis.md');
  const scripts = luaScripts().map(({ name }) => name);
  expect(
    tableUnder(page, 'Scripts')
      .map(([name = '']) => codeIn(name))
      .toSorted(),
  ).toEqual(scripts.toSorted());
  const writers = [
    ...tableUnder(page, 'Keys').map(([, , , , cell = '']) => cell),
    ...tableUnder(page, 'Channels').map(([, , cell = '']) => cell),
  ].flatMap(codesIn);
  expect(writers.filter((name) => /^[a-z]+-[a-z]+$/.test(name) && !scripts.includes(name))).toEqual([]);
  const named = new Set(writers);
  // Scripts that write no session key, or all of them, or only read.
  const apart = ['read-history', 'delete-session', 'settle-scores', 'read-log', 'read-messages'];
  expect(scripts.filter((name) => !named.has(name) && !apart.includes(name))).toEqual([]);
});

promise('docs.protocol.events', 'docs/protocol.md lists exactly the events that a reader may see', () => {
  const said = rowsOfTables(readSource('docs/protocol.md'), 'Event').map(([event = '']) => codeIn(event));
  const real = [...readSource('src/conversation/events.ts').text.matchAll(/readonly type: '(\w+)'/g)].map(
    ([, type]) => type,
  );
  expect(said.toSorted()).toEqual(real.toSorted());
});

promise('docs.guarantees', 'every promise named in docs/guarantees.md is in a ledger', async () => {
  const { text } = readSource('docs/guarantees.md');
  const named = [...text.matchAll(/`([a-z-]+(?:\.[a-z-]+)+)`/g)]
    .map(([, id = '']) => id)
    .filter((id) => !isThere(id));
  expect(named.length).toBeGreaterThan(30);
  const known = new Set([...(await ledgers()).values()].flatMap((ledger) => Object.keys(ledger)));
  expect(named.filter((id) => !known.has(id))).toEqual([]);
});

promise('docs.guarantees.each', 'every guarantee names the promise that keeps it', () => {
  const [promised = ''] = readSource('docs/guarantees.md').text.split('## Not promised');
  const lines = promised
    .split(/\n(?=- )/)
    .slice(1)
    .map((line) => line.split('\n\n')[0] ?? '');
  expect(lines.filter((line) => !/`[a-z-]+\.[a-z.-]+`$/.test(line.trim()))).toEqual([]);
});

promise('docs.npm-scripts', 'every npm script named in a document exists', () => {
  const { scripts } = JSON.parse(readSource('package.json').text) as { scripts: Record<string, string> };
  const named = documents.flatMap((file) =>
    [...file.text.matchAll(/\bnpm (?:run (\S+?)|(start|test))(?=[\s`,;.]|$)/gm)].map(
      ([, run, short]) => run ?? short ?? '',
    ),
  );
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
});

promise('docs.files-named', 'every file named or linked in a document exists', () => {
  const lost = documents.flatMap((file) => {
    const folder = file.path.slice(0, file.path.lastIndexOf('/') + 1);
    const links = [...file.text.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(
      ([, to = '']) => `${folder}${to}`,
    );
    const named = [...file.text.matchAll(/`((?:src|test|docs|ops|scripts|examples|web)\/[\w./*-]+)`/g)].map(
      ([, path = '']) => path,
    );
    const inCore = [
      ...file.text.matchAll(
        /`((?:cli|config|conversation|http|model|process|redis|telemetry|upkeep)\/[\w/-]+\.ts)`/g,
      ),
    ].map(([, path]) => `src/${path}`);
    return [...links, ...named.filter((path) => !path.includes('*')), ...inCore]
      .filter((path) => !isThere(path))
      .map((path) => `${file.path}: ${path}`);
  });
  expect(lost).toEqual([]);
});

promise(
  'docs.decisions',
  'every decision has question, evidence, choice, price and what would change it, on one page',
  () => {
    const pages = filesBelow('docs/decisions', '.md');
    const parts = ['Question', 'What we saw', 'Choice', 'Price', 'What would change our mind'];
    for (const [index, page] of pages.entries()) {
      const number = String(index + 1).padStart(4, '0');
      expect(page.path).toMatch(new RegExp(`/${number}-[a-z-]+\\.md$`));
      expect(page.text.startsWith(`# ${number} `)).toBe(true);
      const headings = [...page.text.matchAll(/^## (.+)$/gm)].map(([, heading = '']) => heading);
      expect([page.path, headings.map((heading) => heading.replace(/, and the choice$/, ''))]).toEqual([
        page.path,
        parts.filter((part) => part !== 'Choice' || !headings.includes('What we saw, and the choice')),
      ]);
      expect(page.text.split('\n').length).toBeLessThanOrEqual(60);
    }
  },
);
