export { salesforce } from './salesforce.source.js';
export type {
  OutboundMessageOptions,
  SalesforceLogin,
  SalesforceObjectOptions,
  SalesforceOptions,
} from './salesforce.options.js';
export {
  salesforceObject,
  type SalesforceFieldValues,
  type SalesforceObjectTargetOptions,
} from './salesforce.object.js';
export { OnSalesforceChange, type OnSalesforceChangeOptions } from './on-salesforce-change.decorator.js';
