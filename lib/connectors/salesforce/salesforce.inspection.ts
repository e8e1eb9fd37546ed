import type { ConnectorProblem, FetchOptions } from '../../model/connector.js';
import { unknownName } from '../../model/option-problem.js';
import type { DescribedObject, SalesforceClient } from './salesforce.client.js';
import { SalesforceError, SalesforceLoginError } from './salesforce.failure.js';
import type { SalesforceObjectOptions } from './salesforce.options.js';

/**
 * Whether an org lets one in, and has the objects, fields and platform events that are named.
 * @throws ProviderError where it does not answer
 */
export async function inspectOrg(
  client: SalesforceClient,
  connection: string,
  objects: Readonly<Record<string, SalesforceObjectOptions>>,
  platformEvents: readonly string[],
  options: FetchOptions,
): Promise<ConnectorProblem[]> {
  try {
    const found = [];
    for (const [object, { fields = [] }] of Object.entries(objects))
      found.push(
        fieldsProblem(await client.describe(object, options), object, fields) ??
          (await parentFieldsProblem(client, object, fields, options)),
      );
    for (const event of platformEvents)
      found.push(fieldsProblem(await client.describe(event, options), event, []));
    return found.filter((message) => message !== null).map((message) => invalid(`${connection}: ${message}`));
  } catch (error) {
    if (!(error instanceof SalesforceLoginError) || !error.isRefusal) throw error;
    return [invalid(`${connection}: ${error.message}. Correct the login, or what the org allows it.`)];
  }
}

/**
 * What is wrong with an external id field that rows are to be known by; `null`: nothing.
 * @param described the object, if the org has it
 */
export function externalIdProblem(
  described: DescribedObject | null,
  object: string,
  externalId: string,
): string | null {
  if (!described) return noSuchObject(object);
  const field = described.fields.find(({ name }) => name === externalId);
  if (!field) return noSuchField(object, externalId, described.fields);
  if (NUMBERS.has(field.type))
    return `${object}.${externalId} is of numbers, and ids of rows are texts: use an external id of type Text`;
  return field.externalId
    ? null
    : `${object}.${externalId} is no external id: mark it as one in the field's settings, unique and case-sensitive`;
}

const NUMBERS: ReadonlySet<string> = new Set(['int', 'long', 'double', 'currency', 'percent']);

/** Of what parents have, a description says nothing: the org is asked for it. */
async function parentFieldsProblem(
  client: SalesforceClient,
  object: string,
  fields: readonly string[],
  options: FetchOptions,
): Promise<string | null> {
  const ofParents = fields.filter((field) => field.includes('.'));
  if (ofParents.length === 0) return null;
  try {
    await client.query(
      `SELECT ${ofParents.join(', ')} FROM ${object} LIMIT 1`,
      false,
      `query ${object}`,
      options,
    );
    return null;
  } catch (error) {
    if (!(error instanceof SalesforceError) || error.answer !== 'INVALID_FIELD') throw error;
    return `the org has not all of these fields of parents of ${object}: ${ofParents.join(', ')}`;
  }
}

/** The first of some fields that an object has not; `null`: it has them all. */
export function fieldsProblem(
  described: DescribedObject | null,
  object: string,
  fields: readonly string[],
): string | null {
  if (!described) return noSuchObject(object);
  // Events name it as the org does: handlers of another spelling would hear of nothing.
  if (described.name !== object)
    return `the org has no object '${object}'. Did you mean '${described.name}'?`;
  const own = fields.filter((field) => !field.includes('.'));
  const lost = own.find((field) => !described.fields.some(({ name }) => name === field));
  return lost === undefined ? null : noSuchField(object, lost, described.fields);
}

function noSuchObject(object: string): string {
  return `the org has no object '${object}', or shows it not to this user`;
}

function noSuchField(object: string, field: string, fields: readonly { readonly name: string }[]): string {
  const known = fields.map(({ name }) => name);
  return unknownName(`the org has no such field of ${object}`, { [field]: true }, known)!;
}

function invalid(message: string): ConnectorProblem {
  return { code: 'SYNC_INVALID_OPTION', message };
}
