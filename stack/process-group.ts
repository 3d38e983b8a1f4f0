/** Sends a signal to a whole process group; true if somebody was there to get it. */
export function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  return kill(pid, signal);
}

/** True while any process of the group is there. */
export function isGroupAlive(pid: number): boolean {
  return kill(pid, 0);
}

function kill(pid: number, signal: NodeJS.Signals | 0): boolean {
  // Group 0 would be our own, and -1 everybody.
  if (!Number.isInteger(pid) || pid <= 1) return false;
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
}
