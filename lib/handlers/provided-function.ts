import type { Type } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';

type AnyFunction = (...args: any[]) => unknown;

/** A function, or a provider class of the host's with a method of that name: one with dependencies. */
export type Provided<Name extends string, Function_ extends AnyFunction> =
  Function_ | Type<Readonly<Record<Name, Function_>>>;

/** The function that such an option means; of a class, whatever the provider is when it is called. */
export function functionOf<Name extends string, Function_ extends AnyFunction>(
  name: Name,
  option: Provided<Name, Function_>,
  moduleRef: ModuleRef,
): Function_ {
  if (!isProviderClass(name, option)) return option;
  const call = (...args: unknown[]) =>
    moduleRef.get<Record<Name, Function_>>(option, { strict: false })[name](...args);
  return call as Function_;
}

/** What is wrong with such an option, which is a function or a class; null: nothing. */
export function providedProblem(
  name: string,
  option: AnyFunction | Type,
  moduleRef: ModuleRef,
): string | null {
  if (isProviderClass(name, option)) {
    try {
      moduleRef.get(option, { strict: false });
      return null;
    } catch {
      return (
        `${name}: ${option.name} is no provider that every call could share: add it to the providers of a module, in the ` +
        'default scope'
      );
    }
  }
  return /^class\b/.test(Function.prototype.toString.call(option))
    ? `${name}: the class ${option.name} has no method \`${name}\``
    : null;
}

function isProviderClass(name: string, option: unknown): option is Type {
  const { prototype } = option as { prototype?: Record<string, unknown> };
  return typeof prototype?.[name] === 'function';
}
