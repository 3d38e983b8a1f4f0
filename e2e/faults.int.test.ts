import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CrashStage, openCrashStage } from '../testing/crash-stage.ts';
import { type Blow, HUB_FAULTS, playFault } from '../testing/fault-case.ts';
import {
  ALL_SCENARIOS,
  drawn,
  type FaultCase,
  fullProduct,
  RESTARTS,
} from '../testing/fault-cases.ts';
import { type OwnServers, RESTARTED, startOwnServers } from '../testing/own-servers.ts';
import { seedOfCode } from '../testing/seed-of-code.ts';

// Servers fail at a point of an activity; whatever fails, everything ends as without it, each effect is there once, and what was done
// is on record. Killed workers are in `crash.int.test.ts`.

const DRAWN_BY = ['activities', 'workflows'];
const SEED = Number(process.env['REALIGN_FAULT_SEED'] ?? seedOfCode(DRAWN_BY));
const isFull = process.env['REALIGN_FAULTS'] === 'all';
const cases = isFull ? fullProduct() : drawn(SEED);
const [ofServers, ofHub] = [cases.filter(isRestart), cases.filter((one) => !isRestart(one))];
const TIMEOUT_MS = 180_000;

let servers: OwnServers;
let stage: CrashStage;

beforeAll(async () => {
  if (!isFull) console.log(`REALIGN_FAULT_SEED=${SEED}`);
  servers = await startOwnServers();
  stage = await openCrashStage(servers);
}, 120_000);

afterAll(async () => {
  await stage?.close();
  await servers?.stop();
}, 60_000);

const TITLE = '$fault $at $activity, $scenario';

describe('ConfigHub', { concurrent: true }, () => {
  test.for(ofHub)(TITLE, { timeout: TIMEOUT_MS }, (one) => endsWell(one));
});

describe('a server', () => {
  test.for(ofServers)(TITLE, { timeout: TIMEOUT_MS }, (one) => endsWell(one));
});

async function endsWell(one: FaultCase): Promise<void> {
  const scenario = ALL_SCENARIOS[one.scenario];
  const fault = { ...one, nth: 1, blow: blowOf(one) };
  const report = await playFault(stage, scenario, fault, `fault-${cases.indexOf(one)}`);
  expect(report).toEqual({ ending: scenario.ending, met: true });
}

function blowOf({ fault }: FaultCase): Blow {
  const server = RESTARTED.find((name) => RESTARTS[name] === fault);
  if (server) return { restarts: servers.crashing[server] };
  return { answers: HUB_FAULTS[fault as keyof typeof HUB_FAULTS] };
}

function isRestart({ fault }: FaultCase): boolean {
  return !(fault in HUB_FAULTS);
}
