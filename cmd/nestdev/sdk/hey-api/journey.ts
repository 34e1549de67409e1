// Payments with hey-api. With throwOnError a call throws the problem that the API
// answers; without, it answers either data or error, and both are typed.
import assert from 'node:assert/strict'
import { env } from 'node:process'
import { createClient } from './generated/client/index.ts'
import { NestPayments, type PaymentGetPaymentsData } from './generated/index.ts'

const { URL: baseUrl = '', EMAIL: email = '', PASSWORD: password = '', CUID: cuid = '' } = env

let token: string | undefined
const client = createClient({ baseUrl, auth: () => token })
const nest = new NestPayments({ client })
const throwOnError = true

// Register, and log in: every call from here on carries the token.
await nest.user.register({ body: { userName: 'Ada Lovelace', email, password }, throwOnError })
console.log('ok register')

const { data: grant } = await nest.user.login({ body: { email, password }, throwOnError })
token = grant.access_token
console.log('ok login')

// The cuid makes it safe to send the request again.
const { data: payment } = await nest.payment.createPayment({ body: { cuid }, throwOnError })
console.log('ok create')

const { data: again } = await nest.payment.createPayment({ body: { cuid }, throwOnError })
assert.equal(again.id, payment.id)
console.log('ok retry')

// A decline is a problem of its own status; another card may be tried.
const confirm = (paymentMethodId: string) =>
  nest.payment.confirmPayment({ body: { cuid, paymentId: payment.id, paymentMethodId } })

const { error: decline } = await confirm('pm_card_visa_chargeDeclinedInsufficientFunds')
assert.equal(decline?.status, 402)
assert.equal(decline.code, 'payment_declined')
assert.equal(decline.declineCode, 'insufficient_funds')
console.log('ok decline')

const { data: paid } = await confirm('pm_card_visa')
assert.equal(paid?.status, 'succeeded')
console.log('ok success')

// A list answers a page; its Link header leads to the next one.
for (const n of [2, 3, 4, 5]) await nest.payment.createPayment({ body: { cuid: `${cuid}-${n}` }, throwOnError })

type Query = NonNullable<PaymentGetPaymentsData['query']>

function nextCursor(response: Response): string | null {
  const link = response.headers.get('Link')?.match(/<(.+)>; rel="next"/)?.[1]
  return link ? new URL(link, response.url).searchParams.get('cursor') : null
}

async function* paymentPages(limit: number) {
  for (let query: Query = { limit }; ; ) {
    const { data, response } = await nest.payment.getPayments({ query, throwOnError })
    yield data
    const cursor = nextCursor(response)
    if (!cursor) return
    query = { limit, cursor }
  }
}

const pages = await Array.fromAsync(paymentPages(2))
assert.equal(pages.length, 3)
assert.equal(pages.flat().length, 5)
assert.equal(new Set(pages.flat().map((p) => p.id)).size, 5)
console.log('ok list')

// The list of users holds those that the caller may see.
const { data: users } = await nest.user.findAll({ throwOnError })
const ada = users.find((u) => u.email === email)
assert(ada)
const path = { id: ada.userId }
const { data: changed } = await nest.user.update({ path, body: { userName: 'Ada King' }, throwOnError })
assert.equal(changed.userName, 'Ada King')
console.log('ok change')

// With the user the token dies.
await nest.user.remove({ path, throwOnError })
const { error: gone } = await nest.user.findOne({ path })
assert.equal(gone?.status, 401)
assert.equal(gone.code, 'token_invalid')
console.log('ok delete')
