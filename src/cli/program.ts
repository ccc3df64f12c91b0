import { Command, CommanderError } from 'commander';
import { withDemoModel } from '../config/demo-fallback.ts';
import { ConfigError, readConfig } from '../config/read-config.ts';
import { TurnwiseError } from '../errors.ts';
import { VERSION } from '../version.ts';
import { DEMO_MODEL_OPTION, EXIT_CODES, wholeNumber } from './arguments.ts';
import { addSessions, addUpkeep } from './operator-commands.ts';
import { OperatorError } from './operator-error.ts';
import { processTerminal, type Terminal } from './terminal.ts';

/** The command line; its exit codes are in its help. Each command loads what it needs, so that help is quick. */
export async function runProgram(argv: readonly string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const terminal = processTerminal();
  const program = new Command('turnwise')
    .description('A conversation server between chat front ends and any OpenAI-compatible model.')
    .version(VERSION, '--version', 'print the version')
    .showHelpAfterError('(see --help)')
    .exitOverride()
    .addHelpText('after', EXIT_CODES);
  addServices(program, environment);
  addSessions(program, environment, terminal);
  addUpkeep(program, environment, terminal);
  try {
    await program.parseAsync(argv);
  } catch (error) {
    process.exitCode = exitCodeOf(error, terminal);
    // By then a replica has opened its connections, which would keep the process alive.
    if (isAboutListening(error)) process.exit();
  }
}

/** The address is taken, not ours, not allowed, or not an address: a stack would not explain it. */
function isAboutListening(error: unknown): error is Error {
  return (
    error instanceof Error &&
    'syscall' in error &&
    (error.syscall === 'listen' || error.syscall === 'getaddrinfo')
  );
}

/** What runs until a signal stops it. */
function addServices(program: Command, environment: NodeJS.ProcessEnv): void {
  program
    .command('serve')
    .description('one replica, background jobs included unless WORKER=off')
    .option('--demo-model <url>', DEMO_MODEL_OPTION)
    .addHelpText('after', EXIT_CODES)
    .action(async ({ demoModel }: { demoModel?: string }) => {
      const { serve } = await import('../process/serve.ts');
      return serve(withDemoModel(environment, demoModel));
    });
  program
    .command('worker')
    .description('only the background jobs; for replicas with WORKER=off beside it')
    .addHelpText('after', EXIT_CODES)
    .action(async () => {
      const { work } = await import('../process/worker.ts');
      return work(environment);
    });
  program
    .command('web')
    .description('the chat page on HOST and WEB_PORT; it finds the API at WEB_API_URL, else on PORT here')
    .addHelpText('after', EXIT_CODES)
    .action(async () => {
      const { HOST, PORT, WEB_PORT, WEB_API_URL } = readConfig(environment);
      const { serveWeb } = await import('../process/web.ts');
      const apiUrl = environment.WEB_API_URL ? WEB_API_URL : `http://localhost:${PORT}`;
      return serveWeb({ host: HOST, port: WEB_PORT, apiUrl });
    });
  program
    .command('demo-model')
    .description('the demo model alone: small, OpenAI-compatible, needs no key')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0: any', wholeNumber(0, 65_535), 9000)
    .addHelpText('after', EXIT_CODES)
    .action(async (options: { host: string; port: number }) => {
      const { runDemoModel } = await import('../process/demo-model.ts');
      const { startDemoModel } = await import('../model/demo-model.ts');
      return runDemoModel(startDemoModel, options);
    });
}

function exitCodeOf(error: unknown, terminal: Terminal): number {
  // Commander has written its own message, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof ConfigError) {
    terminal.err(`${error.message}\n`);
    return 2;
  }
  if (error instanceof OperatorError || error instanceof TurnwiseError) {
    const cause = error instanceof TurnwiseError && error.cause instanceof Error ? error.cause.message : '';
    terminal.err(`${error.message}${cause === '' ? '' : ` (${cause})`}\n`);
    return 1;
  }
  if (isAboutListening(error)) {
    terminal.err(`Cannot listen: ${error.message}\n`);
    return 1;
  }
  throw error;
}
