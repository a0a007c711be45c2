import { h, type FunctionalComponent } from 'vue'

type Props = { text: string, words: string[] }

const plain = (text: string) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()

/** The text in pieces; every second one holds a word that was looked for, whatever its accents. */
function pieces({ text, words }: Props): string[] {
  const wanted = words.map(plain).filter((word) => word.length > 1)
  if (!wanted.length) return [text]
  const characters = [...text]
  const marked = characters.map(() => false)
  const folded = characters.map(plain)
  const starts: number[] = []
  folded.forEach((character) => starts.push((starts.at(-1) ?? 0) + character.length))
  const whole = folded.join('')
  for (const word of wanted) {
    for (let at = whole.indexOf(word); at >= 0; at = whole.indexOf(word, at + word.length)) {
      characters.forEach((_, index) => {
        const start = index ? starts[index - 1]! : 0
        if (start >= at && start < at + word.length) marked[index] = true
      })
    }
  }
  const found = ['']
  characters.forEach((character, index) => {
    const inside = found.length % 2 === 0
    if (marked[index] !== inside) found.push('')
    found[found.length - 1] += character
  })
  return found
}

/** A function, because a list has three of them in each row. */
const HighlightedText: FunctionalComponent<Props> = (props) =>
  pieces(props).map((piece, index) => (index % 2 ? h('mark', { class: 'rounded-xs bg-warning/25 text-inherit' }, piece) : piece))
HighlightedText.props = ['text', 'words']

export default HighlightedText
