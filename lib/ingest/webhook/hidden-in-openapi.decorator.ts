/** Where `ApiExcludeController()` of @nestjs/swagger (5 to 12) keeps its argument; the first of the list counts. */
const EXCLUDED = 'swagger/apiExcludeController';

/**
 * Keeps a controller out of the host's OpenAPI document, without a dependency on the package that makes it: what is
 * there for a provider is no part of the host's API. A host's own `ApiExcludeController(false)` goes before this.
 */
export function HiddenInOpenApi(): ClassDecorator {
  return (controller) => {
    if (!Reflect.hasMetadata(EXCLUDED, controller)) Reflect.defineMetadata(EXCLUDED, [true], controller);
  };
}
