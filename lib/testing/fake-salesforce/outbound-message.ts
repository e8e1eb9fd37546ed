import type { StoredRecord } from './stored-record.js';

/** A notification on its way. */
export interface Notification {
  readonly id: string;
  readonly record: StoredRecord;
  /** The fields that the message has, beside the id. */
  readonly fields: readonly string[];
}

/** A message as Salesforce sends it. */
export function messageOf(orgId: string, url: string, notifications: readonly Notification[]): string {
  return (
    '<?xml version="1.0" encoding="UTF-8"?>' +
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" ' +
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>' +
    '<notifications xmlns="http://soap.sforce.com/2005/09/outbound">' +
    `<OrganizationId>${orgId}</OrganizationId><ActionId>04kFk0000000001EAA</ActionId><SessionId xsi:nil="true"/>` +
    `<EnterpriseUrl>${escaped(url)}/services/Soap/c/60.0</EnterpriseUrl><PartnerUrl>${escaped(url)}/services/Soap/u/60.0</PartnerUrl>` +
    notifications.map(notificationXml).join('') +
    '</notifications></soapenv:Body></soapenv:Envelope>'
  );
}

/** Whether an answer says that the message has come. */
export function isAcknowledged(status: number | null, text: string): boolean {
  return status === 200 && /<(\w+:)?Ack>\s*true\s*<\/(\w+:)?Ack>/.test(text);
}

function notificationXml({ id, record, fields }: Notification): string {
  const values = ['Id', ...fields]
    .filter((name) => record.fields[name] != null)
    .map((name) => `<sf:${name}>${escaped(String(record.fields[name]))}</sf:${name}>`);
  return (
    `<Notification><Id>${id}</Id><sObject xsi:type="sf:${record.object.name}" ` +
    `xmlns:sf="urn:sobject.enterprise.soap.sforce.com">${values.join('')}</sObject></Notification>`
  );
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
