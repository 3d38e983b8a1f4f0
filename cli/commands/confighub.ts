import { type Command, InvalidArgumentError, Option } from 'commander';
import { optionsOf } from '../options.ts';

type ServeOptions = {
  readonly port: number;
  readonly host: string;
  readonly token: string;
  readonly dialect: 'bridge' | 'release';
  readonly data?: string;
  readonly database?: string;
  readonly kubeconfig?: string;
};

/** `realign confighub serve`: the ConfigHub-compatible server alone, for development and tests. */
export function registerConfighub(program: Command): void {
  const confighub = program
    .command('confighub')
    .description('the ConfigHub-compatible server for development and tests');
  confighub
    .command('serve')
    .description('serve the ConfigHub API and print its URL when ready')
    .requiredOption('--port <n>', 'port to listen on; 0 takes a free one', parsePort)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .requiredOption('--token <token>', 'bearer token that clients must send')
    .addOption(
      new Option('--dialect <dialect>', 'generation of the API')
        .choices(['bridge', 'release'])
        .default('bridge'),
    )
    .option('--data <dir>', 'where the embedded Postgres keeps its data (default: temporary)')
    .option('--database <url>', 'a Postgres database to use instead of an embedded one')
    .option('--kubeconfig <file>', 'cluster that units are applied to (default: none is written)')
    .action(async (_options: unknown, command: Command) => {
      const { serveConfighub } = await import('../serve-confighub.ts');
      process.exitCode = await serveConfighub(optionsOf<ServeOptions>(command));
    });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) {
    throw new InvalidArgumentError('a port is a number from 0 to 65535');
  }
  return port;
}
