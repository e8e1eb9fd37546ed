/**
 * How changes of a resource become known:
 * - `webhook` by deliveries alone;
 * - `poll` by the provider's log of changes alone: deliveries about it are acknowledged, and not stored;
 * - `hybrid` by both, each once.
 */
export type SyncMode = 'webhook' | 'poll' | 'hybrid';

/** One for all resources, or by resource; `'*'` stands for those that are not named, and is `hybrid` if missing. */
export type SyncModes = SyncMode | Readonly<Record<string, SyncMode>>;

export const SYNC_MODES: readonly SyncMode[] = ['webhook', 'poll', 'hybrid'];

export function modeOf(modes: SyncModes, resource: string): SyncMode {
  if (typeof modes === 'string') return modes;
  if (Object.hasOwn(modes, resource)) return modes[resource]!;
  return modes['*'] ?? 'hybrid';
}

/** Every mode that some resource may be in. */
export function modesIn(modes: SyncModes): ReadonlySet<SyncMode> {
  return new Set(typeof modes === 'string' ? [modes] : [modes['*'] ?? 'hybrid', ...Object.values(modes)]);
}

export function takesDeliveries(modes: SyncModes): boolean {
  return [...modesIn(modes)].some((mode) => mode !== 'poll');
}

export function isPolled(modes: SyncModes): boolean {
  return [...modesIn(modes)].some((mode) => mode !== 'webhook');
}
