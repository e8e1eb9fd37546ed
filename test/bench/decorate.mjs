/**
 * Decorators without a compiler: `decorate(Class, [Controller()], { receive: { with: [Post()], parameters: [Req()] } })`.
 * Parameters of the constructor under its own name.
 */
export function decorate(Class, decorators, methods = {}) {
  for (const [name, { with: own = [], parameters = [] }] of Object.entries(methods)) {
    const [target, key] = name === 'constructor' ? [Class, undefined] : [Class.prototype, name];
    parameters.forEach((decorator, index) => decorator(target, key, index));
    const descriptor = Object.getOwnPropertyDescriptor(Class.prototype, name);
    for (const decorator of own) decorator(Class.prototype, name, descriptor);
  }
  for (const decorator of decorators) decorator(Class);
  return Class;
}
