import type { CustomerInquiry, GetInquiryResponse } from '~/api/types.gen'

export type Status = CustomerInquiry['status']
/** What a customer is told of a status; what was taken for spam looks as if it waited. */
export type Stage = Exclude<Status, 'spam'>

const REOPENED_WITHIN_DAYS = 30

export function stageOf(status: Status): Stage {
  return status === 'spam' ? 'new' : status
}

/** Whether a message would be refused because it was closed too long ago. The server decides; this spares the try. */
export function isClosedForGood(inquiry: Pick<CustomerInquiry, 'status' | 'update_time'>): boolean {
  return inquiry.status === 'closed' && Date.now() - Date.parse(inquiry.update_time) > REOPENED_WITHIN_DAYS * 86_400_000
}

/** Somebody else's inquiry is answered in the public view, which says nothing that a customer wrote. */
export function isOwn(inquiry: GetInquiryResponse | undefined): inquiry is CustomerInquiry {
  return Boolean(inquiry && 'subject' in inquiry)
}
