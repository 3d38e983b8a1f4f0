import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { Crashing } from '../stack/server.ts';
import { startWorker } from '../workers/worker.ts';
import type { CrashReport } from './crash-report.ts';
import type { Scenario } from './crash-scenarios.ts';
import type { CrashStage } from './crash-stage.ts';
import { type Fault, type FaultProxy, startFaultProxy, type Verdict } from './fault-proxy.ts';
import { playScenario } from './played-scenario.ts';

export const POINTS = ['before', 'during', 'after'] as const;
export type Point = (typeof POINTS)[number];

/** What an activity asks of ConfigHub: nothing, one thing, several, or to write something too. */
export type HubUse = 'none' | 'read' | 'reads' | 'writes';

/** How ConfigHub fails. Behind a time-out is whatever stands between: it says nothing for a while, then hangs up. */
export const HUB_FAULTS = {
  'ConfigHub answers 500': { kind: 'answer', status: 500, body: '{"Message":"out of order"}' },
  'ConfigHub answers 429': { kind: 'answer', status: 429, headers: { 'retry-after': '1' } },
  'ConfigHub answers 409': { kind: 'answer', status: 409, body: '{"Message":"changed meanwhile"}' },
  'ConfigHub times out': { kind: 'cut', after: 'silence' },
} as const satisfies Readonly<Record<string, Fault>>;

export type FaultPoint = {
  readonly activity: string;
  /** Which execution of that activity, from 1. */
  readonly nth: number;
  readonly at: Point;
  /** What it asks of ConfigHub. */
  readonly hub: HubUse;
};

/** What goes wrong: ConfigHub's answers to one attempt of the activity, or a server that is gone and comes back with its data. */
export type Blow = { readonly answers: Fault } | { readonly restarts: Crashing };

export type FaultReport = Pick<CrashReport, 'ending'> & {
  /** Whether the fault hit something: one answer at least, or a server. */
  readonly met: boolean;
};

/** Plays a scenario with one worker, during which one thing goes wrong at one point of one activity; tells how it ended. */
export async function playFault(
  stage: CrashStage,
  scenario: Scenario,
  { blow, ...point }: FaultPoint & { readonly blow: Blow },
  name: string,
): Promise<FaultReport> {
  const proxy = await startFaultProxy(stage.hubUrl);
  const lane = await stage.lane(name, scenario.residue, scenario.sections);
  const parts = await lane.connect(proxy.url);
  let met = false;
  const note = () => {
    met = true;
  };
  const strike =
    'answers' in blow
      ? answering(proxy, blow.answers, note)
      : restarting(proxy, blow.restarts, note);
  const worker = await startWorker(parts, { codePath: stage.codePath }, [atPoint(point, strike)]);
  try {
    const played = await playScenario(stage, lane.parts, scenario, name);
    await played.outcome.finally(worker.stop);
    const { ending } = await played.report(point.activity);
    return { ending, met };
  } finally {
    await worker.stop();
    await parts.close();
    await proxy.close();
  }
}

/** Runs the attempt, with the fault at its point. */
type Strike = (point: FaultPoint, work: () => Promise<unknown>) => Promise<unknown>;

/** Counts the executions of the activity and strikes at the one that is meant. */
function atPoint(point: FaultPoint, strike: Strike): ActivityInterceptorsFactory {
  let seen = 0;
  return ({ info }) => ({
    inbound: {
      async execute(input, next) {
        if (info.activityType !== point.activity) return next(input);
        seen += 1;
        return seen === point.nth ? strike(point, () => next(input)) : next(input);
      },
    },
  });
}

/**
 * Before: ConfigHub refuses whatever is asked. During: it answers reads but refuses writes; where the activity only reads, it answers
 * the first time. After: it does what it is asked to, and its answers are lost.
 */
function answering(proxy: FaultProxy, fault: Fault, note: () => void): Strike {
  const struck = (done: boolean): Verdict => {
    note();
    return { fault, done };
  };
  return async ({ at, hub }, work) => {
    let requests = 0;
    proxy.judge(async (method) => {
      requests += 1;
      const isAnswered = hub === 'writes' ? method === 'GET' : requests === 1;
      if (at === 'during' && isAnswered) return 'pass';
      return struck(at === 'after');
    });
    try {
      return await work();
    } finally {
      proxy.judge(undefined);
    }
  };
}

/**
 * Before and after: the server is there again, all connections are lost. During: it falls when the activity begins, or with its
 * first write to ConfigHub on the way, and starts again while the activity goes on.
 */
function restarting(proxy: FaultProxy, server: Crashing, note: () => void): Strike {
  return async ({ at, hub }, work) => {
    const restart = { back: Promise.resolve() };
    const fall = async () => {
      note();
      await server.crash();
      restart.back = server.recover();
    };
    if (at === 'after') {
      const result = await work();
      await fall();
      await restart.back;
      return result;
    }
    if (at === 'during' && hub === 'writes') {
      proxy.judge(async (method) => {
        if (method === 'GET') return 'pass';
        proxy.judge(undefined);
        await fall();
        return 'pass';
      });
    } else {
      await fall();
    }
    if (at === 'before') await restart.back;
    try {
      return await work();
    } finally {
      proxy.judge(undefined);
      await restart.back;
    }
  };
}
