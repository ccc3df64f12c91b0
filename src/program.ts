import { Command, InvalidArgumentError } from 'commander';
import { runDemoModel } from './cli/demo-model.ts';
import { ConfigError } from './config.ts';
import { serve } from './serve.ts';

/** The command line; exits 2 when the settings are not valid. */
export async function runProgram(argv: readonly string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const program = new Command('turnwise')
    .description('A conversation server between chat front ends and any OpenAI-compatible model.')
    .showHelpAfterError();

  program
    .command('serve')
    .description('one replica; settings from the environment')
    .action(() => serve(environment));

  program
    .command('demo-model')
    .description('the demo model alone: small, OpenAI-compatible, needs no key')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0: any', portNumber, 9000)
    .action((options: { host: string; port: number }) => runDemoModel(options));

  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}

function portNumber(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65535)) throw new InvalidArgumentError('expected a whole number from 0 to 65535');
  return port;
}
