import { deleteInquiry, retriageInquiry, revokeTracking } from '~/api/sdk.gen'
import type { Question } from '~/components/common/ConfirmDialog.vue'

/** What else can be done with an inquiry: analysed again, asked of another model, its link renewed, erased. */
export function useDecisions(inquiryId: string, told: { onChanged: () => unknown, onErased: () => unknown }) {
  const { t } = useI18n()
  const toast = useToast()
  const { tell } = useProblems()
  const asked = ref<Question | null>(null)
  const trying = ref(false)
  const path = { inquiry_id: inquiryId }

  const say = (title: string, icon: string) => toast.add({ title, icon, color: 'success' })

  async function attempt(action: () => Promise<unknown>) {
    try {
      await action()
    } catch (error) {
      tell(error)
    }
  }

  return {
    asked,
    trying,
    showDryRun: () => (trying.value = true),
    retriage: () =>
      attempt(async () => {
        await retriageInquiry({ path, throwOnError: true })
        say(t('detail.retriageToast'), 'i-lucide-refresh-cw')
        await told.onChanged()
      }),
    revoke: () => {
      asked.value = {
        title: t('detail.revokeTitle'),
        description: t('detail.revokeText'),
        label: t('detail.revoke'),
        act: () =>
          attempt(async () => {
            await revokeTracking({ path, throwOnError: true })
            say(t('detail.revokeToast'), 'i-lucide-link')
          })
      }
    },
    erase: () => {
      asked.value = {
        title: t('detail.eraseTitle'),
        description: t('detail.eraseText'),
        label: t('detail.erase'),
        act: () =>
          attempt(async () => {
            await deleteInquiry({ path, throwOnError: true })
            say(t('detail.eraseToast'), 'i-lucide-trash-2')
            await told.onErased()
          })
      }
    }
  }
}
