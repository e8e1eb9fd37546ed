import { anArray, oneOf, type OptionKind, type OptionKinds } from './model/option-kinds.js';
import { optionProblem } from './model/option-problem.js';
import { WEBHOOK_DEFAULTS, type WebhookOptions } from './sync.options.js';
import { defined } from './sync.source.options.js';

/** Under which Nest keeps it. */
const CONTROLLER_PATH = 'path';

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
  takes: 'an array of class decorators, such as [Public()], called as where they are written with an @',
  fits: (value) => anArray.fits(value) && (value as unknown[]).every(isClassDecorator),
};

/** Tried on a class of no use: one that has yet to be called makes another function, and `@Controller()` would move the door. */
function isClassDecorator(item: unknown): boolean {
  if (typeof item !== 'function') return false;
  class Tried {}
  try {
    const made = (item as (target: typeof Tried) => unknown)(Tried);
    const isSame = made === undefined || made === Tried || isSubclass(made, Tried);
    return isSame && !Reflect.hasMetadata(CONTROLLER_PATH, Tried);
  } catch {
    return false;
  }
}

/** Some decorators put a class around theirs. */
function isSubclass(made: unknown, of: new () => object): boolean {
  return typeof made === 'function' && made.prototype instanceof of;
}

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
