import { Inject, Injectable } from '@nestjs/common';
import { HandlerRegistry } from '../../handlers/handler.registry.js';
import type { Connector } from '../../model/connector.js';
import type { ListedResource } from '../../model/listing.js';
import { aDate, anArray, aText, type OptionKind, type OptionKinds } from '../../model/option-kinds.js';
import { optionProblem } from '../../model/option-problem.js';
import { DEFAULT_CONNECTION, type ConnectionKey } from '../../model/record.js';
import { ResolvedSyncOptions } from '../../sync.options.js';

/** Whose records of which kinds. */
export interface ListingTarget {
  source: string;
  /** @default 'default' */
  connectionId?: string;
  /** @default those that change handlers and mirrors are for, and that can be listed */
  resources?: readonly string[];
}

const someNames: OptionKind = {
  takes: 'an array of at least one name; leave it out for all',
  fits: (value) =>
    anArray.fits(value) &&
    (value as unknown[]).every((name) => aText(64).fits(name)) &&
    (value as unknown[]).length > 0,
};

const KINDS = {
  source: aText(64),
  connectionId: aText(255),
  resources: someNames,
} satisfies OptionKinds<ListingTarget>;

/** Of methods that list what was created within a time. */
export const PERIOD_KINDS = { from: aDate, to: aDate };

const HANDLER_TARGET_KINDS = { handler: aText(255), connectionId: aText(255), ...PERIOD_KINDS };

/** Finds out what is to be listed. */
@Injectable()
export class ListingTargets {
  constructor(
    private readonly registry: HandlerRegistry,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /**
   * What a method was given.
   * @param method as messages name it
   * @param more options that it takes beside those that name what it is about
   * @throws RangeError for what cannot be meant
   */
  checked<Options extends ListingTarget>(
    method: string,
    options: Options,
    more: Readonly<Record<string, OptionKind>>,
  ): Options {
    const problem = optionProblem(options, { ...KINDS, ...more });
    if (problem) throw wrong(method, problem);
    if (options.source === undefined) throw wrong(method, 'source is missing');
    return options;
  }

  /** What is to be listed. @throws RangeError for what cannot be meant */
  listing(
    method: string,
    target: ListingTarget & { from?: Date; to?: Date },
  ): { connection: ConnectionKey; resources: ListedResource[] } {
    const { source, connectionId = DEFAULT_CONNECTION, from, to } = target;
    if (from && to && from >= to) throw wrong(method, `from, ${shown(from)}, is not before to, ${shown(to)}`);
    const { connector } = this.sourceOf(method, source);
    if (!connector.list || !connector.listable)
      throw wrong(
        method,
        `'${source}' cannot be listed: ${connector.provider} has no listings that the connector knows`,
      );
    assertConnection(method, source, connectionId, connector);
    return {
      connection: { source, connectionId },
      resources: this.resources(method, target, connector.listable),
    };
  }

  /** Whose log is to be read. @throws RangeError for what cannot be meant */
  log(
    method: string,
    { source, connectionId = DEFAULT_CONNECTION, resources }: ListingTarget,
  ): { connection: ConnectionKey; resources?: readonly string[] } {
    const { connector } = this.sourceOf(method, source);
    if (!connector.changes)
      throw wrong(method, `depth is 'log', and ${connector.provider} has no log of changes: leave it out`);
    assertConnection(method, source, connectionId, connector);
    const unknown = resources?.find((resource) => !connector.fetchable(resource));
    if (unknown !== undefined)
      throw wrong(method, `'${unknown}' cannot be read from ${connector.provider}: is it misspelt?`);
    return { connection: { source, connectionId }, resources };
  }

  /** What is to be listed for one change handler. @throws RangeError for what cannot be meant */
  ofHandler(
    method: string,
    options: { handler: string; connectionId?: string; from?: Date; to?: Date },
  ): { connection: ConnectionKey; resources: ListedResource[]; handler: string } {
    const problem = optionProblem(options, HANDLER_TARGET_KINDS);
    if (problem) throw wrong(method, problem);
    const { handler: name, ...others } = options;
    const handler = this.registry.named(name);
    if (handler?.kind !== 'change') {
      const known = this.registry.all().filter(({ kind }) => kind === 'change');
      throw wrong(
        method,
        `there is no change handler or mirror '${name}'; there is: ${names(known.map((each) => each.label))}`,
      );
    }
    const { source, resource } = handler;
    return {
      ...this.listing(method, { ...others, source, resources: [resource] }),
      handler: handler.name,
    };
  }

  /** Those of the resources that can be listed and that someone would be told of, parents first. */
  listable(source: string, resources?: readonly string[]): ListedResource[] {
    const { listable = [] } = this.options.sources[source]!.connector;
    return listable.filter(({ resource }) => {
      const isAskedFor = !resources || resources.includes(resource);
      return isAskedFor && this.registry.changeHandlers(source, resource).length > 0;
    });
  }

  private resources(
    method: string,
    { source, resources }: ListingTarget,
    listable: readonly ListedResource[],
  ): ListedResource[] {
    const known = listable.map(({ resource }) => resource);
    const unknown = resources?.find((resource) => !known.includes(resource));
    if (unknown !== undefined)
      throw wrong(method, `'${unknown}' cannot be listed; what can: ${names(known)}`);
    const chosen = this.listable(source, resources);
    const idle = resources?.find((resource) => !chosen.some((each) => each.resource === resource));
    if (idle !== undefined)
      throw wrong(method, `nobody would be told of '${idle}': there is no change handler or mirror for it`);
    if (chosen.length === 0)
      throw wrong(
        method,
        `there is no change handler or mirror of '${source}' for anything that can be listed`,
      );
    return chosen;
  }

  private sourceOf(method: string, source: string) {
    if (Object.hasOwn(this.options.sources, source)) return this.options.sources[source]!;
    throw wrong(
      method,
      `there is no source '${source}'; there is: ${names(Object.keys(this.options.sources))}`,
    );
  }
}

function assertConnection(method: string, source: string, connectionId: string, connector: Connector): void {
  const connections = connector.pollable ?? [DEFAULT_CONNECTION, ...connector.connections];
  if (connections.includes(connectionId)) return;
  throw wrong(
    method,
    `'${source}' has no connection '${connectionId}' of its own; there is: ${names(connections)}`,
  );
}

function wrong(method: string, problem: string): RangeError {
  return new RangeError(`SyncService.${method}(): ${problem}`);
}

function names(all: readonly string[]): string {
  return all.map((name) => `'${name}'`).join(', ') || 'none';
}

function shown(date: Date): string {
  return date.toISOString();
}
