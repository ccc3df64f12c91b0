import type { Command } from 'commander';
import { withDemoModel } from '../config/demo-fallback.ts';
import { readConfig } from '../config/read-config.ts';
import { ANONYMOUS_OWNER, ownerInKeys } from '../conversation/caller.ts';
import type { SessionRef } from '../conversation/session.ts';
import type { OperatorRoom } from '../redis/operator-room.ts';
import { reconcile } from '../upkeep/reconcile.ts';
import { conversationId, DEMO_MODEL_OPTION, EXIT_CODES, wholeNumber } from './arguments.ts';
import { reconcileNow } from './reconcile.ts';
import { deleteSession, listSessions, type SessionCommands, showSession } from './sessions.ts';
import type { Terminal } from './terminal.ts';

const ALL = Number.POSITIVE_INFINITY;

interface SessionOptions {
  readonly owner: string;
  readonly json?: boolean;
}

interface DoctorCommand {
  readonly demoModel?: string;
  readonly sample: number;
  readonly all?: boolean;
  readonly json?: boolean;
}

/** `sessions …`: looks into Redis as an operator, past the API. */
export function addSessions(program: Command, environment: NodeJS.ProcessEnv, terminal: Terminal): void {
  const sessions = program.command('sessions').description('look at stored conversations, or delete one');
  const add = (usage: string, description: string) =>
    sessions
      .command(usage)
      .description(description)
      .option('--owner <name>', 'owner of the session; - while callers are anonymous', ANONYMOUS_OWNER)
      .option('--json', 'for programs')
      .addHelpText('after', EXIT_CODES);
  const run = (body: (commands: SessionCommands) => Promise<number>) =>
    runOperator(environment, async (room) => {
      await room.refuseOtherFormat();
      return body({ sessions: room.sessions, examiner: room.store, terminal });
    });

  add('list', 'live sessions of an owner, newest access first')
    .option('--limit <number>', 'how many to show', wholeNumber(1, 1_000_000), 50)
    .option('--all', 'show all of them')
    .action(({ owner, limit, all, json }: SessionOptions & { limit: number; all?: boolean }) =>
      run((commands) => listSessions(commands, ownerInKeys(owner), { limit: all ? ALL : limit, json })),
    );
  add('show', 'one session: what is known of it, what runs and waits, its newest messages')
    .argument('<id>', 'its conversation_id', conversationId)
    .option('--messages <number>', 'how many to show; 0: none', wholeNumber(0, 1_000_000), 20)
    .action((id: string, { owner, messages, json }: SessionOptions & { messages: number }) =>
      run((commands) => showSession(commands, sessionOf(owner, id), { messages, json })),
    );
  add('delete', 'delete a session for good; its running and waiting turns end')
    .argument('<id>', 'its conversation_id', conversationId)
    .action((id: string, { owner, json }: SessionOptions) =>
      run((commands) => deleteSession(commands, sessionOf(owner, id), { json })),
    );
}

/** `reconcile` and `doctor`: keep the stored data, and all around it, well. */
export function addUpkeep(program: Command, environment: NodeJS.ProcessEnv, terminal: Terminal): void {
  program
    .command('reconcile')
    .description('make indexes, counts and TTLs agree with the sessions, now; safe while replicas serve')
    .option('--dry-run', 'change nothing, only report')
    .option('--json', 'the report for programs')
    .addHelpText('after', EXIT_CODES)
    .action(({ dryRun, json }: { dryRun?: boolean; json?: boolean }) =>
      runOperator(environment, async (room) => {
        await room.refuseOtherFormat();
        const isDryRun = dryRun === true;
        return reconcileNow((progressed) => reconcile(room.store, { isDryRun, progressed }), terminal, {
          json,
        });
      }),
    );
  program
    .command('doctor')
    .description('check settings, Redis, the model, and what is stored; 1 when something is broken')
    .option('--demo-model <url>', DEMO_MODEL_OPTION)
    .option('--sample <number>', 'sessions to look at', wholeNumber(1, 1_000_000_000), 1000)
    .option('--all', 'look at all sessions')
    .option('--json', 'for programs')
    .addHelpText('after', EXIT_CODES)
    .action(async ({ demoModel, sample, all, json }: DoctorCommand) => {
      const { runDoctor } = await import('./doctor/run-doctor.ts');
      const settings = withDemoModel(environment, demoModel);
      process.exitCode = await runDoctor(settings, terminal, { json, sample: all ? ALL : sample });
    });
}

async function runOperator(
  environment: NodeJS.ProcessEnv,
  work: (room: OperatorRoom) => Promise<number>,
): Promise<void> {
  const config = readConfig(environment);
  const { withOperatorRoom } = await import('./operator.ts');
  process.exitCode = await withOperatorRoom(config, work);
}

function sessionOf(owner: string, conversationId: string): SessionRef {
  return { owner: ownerInKeys(owner), conversationId };
}
