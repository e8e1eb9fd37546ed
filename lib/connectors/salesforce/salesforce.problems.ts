import { createPrivateKey } from 'node:crypto';
import type { ConnectorProblem } from '../../model/connector.js';
import { isRecord } from '../../model/option-kinds.js';
import { shown, unknownOption } from '../../model/option-problem.js';
import { DEFAULT_CONNECTION } from '../../model/record.js';
import type { SalesforceConnectorOptions, SalesforceLogin } from './salesforce.options.js';
import { longIdOf } from './salesforce.record-id.js';

/** What each flow needs, and what it may have beside it. */
const FLOWS: Readonly<Record<SalesforceLogin['flow'], readonly [needed: string[], optional: string[]]>> = {
  token: [['accessToken', 'instanceUrl'], []],
  'client-credentials': [['clientId', 'clientSecret', 'loginUrl'], []],
  jwt: [['clientId', 'username', 'privateKey'], ['loginUrl']],
  'refresh-token': [
    ['clientId', 'refreshToken'],
    ['clientSecret', 'loginUrl'],
  ],
  password: [['clientId', 'clientSecret', 'username', 'password'], ['loginUrl']],
};

/** Of no consequence where nothing is expected by webhook. */
const NO_DELIVERIES: ConnectorProblem = {
  code: 'SYNC_MISSING_SECRET',
  message: 'Salesforce delivers nothing to this source. Set outboundMessages, or leave mode out.',
};

const OBJECT_NAME = /^[A-Za-z]\w*$/;

/** What is wrong with the options, for a person at boot. Quotes no secret. */
export function optionProblems(options: SalesforceConnectorOptions): ConnectorProblem[] {
  const { login, connections = {}, apiVersion, overlapSeconds, bulkAbove } = options;
  const found = [...loginProblems('login', login), ...objectProblems(options.objects)];
  found.push(...messageProblems(options.outboundMessages));
  if (!isRecord(connections)) found.push(invalid('connections must be an object: { eu: { flow: ... } }.'));
  else
    for (const [name, other] of Object.entries(connections))
      found.push(
        ...(name === DEFAULT_CONNECTION
          ? [invalid(`connections['${name}'] is the main org's own name. Put its login into login.`)]
          : loginProblems(`connections['${name}']`, other)),
      );
  if (apiVersion !== undefined && !(typeof apiVersion === 'string' && /^\d{2,3}\.0$/.test(apiVersion)))
    found.push(invalid("apiVersion must be such as '62.0'."));
  found.push(...streamProblems(options));
  if (overlapSeconds !== undefined && !(Number.isFinite(overlapSeconds) && overlapSeconds >= 0))
    found.push(invalid('overlapSeconds must be a number from 0. The default is 300.'));
  if (bulkAbove !== undefined && !(bulkAbove === Infinity || (Number.isInteger(bulkAbove) && bulkAbove >= 0)))
    found.push(invalid('bulkAbove must be a whole number from 0, or Infinity. The default is 20000.'));
  return found;
}

function streamProblems({ objects, ...options }: SalesforceConnectorOptions): ConnectorProblem[] {
  const { changeDataCapture = [], platformEvents = [], clientName } = options;
  const known = Array.isArray(objects) ? (objects as unknown[]) : Object.keys(objects ?? {});
  const found: ConnectorProblem[] = [];
  if (typeof changeDataCapture !== 'boolean' && !Array.isArray(changeDataCapture))
    found.push(invalid("changeDataCapture must be true or false, or an array of objects: ['Account']."));
  const strange = listOf(changeDataCapture).find((object) => !known.includes(object));
  if (strange !== undefined)
    found.push(
      invalid(`changeDataCapture has ${shown(strange)}, which is not one of objects. Add it there.`),
    );
  if (!Array.isArray(platformEvents)) found.push(invalid('platformEvents must be an array of API names.'));
  const wrong = listOf(platformEvents).find(
    (name) => !(typeof name === 'string' && /^[A-Za-z]\w*__e$/.test(name)),
  );
  if (wrong !== undefined)
    found.push(invalid(`platformEvents has ${shown(wrong)}: their API names end in '__e'.`));
  if (clientName !== undefined && !(typeof clientName === 'string' && /^[\w./-]{1,64}$/.test(clientName)))
    found.push(invalid('clientName must be letters, digits, dots, dashes and slashes, at most 64.'));
  return found;
}

function listOf(given: unknown): readonly unknown[] {
  return Array.isArray(given) ? given : [];
}

