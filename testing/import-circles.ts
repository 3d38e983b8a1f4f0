import type { SourceFile } from './source-files.ts';

/** Groups of files that import each other, directly or through others; types count, too. */
export function importCircles(files: readonly SourceFile[]): readonly (readonly string[])[] {
  const imports = new Map(files.map((file) => [file.path, file.imports.map((one) => one.module)]));
  const reach = new Map([...imports.keys()].map((path) => [path, reachable(path, imports)]));
  const circles = new Map<string, readonly string[]>();
  for (const [path, below] of reach) {
    if (!below.has(path)) continue;
    const circle = [...below].filter((other) => reach.get(other)?.has(path)).toSorted();
    circles.set(circle.join(), circle);
  }
  return [...circles.values()];
}

function reachable(from: string, imports: ReadonlyMap<string, readonly string[]>): Set<string> {
  const found = new Set<string>();
  const waiting = [...(imports.get(from) ?? [])];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const below = imports.get(next);
    if (below === undefined || found.has(next)) continue;
    found.add(next);
    waiting.push(...below);
  }
  return found;
}
