import type { SyncSource } from '../sync.source.options.js';
import { SyncConfigError } from '../sync.errors.js';
import { shown } from '../model/option-problem.js';
import type { SourceSelector } from './handler.options.js';

/**
 * The name of the source that a handler means.
 * @throws SyncConfigError `SYNC_UNKNOWN_SOURCE`, `SYNC_AMBIGUOUS_SOURCE`, `SYNC_INVALID_OPTION`
 */
export function resolveSource(
  selector: SourceSelector,
  sources: Record<string, SyncSource>,
  label: string,
): string {
  const known = Object.keys(sources);
  if (
    typeof selector !== 'string' &&
    typeof (selector as { provider?: unknown } | undefined)?.provider !== 'string'
  )
    throw new SyncConfigError(
      'SYNC_INVALID_OPTION',
      `${label}: the source must be the name of one, or { provider }, and is ${shown(selector)}. ` +
        `SyncModule.forRoot({ sources }) has: ${listed(known)}.`,
    );
  const name = typeof selector === 'string' ? selector : selector.source;
  if (name !== undefined) {
    assertSource(name, sources, `${label} listens to`);
    return name;
  }

  const { provider } = selector as { provider: string };
  const fitting = known.filter((source) => sources[source]!.connector.provider === provider);
  if (fitting.length === 1) return fitting[0]!;
  if (fitting.length === 0) {
    throw new SyncConfigError(
      'SYNC_UNKNOWN_SOURCE',
      `${label} listens to ${provider}, but no source in SyncModule.forRoot() or a forFeature() has that connector. ` +
        `Add one: { sources: { ${provider}: ${provider}({ ... }) } }.`,
    );
  }
  throw new SyncConfigError(
    'SYNC_AMBIGUOUS_SOURCE',
    `${label} listens to ${provider}, and there are ${fitting.length} such sources: ${listed(fitting)}. ` +
      `Say which in its options: { source: '${fitting[0]}' }.`,
  );
}

/**
 * @param does what a source is wanted for: `Crm.save listens to`
 * @throws SyncConfigError `SYNC_UNKNOWN_SOURCE`
 */
export function assertSource(
  name: string,
  sources: Readonly<Record<string, SyncSource>>,
  does: string,
): void {
  const known = Object.keys(sources);
  if (known.includes(name)) return;
  throw new SyncConfigError(
    'SYNC_UNKNOWN_SOURCE',
    `${does} the source '${name}', which neither SyncModule.forRoot({ sources }) nor a forFeature() has. ` +
      `There are: ${listed(known)}. Correct the name or add the source.`,
  );
}

function listed(names: string[]): string {
  return names.length ? names.map((name) => `'${name}'`).join(', ') : 'none';
}
