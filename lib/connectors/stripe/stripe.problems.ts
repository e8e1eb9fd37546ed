import type { ConnectorProblem } from '../../model/connector.js';
import { isRecord } from '../../model/option-kinds.js';
import { unknownOption } from '../../model/option-problem.js';
import { DEFAULT_CONNECTION } from '../../model/record.js';
import {
  isBlank,
  STRIPE_CONNECTION_OPTION_NAMES,
  usableSecrets,
  type StripeConnectorOptions,
} from './stripe.options.js';

/** What is wrong with the options, for a person at boot. Quotes no secret. */
export function optionProblems(options: StripeConnectorOptions): ConnectorProblem[] {
  return [
    ...keyProblems(options.apiKey, 'apiKey'),
    ...secretProblems(options.webhookSecrets, 'webhookSecrets'),
    ...connectionsProblems(options.connections),
    ...addressProblems(options),
  ];
}

function keyProblems(apiKey: unknown, option: string): ConnectorProblem[] {
  if (apiKey != null && typeof apiKey !== 'string') return [invalid(`${option} must be a string.`)];
  if (isBlank(apiKey)) {
    return [
      problem(
        'SYNC_MISSING_API_KEY',
        `${option} is missing. Set it to a secret or restricted key (sk_... or rk_...).`,
      ),
    ];
  }
  const key = apiKey as string;
  if (/\s/.test(key))
    return [invalid(`${option} contains white space. Copy the key again, without a line break.`)];
  if (/^(whsec|pk)_/.test(key)) {
    return [
      invalid(
        `${option} is a signing secret or a publishable key. It takes a secret key (sk_... or rk_...).`,
      ),
    ];
  }
  return [];
}

function secretProblems(secrets: unknown, option: string): ConnectorProblem[] {
  if (secrets !== undefined && !Array.isArray(secrets))
    return [invalid(`${option} must be an array of strings.`)];
  const usable = usableSecrets(secrets);
  if (usable.length === 0) {
    return [
      problem(
        'SYNC_MISSING_SECRET',
        `${option} is empty. Set it to the endpoint's signing secret (whsec_...), from the Stripe Dashboard or 'stripe listen'.`,
      ),
    ];
  }
  if (usable.some((secret) => /\s/.test(secret))) {
    return [invalid(`${option} has a secret with white space in it. Copy it again, without a line break.`)];
  }
  if (usable.some((secret) => /^(sk|rk|pk)_/.test(secret))) {
    return [invalid(`${option} has an API key in it. It takes the endpoint's signing secret (whsec_...).`)];
  }
  return [];
}

function connectionsProblems(connections: unknown): ConnectorProblem[] {
  if (connections === undefined) return [];
  if (!isRecord(connections))
    return [invalid("connections must be an object: { 'acct_...': {}, eu: { apiKey, webhookSecrets } }.")];
  return Object.entries(connections).flatMap(([name, connection]) =>
    // What a variable that is not set leaves there.
    connectionProblems(name, connection ?? {}),
  );
}

function connectionProblems(name: string, connection: unknown): ConnectorProblem[] {
  const option = `connections['${name}']`;
  if (name === DEFAULT_CONNECTION) {
    return [
      invalid(
        `${option} is the main account's own name. Put its key and secrets into apiKey and webhookSecrets.`,
      ),
    ];
  }
  if (!isRecord(connection)) return [invalid(`${option} must be an object: { apiKey, webhookSecrets }.`)];
  const unknown = unknownOption(connection, Object.keys(STRIPE_CONNECTION_OPTION_NAMES));
  if (unknown) return [invalid(`${option}: ${unknown}`)];
  const { apiKey, webhookSecrets } = connection;
  return [
    ...connectionKeyProblems(name, apiKey),
    ...(webhookSecrets === undefined ? [] : secretProblems(webhookSecrets, `${option}.webhookSecrets`)),
  ];
}

function connectionKeyProblems(name: string, apiKey: unknown): ConnectorProblem[] {
  const option = `connections['${name}'].apiKey`;
  if (!isBlank(apiKey)) return keyProblems(apiKey, option);
  if (name.startsWith('acct_')) return [];
  return [
    problem(
      'SYNC_MISSING_API_KEY',
      `${option} is missing. Set it, or name the connection by its Connect account (acct_...) to use the platform's key.`,
    ),
  ];
}

function addressProblems(options: StripeConnectorOptions): ConnectorProblem[] {
  const { toleranceSeconds, host, port, protocol, httpAgent, apiVersion } = options;
  const found: ConnectorProblem[] = [];
  if (toleranceSeconds !== undefined && !(Number.isFinite(toleranceSeconds) && toleranceSeconds > 0)) {
    found.push(invalid('toleranceSeconds must be a number above 0. The default is 300.'));
  }
  if (host !== undefined && !(typeof host === 'string' && /^[\w.-]+$|^\[?[\da-f:.]+\]?$/i.test(host))) {
    found.push(
      invalid("host must be a name without protocol, port or path. The default is 'api.stripe.com'."),
    );
  }
  if (port !== undefined && !(Number.isInteger(Number(port)) && Number(port) > 0 && Number(port) < 65_536)) {
    found.push(invalid('port must be a whole number from 1 to 65535.'));
  }
  if (protocol !== undefined && protocol !== 'https' && protocol !== 'http') {
    found.push(invalid("protocol must be 'https' or 'http'."));
  }
  if (
    httpAgent !== undefined &&
    typeof (httpAgent as { addRequest?: unknown } | null)?.addRequest !== 'function'
  )
    found.push(invalid('httpAgent must be an Agent of node:https or node:http, or made like one.'));
  if (apiVersion !== undefined && !(typeof apiVersion === 'string' && /^\d{4}-\d\d-\d\d/.test(apiVersion)))
    found.push(invalid("apiVersion must be a version of Stripe's, such as '2025-03-31.basil'."));
  return found;
}

function invalid(message: string): ConnectorProblem {
  return problem('SYNC_INVALID_OPTION', message);
}

function problem(code: ConnectorProblem['code'], message: string): ConnectorProblem {
  return { code, message };
}
