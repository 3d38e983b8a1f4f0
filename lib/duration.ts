const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const PART = /(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)/y;

/** Milliseconds of `500ms`, `1s`, `15m`, `24h`, `7d` or a sum such as `1h30m`; undefined when the text is none of these. */
export function parseDurationMs(text: string): number | undefined {
  let totalMs = 0;
  let end = 0;
  PART.lastIndex = 0;
  for (let part = PART.exec(text); part; part = PART.exec(text)) {
    totalMs += Number(part[1]) * (UNIT_MS[part[2] ?? ''] ?? Number.NaN);
    end = PART.lastIndex;
  }
  return end > 0 && end === text.length && Number.isSafeInteger(totalMs) ? totalMs : undefined;
}

/** The shortest text of whole units that `parseDurationMs` reads back: `90000` → `1m30s`. */
export function formatDuration(durationMs: number): string {
  if (durationMs <= 0) return '0s';
  let rest = Math.round(durationMs);
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const sizeMs = UNIT_MS[unit] ?? 1;
    const count = Math.floor(rest / sizeMs);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * sizeMs;
  }
  return text;
}
