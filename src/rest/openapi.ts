// The OpenAPI 3.1 document of all rows, made from the shapes that check requests and from those that answers are held against.

import type { Answer, Operation } from './operations.ts'
import { OPERATIONS, PLACES } from './operations.ts'
import type { Shape } from './shape.ts'

const PROBLEM = {
  type: 'object',
  properties: {
    type: { type: 'string' },
    status: { type: 'integer' },
    title: { type: 'string' },
    code: { type: 'string' },
    fields: {
      type: 'object',
      description: 'What the error says of itself',
      properties: { field: { type: 'string', description: 'What is wrong of what was given' } },
    },
  },
  required: ['type', 'status', 'title', 'code'],
}

/** What any row may answer, before it is asked for in most cases. */
const EVERYWHERE: readonly (readonly [number, string])[] = [
  [400, 'No plain path, or what is asked for cannot be read'],
  [401, 'The token of this node is wanted'],
  [403, 'Pages of this origin are not served'],
  [413, 'The body is too large'],
  [421, 'Another host is asked for'],
  [500, 'Something went wrong; the log of the node says what'],
]

export function openApi(version: string) {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const operation of OPERATIONS) {
    const path = operation.path.replace(/:(\w+)/g, '{$1}')
    paths[path] = { options: described(asking(operation)), ...paths[path], [operation.method]: described(operation) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'codex-light',
      version,
      description:
        'Rows under /api/codex/v1 are those of other Codex nodes, with plain-text errors; rows under /api/v1 are our own, with application/problem+json.',
    },
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        basic: { type: 'http', scheme: 'basic' },
      },
      schemas: { Problem: PROBLEM },
    },
    security: [{ bearer: [] }, { basic: [] }],
  }
}

/** What a page's browser asks first, at every path. */
function asking({ path }: Operation): Described {
  return { path, summary: 'Which methods pages may use here', answers: { 204: '' } }
}

type Described = Omit<Operation, 'method'>

function described({ path, summary, query = {}, places = {}, body, answers }: Described) {
  const isOwn = path.startsWith('/api/v1/')
  const problem = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } }
  return {
    summary,
    parameters: [
      ...Array.from(path.matchAll(/:(\w+)/g), ([, name = '']) => ({
        name,
        in: 'path',
        required: true,
        schema: places[name] ?? PLACES[name],
      })),
      ...Object.entries(query).map(([name, { about, schema, isRequired = false }]) => ({
        name,
        in: 'query',
        description: about,
        required: isRequired,
        schema,
      })),
    ],
    ...(body !== undefined && { requestBody: { required: true, content: contentOf(body) } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [
          status,
          { description: Number(status) < 300 ? 'Done' : 'Refused', content: answerContent(answer) },
        ]),
      ),
      ...Object.fromEntries(
        EVERYWHERE.filter(([status]) => !(status in answers)).map(([status, description]) => [
          status,
          { description, content: isOwn ? problem : answerContent('text/plain') },
        ]),
      ),
      ...(isOwn && { default: { description: 'What went wrong', content: problem } }),
    },
  }
}

function contentOf(body: Shape<unknown> | 'bytes') {
  return body === 'bytes'
    ? { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } }
    : { 'application/json': { schema: body.schema } }
}

function answerContent(answer: Answer): Record<string, { readonly schema: object }> {
  if (isEither(answer)) return { ...answerContent(answer[0]), ...answerContent(answer[1]) }
  if (answer === '') return {}
  if (typeof answer === 'string') return { [answer]: { schema: { type: 'string' } } }
  return { 'application/json': { schema: answer.schema } }
}

function isEither(answer: Answer): answer is readonly [Shape<unknown>, string] {
  return Array.isArray(answer)
}
