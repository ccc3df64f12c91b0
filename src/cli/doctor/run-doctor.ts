import { type Config, ConfigError, type Needs, readConfig } from '../../config/read-config.ts';
import { TurnwiseError } from '../../errors.ts';
import { listModels } from '../../model/list-models.ts';
import { probeModel } from '../../model/probe-model.ts';
import { modelSettings } from '../../process/model-settings.ts';
import { FORMAT_VERSION } from '../../redis/keys.ts';
import type { OperatorRoom } from '../../redis/operator-room.ts';
import { redisAddress, withOperatorRoom } from '../operator.ts';
import { OperatorError } from '../operator-error.ts';
import type { Terminal } from '../terminal.ts';
import { checkAnswer, checkModel } from './check-model.ts';
import { checkReconcile } from './check-reconcile.ts';
import { checkChannels, checkServers } from './check-server.ts';
import { checkSessions } from './check-sessions.ts';
import { DoctorReport } from './doctor-report.ts';
import { type Finding, fail, ok } from './finding.ts';

export interface DoctorOptions {
  readonly json?: boolean | undefined;
  /** Most sessions to check. */
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
  // Settings that are valid one by one are enough to continue.
  if (mistakes.length > 0 && mistakesOf(environment, {}).length > 0) return report.end();
  const config = readConfig(environment);
  try {
    await withOperatorRoom(config, (room) => checkRedis(config, room, options.sample, report));
  } catch (error) {
    if (!(error instanceof OperatorError || error instanceof TurnwiseError)) throw error;
    report.add(fail('redis', error.message, 'Check REDIS_URL, the network and the log of Redis.'));
  }
  // Without either, it is not known which server that would be.
  if (config.OPENAI_BASE_URL ?? config.OPENAI_API_KEY) report.add(...(await askModel(config)));
  return report.end();
}

async function checkRedis(
  config: Config,
  room: OperatorRoom,
  sample: number,
  report: DoctorReport,
): Promise<void> {
  report.add(ok('redis', `answers at ${redisAddress(config)}`));
  report.add(checkChannels(await room.channelRefusal()));
  report.add(...checkServers(await room.servers()));
  const format = await room.format().catch(() => 'unreadable');
  if (format !== null && format !== FORMAT_VERSION) {
    const found = `the keys have layout ${format}; this version knows ${FORMAT_VERSION}`;
    report.add(fail('format', found, 'Use the version that wrote them, or another KEY_PREFIX.'));
    return;
  }
  report.add(ok('format', format === null ? 'nothing is stored yet' : `layout ${format}`));
  const lastReport = await room.lastReport().catch(() => null);
  report.add(checkReconcile(lastReport, config.RECONCILE_INTERVAL_SECONDS * 1000, format === null));
  report.add(...(await checkSessions(room.store, sample)));
}

/** What the server lists, and whether each model answers: one short question, as a turn would ask it. */
async function askModel(config: Config): Promise<readonly Finding[]> {
  const settings = modelSettings(config);
  const list = await listModels(settings);
  const isNamed = config.OPENAI_BASE_URL !== undefined;
  const place = isNamed ? new URL(config.OPENAI_BASE_URL).host : 'the default server';
  const listed = checkModel(list, place, config.OPENAI_MODEL ?? []);
  const names = listed.level === 'fail' ? [] : (config.OPENAI_MODEL ?? []);
  const probed = await Promise.all(
    names.map(async (name) => checkAnswer(await probeModel(settings, name), name)),
  );
  return [listed, ...probed];
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
