// How the type checker sees a template that is imported as text.

declare module '*.circom?raw' {
  const text: string
  export default text
}
