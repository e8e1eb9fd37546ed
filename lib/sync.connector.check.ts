import type { Connector } from './model/connector.js';
import { aFunction, anArray, aText, aWholeNumber, type OptionKinds } from './model/option-kinds.js';

/** What every connector has; the rest switches on what needs it. */
export const CONNECTOR_KINDS = {
  provider: aText(64),
  connections: anArray,
  fingerprintRevision: aWholeNumber(0),
  problems: aFunction,
  verify: aFunction,
  parse: aFunction,
  fetchable: aFunction,
  fetch: aFunction,
  fingerprint: aFunction,
} satisfies OptionKinds<Members>;

type Members = {
  [Name in keyof Connector as undefined extends Connector[Name] ? never : Name]: Connector[Name];
};
