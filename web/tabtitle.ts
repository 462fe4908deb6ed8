// What the title of the tab says. Parts of the page have it say something as long as they are there; the latest of them is heard, and none leaves its words behind.

const wanted: { readonly title: string }[] = []
let plain = ''

/** Until `over`: then it says what others want, or what it said before them all. */
export function entitle(title: string, over: AbortSignal): void {
  if (over.aborted) return
  if (wanted.length === 0) plain = document.title
  const own = { title }
  wanted.push(own)
  show()
  over.addEventListener(
    'abort',
    () => {
      wanted.splice(wanted.indexOf(own), 1)
      show()
    },
    { once: true },
  )
}

function show(): void {
  document.title = wanted.at(-1)?.title ?? plain
}
