import type { Type } from '@nestjs/common';
import type { Connector } from '../../model/connector.js';
import type { ResolvedSource } from '../../sync.source.options.js';

/** A fake has no limit to keep, and a test no time to wait for one. */
export const CALLS_PER_SECOND = 10_000;

/** Of which sources there are fakes, and how one is started. */
interface Kind<Fake> {
  readonly provider: string;
  readonly connector: Type<Connector>;
  /** The option that tests give their own by. */
  readonly option: string;
  start(seed: number): Promise<Fake>;
}

/**
 * A fake for each source of a kind: the given ones, and new ones for the rest.
 * @throws TypeError for a name that is no such source
 */
export async function standIns<Fake>(
  kind: Kind<Fake>,
  sources: Readonly<Record<string, ResolvedSource>>,
  given: Readonly<Record<string, Fake>>,
  firstSeed: number,
): Promise<Readonly<Record<string, Fake>>> {
  const names = Object.keys(sources).filter((name) => sources[name]!.connector instanceof kind.connector);
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue;
    const known = names.map((other) => `'${other}'`).join(', ') || 'none';
    throw new TypeError(
      `${kind.option}: the application has no ${kind.provider} source '${name}' (it has: ${known})`,
    );
  }
  const fakes: Record<string, Fake> = { ...given };
  // Two fakes of one seed make the same ids.
  for (const [place, name] of names.entries()) fakes[name] ??= await kind.start(firstSeed + place);
  return fakes;
}
