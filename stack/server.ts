import { AppError } from '../lib/errors.ts';
import { freePorts } from './free-port.ts';
import type { Keeper, ProcessSpec, RunningProcess } from './process.ts';
import { waitUntilReady } from './readiness.ts';

const MAX_STARTS = 3;

/** What every part of the stack needs of its surroundings. */
export type PartContext = {
  readonly keeper: Keeper;
  /** Where the part may write; exists. */
  readonly directory: string;
  /** Called once if the part ends without having been asked to, after it had become ready. */
  readonly onFailure: (error: AppError) => void;
};

export type ServerSpec = {
  readonly portCount: number;
  readonly process: (ports: readonly number[]) => ProcessSpec;
  /** Throws while the server is not ready. */
  readonly probe: (ports: readonly number[]) => Promise<void>;
  readonly readyTimeoutMs: number;
};

/** A part that can be taken away for a while, as crashes do; it comes back at the same address, with its data. */
export type Crashing = {
  crash(): Promise<void>;
  /** After a crash; returns when the part answers. */
  recover(): Promise<void>;
};

export type Server = Crashing & { readonly ports: readonly number[]; stop(): Promise<void> };

/** Starts a server on free ports and waits until it answers; begins anew with other ports if somebody was faster. */
export async function startServer(
  context: Pick<PartContext, 'keeper' | 'onFailure'>,
  spec: ServerSpec,
): Promise<Server> {
  for (let start = 1; ; start++) {
    const ports = await freePorts(spec.portCount);
    try {
      let running = await startOn(ports, context, spec);
      return {
        ports,
        stop: () => running.stop(),
        crash: () => running.crash(),
        recover: async () => {
          running = await startOn(ports, context, spec);
        },
      };
    } catch (error) {
      if (start < MAX_STARTS && isPortClash(error)) continue;
      throw error;
    }
  }
}

async function startOn(
  ports: readonly number[],
  context: Pick<PartContext, 'keeper' | 'onFailure'>,
  spec: ServerSpec,
): Promise<RunningProcess> {
  const running = context.keeper.start(spec.process(ports));
  try {
    await waitUntilReady(running, () => spec.probe(ports), spec.readyTimeoutMs);
  } catch (error) {
    await running.stop();
    throw error;
  }
  void running.ended.then((failure) => failure && context.onFailure(failure));
  return running;
}

function isPortClash(error: unknown): boolean {
  return error instanceof AppError && /address already in use/i.test(error.message);
}

/** The n-th of the ports that `startServer` chose. */
export function portAt(ports: readonly number[], index: number): number {
  const port = ports[index];
  if (port === undefined)
    throw new AppError('INTERNAL', `port ${index} of ${ports.length} was asked for`);
  return port;
}
