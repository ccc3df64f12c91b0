import { startDemoModel } from '../model/demo-model.ts';

/** `demo-model`: serves the built-in model until it is told to stop. */
export async function runDemoModel(options: { host: string; port: number }): Promise<void> {
  const demo = await startDemoModel(options);
  process.stdout.write(`demo model on ${demo.url}\n`);
  const stop = () => {
    demo.close().finally(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}
