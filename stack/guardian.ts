/**
 * A process of its own that outlives its parent by a few seconds: when the pipe on its stdin closes, for whatever reason
 * (even SIGKILL of the parent), it ends the process groups and removes the directories that it was told about.
 * Lines on stdin: `+ PID SIGNAL`, `- PID`, `dir PATH`.
 */
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { isGroupAlive, signalGroup } from './process-group.ts';

const GRACE_MS = 5_000;
const POLL_MS = 50;

const stopSignals = new Map<number, NodeJS.Signals>();
const directories = new Set<string>();

// A guardian that dies of its parent's Ctrl-C guards nothing.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

function obey(line: string): void {
  const [verb, ...rest] = line.split(' ');
  if (verb === '+') stopSignals.set(Number(rest[0]), rest[1] === 'SIGINT' ? 'SIGINT' : 'SIGTERM');
  if (verb === '-') stopSignals.delete(Number(rest[0]));
  if (verb === 'dir') directories.add(rest.join(' '));
}

async function endAll(): Promise<void> {
  for (const [pid, signal] of stopSignals) signalGroup(pid, signal);
  const deadline = Date.now() + GRACE_MS;
  while (Date.now() < deadline && [...stopSignals.keys()].some(isGroupAlive)) await sleep(POLL_MS);
  for (const pid of stopSignals.keys()) signalGroup(pid, 'SIGKILL');
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
}

for await (const line of createInterface({ input: process.stdin })) obey(line);
await endAll();