function messageProblems(given: unknown): ConnectorProblem[] {
  if (given === undefined) return [NO_DELIVERIES];
  if (!isRecord(given)) return [invalid('outboundMessages must be an object: { organizationId, secrets }.')];
  const unknown = unknownOption(given, ['organizationId', 'secrets', 'certificateHeader']);
  if (unknown) return [invalid(`outboundMessages: ${unknown}`)];
  const { organizationId, secrets = [], certificateHeader } = given;
  if (longIdOf(organizationId) === null)
    return [invalid("outboundMessages.organizationId must be the org's id, of 15 or 18 characters.")];
  if (!Array.isArray(secrets) || secrets.some((secret) => typeof secret !== 'string' || secret.length < 16))
    return [invalid('outboundMessages.secrets must be an array of texts of at least 16 characters.')];
  const isHeader = (header: unknown) =>
    isRecord(header) &&
    /^[\w-]+$/.test(String(header.name)) &&
    typeof header.value === 'string' &&
    header.value !== '';
  if (certificateHeader !== undefined && !isHeader(certificateHeader))
    return [invalid('outboundMessages.certificateHeader must be { name, value }.')];
  return secrets.length > 0 || certificateHeader !== undefined
    ? []
    : [
        {
          code: 'SYNC_MISSING_SECRET',
          message:
            'outboundMessages has neither secrets nor a certificateHeader: nobody signs such messages, so one of them must prove who sends.',
        },
      ];
}

function loginProblems(option: string, login: unknown): ConnectorProblem[] {
  const flows = Object.keys(FLOWS)
    .map((flow) => `'${flow}'`)
    .join(', ');
  if (!isRecord(login))
    return [missing(`${option} is missing. Set it to { flow, ... }; flows are ${flows}.`)];
  if (!Object.hasOwn(FLOWS, String(login.flow))) return [invalid(`${option}.flow must be one of ${flows}.`)];
  const [needed, optional] = FLOWS[login.flow as SalesforceLogin['flow']];
  const unknown = unknownOption(login, ['flow', ...needed, ...optional]);
  if (unknown) return [invalid(`${option}: ${unknown}`)];
  const absent = needed.find((name) => typeof login[name] !== 'string' || login[name].trim() === '');
  if (absent)
    return [missing(`${option}.${absent} is missing, which the flow '${String(login.flow)}' needs.`)];
  if (login.flow === 'jwt' && !isPrivateKey(String(login.privateKey)))
    return [
      invalid(
        `${option}.privateKey is no private key. Give its PEM: '-----BEGIN PRIVATE KEY-----...', with its line ends.`,
      ),
    ];
  return ['loginUrl', 'instanceUrl'].flatMap((name) => urlProblems(`${option}.${name}`, login[name]));
}

function isPrivateKey(pem: string): boolean {
  try {
    createPrivateKey(pem);
    return true;
  } catch {
    return false;
  }
}

function urlProblems(option: string, url: unknown): ConnectorProblem[] {
  if (url === undefined) return [];
  if (typeof url !== 'string' || !/^https?:\/\/[^/]+\/?$/.test(url))
    return [invalid(`${option} must be an address without a path: 'https://example.my.salesforce.com'.`)];
  if (/\.lightning\.force\.com/.test(url))
    return [invalid(`${option} is the address of pages. The API's is 'https://<name>.my.salesforce.com'.`)];
  return [];
}

function objectProblems(objects: unknown): ConnectorProblem[] {
  if (!Array.isArray(objects) && !isRecord(objects))
    return [invalid("objects must name what handlers are about: ['Account', 'Contact'].")];
  const names: unknown[] = Array.isArray(objects) ? objects : Object.keys(objects);
  if (names.length === 0)
    return [invalid("objects is empty. It names what handlers are about: ['Account'].")];
  const wrong = names.find((name) => typeof name !== 'string' || !OBJECT_NAME.test(name));
  if (wrong !== undefined)
    return [invalid(`objects has ${shown(wrong)}, which is no API name of an object.`)];
  return Array.isArray(objects)
    ? []
    : Object.entries(objects).flatMap(([name, own]) => fieldProblems(name, own));
}

function fieldProblems(name: string, own: unknown): ConnectorProblem[] {
  if (!isRecord(own))
    return [invalid(`objects.${name} must be an object: { fields: ['Name'] }, or {} for all.`)];
  const unknown = unknownOption(own, ['fields']);
  if (unknown) return [invalid(`objects.${name}: ${unknown}`)];
  const { fields } = own;
  if (fields === undefined) return [];
  if (!Array.isArray(fields)) return [invalid(`objects.${name}.fields must be an array of API names.`)];
  const wrong = fields.find((field) => typeof field !== 'string' || !/^[A-Za-z][\w.]*$/.test(field));
  return wrong === undefined
    ? []
    : [invalid(`objects.${name}.fields has ${shown(wrong)}, which is no API name of a field.`)];
}

function invalid(message: string): ConnectorProblem {
  return { code: 'SYNC_INVALID_OPTION', message };
}

function missing(message: string): ConnectorProblem {
  return { code: 'SYNC_MISSING_API_KEY', message };
}
