import { anArray, oneOf, type OptionKind, type OptionKinds } from './model/option-kinds.js';
import { optionProblem } from './model/option-problem.js';
import { WEBHOOK_DEFAULTS, type WebhookOptions } from './sync.options.js';
import { defined } from './sync.source.options.js';

/** Plain segments: what a router takes for a pattern, or an URL cannot carry, would never be delivered to. */
const aPath: OptionKind = {
  takes: "a path of letters, digits, '_', '-', '.' and '~', such as 'webhooks' or 'hooks/in'",
  fits: (value) =>
    typeof value === 'string' &&
    value
      .replace(/^\/|\/$/g, '')
      .split('/')
      .every((segment) => /^[\w~.-]+$/.test(segment) && !/^\.+$/.test(segment)),
};

const decorators: OptionKind = {
  takes: 'an array of class decorators, such as [Public()]',
  fits: (value) => anArray.fits(value) && (value as unknown[]).every((item) => typeof item === 'function'),
};

const WEBHOOK_OPTIONS = {
  path: aPath,
  decorators,
  receive: oneOf('controller', 'direct'),
} satisfies OptionKinds<WebhookOptions>;

/** What is wrong with `webhooks`; null: nothing. */
export function webhooksProblem(webhooks: unknown): string | null {
  if (webhooks === undefined || webhooks === false) return null;
  return optionProblem(webhooks, WEBHOOK_OPTIONS) ?? contradiction(webhooks as WebhookOptions);
}

/** They would be passed by without a word. */
function contradiction({ receive, decorators = [] }: WebhookOptions): string | null {
  if (receive !== 'direct' || decorators.length === 0) return null;
  return (
    "decorators have no effect with receive: 'direct', where no guard is asked. Leave them out, or take " +
    "receive: 'controller'"
  );
}

/** With the defaults in place; of what cannot be meant nothing is taken, since the boot will fail. */
export function resolveWebhooks(webhooks: WebhookOptions | false | undefined): Required<WebhookOptions> {
  const usable = webhooks && webhooksProblem(webhooks) === null ? defined(webhooks) : {};
  return { ...WEBHOOK_DEFAULTS, decorators: [], ...usable };
}
