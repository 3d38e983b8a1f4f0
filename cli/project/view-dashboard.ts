import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Config } from '../../lib/config.ts';
import { AppError } from '../../lib/errors.ts';
import { renderTable } from '../output.ts';

/** What opens a page in the person's browser, by platform. */
const OPENERS: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  darwin: 'open',
  linux: 'xdg-open',
};

/** Where people look at Realign, at the workflows and at what is declared. */
export function placesOf(
  { temporal, confighub }: Pick<Config, 'temporal' | 'confighub'>,
  apiUrl: string,
): readonly { readonly name: string; readonly url: string }[] {
  return [
    { name: 'Realign', url: apiUrl },
    { name: 'Temporal', url: temporal.uiUrl },
    { name: 'ConfigHub', url: new URL(confighub.url).origin },
  ];
}

export function renderPlaces(places: ReturnType<typeof placesOf>): string {
  return renderTable(places, [
    { title: 'WHAT', value: (place) => place.name },
    { title: 'URL', value: (place) => place.url },
  ]);
}

/** Opens a page in the browser. SETUP_FAILED where there is nothing to open it with. */
export async function openPage(url: string): Promise<void> {
  const opener = OPENERS[process.platform];
  const failed = (cause?: unknown) =>
    new AppError('SETUP_FAILED', `no browser could be started here: open ${url} yourself`, {
      cause,
    });
  if (opener === undefined) throw failed();
  const child = spawn(opener, [url], { stdio: 'ignore', detached: true });
  try {
    await once(child, 'spawn');
  } catch (error) {
    throw failed(error);
  }
  child.unref();
}
