import { once } from 'node:events';
import { startWorker } from '../workers/worker.ts';
import type { CrashReport } from './crash-report.ts';
import type { Scenario } from './crash-scenarios.ts';
import { type CrashStage, endProcess } from './crash-stage.ts';
import type { FaultPlan } from './faulty-worker.ts';
import { playScenario } from './played-scenario.ts';

/** The first processes of a file load everything uncompiled, ten at once: on a busy machine that alone takes minutes. */
const DEATH_TIMEOUT_MS = 240_000;

/** Plays a scenario with a worker that is killed at the fault and another one that takes over; tells how it ended. */
export async function playCrash(
  stage: CrashStage,
  scenario: Scenario,
  fault: Pick<FaultPlan, 'activity' | 'at' | 'nth'>,
  name: string,
): Promise<CrashReport> {
  const { parts, startFaulty } = await stage.lane(name, scenario.residue, scenario.sections);
  const child = startFaulty(fault);
  const died = once(child, 'exit', { signal: AbortSignal.timeout(DEATH_TIMEOUT_MS) });
  died.catch(() => {});
  try {
    const played = await playScenario(stage, parts, scenario, name);
    const [, signal] = await died;
    if (signal !== 'SIGKILL') throw new Error(`the worker ended by ${signal}`);
    const worker = await startWorker(parts, { codePath: stage.codePath });
    await played.outcome.finally(worker.stop);
    return await played.report(fault.activity);
  } finally {
    await endProcess(child);
  }
}
