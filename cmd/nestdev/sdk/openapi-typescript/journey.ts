// Payments with openapi-typescript and openapi-fetch. A call answers either data
// or error, and both are typed.
import assert from 'node:assert/strict'
import { env } from 'node:process'
import createClient from 'openapi-fetch'
import type { paths, Problem } from './generated/api.ts'

const { URL: baseUrl = '', EMAIL: email = '', PASSWORD: password = '', CUID: cuid = '' } = env

const client = createClient<paths>({ baseUrl })

/** What is thrown when the API answers a problem. */
class ProblemError extends Error {
  readonly problem: Problem
  constructor(problem: Problem) {
    super(`${problem.status} ${problem.code}: ${problem.detail}`)
    this.problem = problem
  }
}

/** Returns the data of an answer, or throws its problem. */
function must<T>(answer: { data: T; error?: never } | { data?: never; error: Problem }): T {
  if (answer.error !== undefined) throw new ProblemError(answer.error)
  return answer.data
}

// Register, and log in: every call from here on carries the token.
must(await client.POST('/user/register', { body: { userName: 'Ada Lovelace', email, password } }))
console.log('ok register')

const { access_token } = must(await client.POST('/user/login', { body: { email, password } }))
client.use({ onRequest: ({ request }) => request.headers.set('Authorization', `Bearer ${access_token}`) })
console.log('ok login')

// The cuid makes it safe to send the request again.
const payment = must(await client.POST('/payment', { body: { cuid } }))
console.log('ok create')

const again = must(await client.POST('/payment', { body: { cuid } }))
assert.equal(again.id, payment.id)
console.log('ok retry')

// A decline is a problem of its own status; another card may be tried.
const confirm = (paymentMethodId: string) =>
  client.POST('/payment/confirm', { body: { cuid, paymentId: payment.id, paymentMethodId } })

const { error: decline } = await confirm('pm_card_visa_chargeDeclinedInsufficientFunds')
assert.equal(decline?.status, 402)
assert.equal(decline.code, 'payment_declined')
assert.equal(decline.declineCode, 'insufficient_funds')
console.log('ok decline')

const paid = must(await confirm('pm_card_visa'))
assert.equal(paid.status, 'succeeded')
console.log('ok success')

// A list answers a page; its Link header leads to the next one.
for (const n of [2, 3, 4, 5]) must(await client.POST('/payment', { body: { cuid: `${cuid}-${n}` } }))

type Query = NonNullable<paths['/payment']['get']['parameters']['query']>

function nextCursor(response: Response): string | null {
  const link = response.headers.get('Link')?.match(/<(.+)>; rel="next"/)?.[1]
  return link ? new URL(link, response.url).searchParams.get('cursor') : null
}

async function* paymentPages(limit: number) {
  for (let query: Query = { limit }; ; ) {
    const answer = await client.GET('/payment', { params: { query } })
    yield must(answer)
    const cursor = nextCursor(answer.response)
    if (!cursor) return
    query = { limit, cursor }
  }
}

const pages = await Array.fromAsync(paymentPages(2))
assert.equal(pages.length, 3)
assert.equal(new Set(pages.flat().map((p) => p.id)).size, 5)
assert.equal(pages.flat().length, 5)
console.log('ok list')

// The list of users holds those that the caller may see.
const users = must(await client.GET('/user'))
const ada = users.find((u) => u.email === email)
assert(ada)
const path = { id: ada.userId }
const changed = must(await client.PATCH('/user/{id}', { params: { path }, body: { userName: 'Ada King' } }))
assert.equal(changed.userName, 'Ada King')
console.log('ok change')

// With the user the token dies.
must(await client.DELETE('/user/{id}', { params: { path } }))
const { error: gone } = await client.GET('/user/{id}', { params: { path } })
assert.equal(gone?.status, 401)
assert.equal(gone.code, 'token_invalid')
console.log('ok delete')
