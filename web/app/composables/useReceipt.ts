import { StorageSerializers } from '@vueuse/core'

export interface Receipt {
  id: string
  reference: string
  token: string
}

/** What was sent last from this tab: only here is its private link, so a reload must not lose it. */
export function useReceipt() {
  return useSessionStorage<Receipt | null>('pok-receipt', null, { serializer: StorageSerializers.object })
}
