import { checkAnswer, checkModel } from './cli/check-model.ts';
import { checkReconcile } from './cli/check-reconcile.ts';
import { checkChannels, checkServers } from './cli/check-server.ts';
import { checkSessions } from './cli/check-sessions.ts';
import { DoctorReport } from './cli/doctor.ts';
import { type Finding, fail, ok } from './cli/finding.ts';
import type { Terminal } from './cli/terminal.ts';
import { type Config, ConfigError, type Needs, readConfig } from './config.ts';
import { TurnwiseError } from './errors.ts';
import { listModels } from './model/list-models.ts';
import { probeModel } from './model/probe-model.ts';
import { modelSettings } from './model-settings.ts';
import { type Operator, redisAddress, withOperator } from './operator.ts';
import { OperatorError } from './operator-error.ts';
import { FORMAT_VERSION } from './redis/keys.ts';
import { readServerFacts } from './redis/server-facts.ts';

export interface DoctorOptions {
  readonly json?: boolean | undefined;
  /** Most sessions to look at. */
  readonly sample: number;
}

/** `doctor`: settings, Redis, what is stored, the model. @returns the exit code */
export async function runDoctor(
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
  options: DoctorOptions,
): Promise<number> {
  const report = new DoctorReport(terminal, options.json === true);
  const mistakes = mistakesOf(environment, { model: true, listener: true });
  if (mistakes.length === 0) report.add(ok('settings', 'valid'));
  else report.add(fail('settings', mistakes.join('; '), 'See .env.example for every setting.'));
  // Settings that are right one by one are enough to go on with.
  if (mistakes.length > 0 && mistakesOf(environment, {}).length > 0) return report.end();
  const config = readConfig(environment);
  try {
    await withOperator(config, (operator) => checkRedis(config, operator, options.sample, report));
  } catch (error) {
    if (!(error instanceof OperatorError || error instanceof TurnwiseError)) throw error;
    report.add(fail('redis', error.message, 'Check REDIS_URL, the network and the log of Redis.'));
  }
  // Without either, nobody has said which server that would be.
  if (config.OPENAI_BASE_URL ?? config.OPENAI_API_KEY) report.add(...(await askModel(config)));
  return report.end();
}

async function checkRedis(
  config: Config,
  operator: Operator,
  sample: number,
  report: DoctorReport,
): Promise<void> {
  const { client, keys, store } = operator;
  report.add(ok('redis', `answers at ${redisAddress(config)}`));
  report.add(checkChannels(await refusalOf(client.publish(keys.replicaChannelPrefix, 'doctor'))));
  report.add(...checkServers(await readServerFacts(client)));
  const format = await client.get(keys.format).catch(() => 'unreadable');
  if (format !== null && format !== FORMAT_VERSION) {
    const found = `the keys have layout ${format}; this version knows ${FORMAT_VERSION}`;
    report.add(fail('format', found, 'Use the version that wrote them, or another KEY_PREFIX.'));
    return;
  }
  report.add(ok('format', format === null ? 'nothing is stored yet' : `layout ${format}`));
  const lastReport = await client.get(keys.reconcile).catch(() => null);
  report.add(checkReconcile(lastReport, config.RECONCILE_INTERVAL_SECONDS * 1000, format === null));
  report.add(...(await checkSessions(store, sample)));
}

/** @returns what Redis says against it; null when it does it */
async function refusalOf(command: Promise<unknown>): Promise<string | null> {
  try {
    await command;
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : 'no answer';
  }
}

/** What it lists, and whether it answers: one short question, as a turn would ask it. */
async function askModel(config: Config): Promise<readonly Finding[]> {
  const settings = modelSettings(config);
  const list = await listModels(settings);
  const isNamed = config.OPENAI_BASE_URL !== undefined;
  const place = isNamed ? new URL(config.OPENAI_BASE_URL).host : 'the default server';
  const listed = checkModel(list, place, config.OPENAI_MODEL ?? []);
  if (listed.level === 'fail' || settings.model === '') return [listed];
  return [listed, checkAnswer(await probeModel(settings), settings.model)];
}

function mistakesOf(environment: NodeJS.ProcessEnv, needs: Needs): readonly string[] {
  try {
    readConfig(environment, needs);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes;
    throw error;
  }
}
