import type { HandlerRegistry } from './handlers/handler.registry.js';
import { SyncConfigError } from './sync.errors.js';
import type { ResolvedSource } from './sync.source.options.js';

/**
 * That each resource which is to be reconciled by itself has someone who would be told of it.
 * @throws SyncConfigError `SYNC_INVALID_OPTION`
 */
export function checkReconciled(
  sources: Readonly<Record<string, ResolvedSource>>,
  registry: HandlerRegistry,
): void {
  for (const [source, { reconcile }] of Object.entries(sources)) {
    const resources = reconcile.flatMap((policy) => policy.resources ?? []);
    const idle = resources.find((resource) => registry.changeHandlers(source, resource).length === 0);
    if (idle === undefined) continue;
    throw new SyncConfigError(
      'SYNC_INVALID_OPTION',
      `${source}: reconcile.resources has '${idle}', and there is no change handler or mirror that would be told of it: ` +
        'leave it out, or add one',
    );
  }
}
