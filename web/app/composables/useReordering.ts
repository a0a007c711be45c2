/** Moving the items of a list: drag with the pointer, or move by one place; what moved is read out. */
export function useReordering(move: (from: number, to: number) => unknown) {
  const dragged = ref<number | null>(null)
  const over = ref<number | null>(null)

  function end() {
    dragged.value = null
    over.value = null
  }

  return {
    dragged: readonly(dragged),
    over: readonly(over),
    handle: (index: number) => ({
      draggable: true,
      onDragstart: (event: DragEvent) => {
        dragged.value = index
        event.dataTransfer!.effectAllowed = 'move'
        const row = (event.target as HTMLElement).closest('li')
        if (row) event.dataTransfer!.setDragImage(row, 16, 16)
      },
      onDragend: end
    }),
    target: (index: number) => ({
      onDragover: (event: DragEvent) => {
        if (dragged.value === null) return
        event.preventDefault()
        over.value = index
      },
      onDrop: (event: DragEvent) => {
        event.preventDefault()
        if (dragged.value !== null && dragged.value !== index) move(dragged.value, index)
        end()
      }
    })
  }
}
