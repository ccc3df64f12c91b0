export interface DemoModelOptions {
  readonly host: string;
  readonly port: number;
}

/** Starts a demo model; `url` is what OPENAI_BASE_URL takes. */
type StartDemoModel = (options: DemoModelOptions) => Promise<{ url: string; close(): Promise<void> }>;

/** `demo-model`: serves the built-in model until a signal stops it. */
export async function runDemoModel(start: StartDemoModel, options: DemoModelOptions): Promise<void> {
  const demo = await start(options);
  process.stdout.write(`demo model on ${demo.url}\n`);
  const stop = () => {
    demo.close().finally(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}
