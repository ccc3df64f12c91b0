import type { Command } from 'commander';
import { conversationId, DEMO_MODEL_OPTION, EXIT_CODES, wholeNumber } from './cli/arguments.ts';
import { ownerInKeys } from './cli/owner.ts';
import { reconcileNow } from './cli/reconcile.ts';
import { deleteSession, listSessions, type SessionCommands, showSession } from './cli/sessions.ts';
import type { Terminal } from './cli/terminal.ts';
import { readConfig } from './config.ts';
import { ANONYMOUS_OWNER, type SessionRef } from './conversation/session.ts';
import { withDemoModel } from './demo-fallback.ts';
import type { Operator } from './operator.ts';

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
      .option('--owner <name>', 'whose it is; - while anybody may call', ANONYMOUS_OWNER)
      .option('--json', 'for programs')
      .addHelpText('after', EXIT_CODES);
  const run = (body: (commands: SessionCommands) => Promise<number>) =>
    runOperator(environment, async ({ sessions, store, refuseOtherFormat }) => {
      await refuseOtherFormat();
      return body({ sessions, examiner: store, terminal });
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

/** `reconcile` and `doctor`: keep what is stored, and all around it, well. */
export function addUpkeep(program: Command, environment: NodeJS.ProcessEnv, terminal: Terminal): void {
  program
    .command('reconcile')
    .description('make indexes, counts and TTLs agree with the sessions, now; safe while replicas serve')
    .option('--dry-run', 'change nothing, only tell')
    .option('--json', 'the report for programs')
    .addHelpText('after', EXIT_CODES)
    .action(({ dryRun, json }: { dryRun?: boolean; json?: boolean }) =>
      runOperator(environment, (operator) =>
        reconcileNow((progressed) => operator.reconcile(dryRun === true, progressed), terminal, { json }),
      ),
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
      const { runDoctor } = await import('./run-doctor.ts');
      const settings = withDemoModel(environment, demoModel);
      process.exitCode = await runDoctor(settings, terminal, { json, sample: all ? ALL : sample });
    });
}

async function runOperator(
  environment: NodeJS.ProcessEnv,
  work: (operator: Operator) => Promise<number>,
): Promise<void> {
  const config = readConfig(environment);
  const { withOperator } = await import('./operator.ts');
  process.exitCode = await withOperator(config, work);
}

function sessionOf(owner: string, conversationId: string): SessionRef {
  return { owner: ownerInKeys(owner), conversationId };
}
