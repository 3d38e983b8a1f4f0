import { join } from 'node:path';
import { type Crashing, type PartContext, portAt, startServer } from './server.ts';

const READY_TIMEOUT_MS = 30_000;
const PROBE_TIMEOUT_MS = 2_000;

// Default timers of the server fire up to a second late, and a workflow id cannot be used again at once; both are meant
// for big clusters. See docs.temporal.io, "Temporal Service configuration".
const DYNAMIC_CONFIG = [
  'history.timerProcessorMaxTimeShift="10ms"',
  'history.workflowIdReuseMinimalInterval="0s"',
];

export type TemporalOptions = {
  readonly binary: string;
  /** Kept in a file of the part's directory instead of in memory. */
  readonly persistent: boolean;
  readonly withUi: boolean;
  /** More of the server's dynamic configuration, `name=value` each. */
  readonly settings?: readonly string[];
  /** Registered at the start. */
  readonly searchAttributes?: readonly SearchAttribute[];
};

/** As the Temporal SDK writes them: `{ name: 'Kind', type: 'KEYWORD' }`. */
export type SearchAttribute = { readonly name: string; readonly type: string };

export type Temporal = Crashing & {
  /** `host:port` of gRPC. */
  readonly address: string;
  readonly namespace: string;
  /** Absent without UI. */
  readonly uiUrl?: string;
  stop(): Promise<void>;
};

/** Temporal's own development server: one process, namespace `default`, on free ports of 127.0.0.1. */
export async function startTemporal(
  context: PartContext,
  options: TemporalOptions,
): Promise<Temporal> {
  const { ports, ...server } = await startServer(context, {
    portCount: 4,
    process: (candidate) => ({
      name: 'Temporal',
      command: options.binary,
      args: serverArguments(context, options, candidate),
      logFile: join(context.directory, 'temporal.log'),
    }),
    probe: async (candidate) => {
      const answer = await fetch(
        `http://127.0.0.1:${portAt(candidate, 2)}/api/v1/namespaces/default`,
        { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) },
      );
      await answer.body?.cancel();
      if (!answer.ok) throw new Error(`namespace default answers ${answer.status}`);
    },
    readyTimeoutMs: READY_TIMEOUT_MS,
  });
  return {
    address: `127.0.0.1:${portAt(ports, 0)}`,
    namespace: 'default',
    ...(options.withUi ? { uiUrl: `http://127.0.0.1:${portAt(ports, 1)}` } : {}),
    ...server,
  };
}

function serverArguments(
  context: PartContext,
  options: TemporalOptions,
  ports: readonly number[],
): string[] {
  const args = ['server', 'start-dev', '--ip', '127.0.0.1', '--log-level', 'warn'];
  // A developer's own Temporal profile must not leak into the stack.
  args.push('--disable-config-file', '--disable-config-env');
  args.push('--port', String(portAt(ports, 0)), '--http-port', String(portAt(ports, 2)));
  args.push('--metrics-port', String(portAt(ports, 3)));
  args.push(...(options.withUi ? ['--ui-port', String(portAt(ports, 1))] : ['--headless']));
  for (const value of [...DYNAMIC_CONFIG, ...(options.settings ?? [])]) {
    args.push('--dynamic-config-value', value);
  }
  for (const { name, type } of options.searchAttributes ?? []) {
    args.push('--search-attribute', `${name}=${commandLineType(type)}`);
  }
  if (options.persistent) {
    // An fsync for each transition limits the server to 5 workflows a second; a power failure may cost the last second.
    args.push(
      '--db-filename',
      join(context.directory, 'temporal.db'),
      '--sqlite-pragma',
      'synchronous=0',
    );
  }
  return args;
}

/** `KEYWORD_LIST` → `KeywordList`: the command line spells types otherwise than the SDK does. */
function commandLineType(type: string): string {
  const words = type.toLowerCase().split('_');
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}
