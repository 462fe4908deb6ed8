// What suggested terms come from, in sentences.

export function Suggested({ from }: { readonly from: readonly string[] }) {
  return (
    <ul class="quiet from" data-testid="suggested">
      {from.map((sentence) => (
        <li key={sentence}>{sentence}</li>
      ))}
    </ul>
  )
}
