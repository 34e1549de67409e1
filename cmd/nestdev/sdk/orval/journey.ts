// Payments with orval. A call answers a union that status tells apart: 201 has a
// payment, everything else a problem.
import assert from 'node:assert/strict'
import { env } from 'node:process'
import { authorize } from './fetch.ts'
import type { GetPaymentsParams, Problem } from './generated/model'
import { confirmPayment, createPayment, getPayments } from './generated/payment/payment.ts'
import * as user from './generated/user/user.ts'

const { URL: baseUrl = '', EMAIL: email = '', PASSWORD: password = '', CUID: cuid = '' } = env

/** What is thrown when the API answers a problem. */
class ProblemError extends Error {
  readonly problem: Problem
  constructor(problem: Problem) {
    super(`${problem.status} ${problem.code}: ${problem.detail}`)
    this.problem = problem
  }
}

// Register, and log in: every call from here on carries the token.
const registered = await user.register({ userName: 'Ada Lovelace', email, password })
if (registered.status !== 201) throw new ProblemError(registered.data)
console.log('ok register')

const login = await user.login({ email, password })
if (login.status !== 201) throw new ProblemError(login.data)
authorize(login.data.access_token)
console.log('ok login')

// The cuid makes it safe to send the request again.
const created = await createPayment({ cuid })
if (created.status !== 201) throw new ProblemError(created.data)
const paymentId = created.data.id
console.log('ok create')

const again = await createPayment({ cuid })
if (again.status !== 201) throw new ProblemError(again.data)
assert.equal(again.data.id, paymentId)
console.log('ok retry')

// A decline has a status of its own; another card may be tried.
const declined = await confirmPayment({
  cuid,
  paymentId,
  paymentMethodId: 'pm_card_visa_chargeDeclinedInsufficientFunds',
})
assert(declined.status === 402)
assert.equal(declined.data.status, 402)
assert.equal(declined.data.code, 'payment_declined')
assert.equal(declined.data.declineCode, 'insufficient_funds')
console.log('ok decline')

const paid = await confirmPayment({ cuid, paymentId, paymentMethodId: 'pm_card_visa' })
if (paid.status !== 201) throw new ProblemError(paid.data)
assert.equal(paid.data.status, 'succeeded')
console.log('ok success')

// A list answers a page; its Link header leads to the next one.
for (const n of [2, 3, 4, 5]) {
  const more = await createPayment({ cuid: `${cuid}-${n}` })
  if (more.status !== 201) throw new ProblemError(more.data)
}

function nextCursor(headers: Headers): string | null {
  const link = headers.get('Link')?.match(/<(.+)>; rel="next"/)?.[1]
  return link ? new URL(link, baseUrl).searchParams.get('cursor') : null
}

async function* paymentPages(limit: number) {
  for (let params: GetPaymentsParams = { limit }; ; ) {
    const page = await getPayments(params)
    if (page.status !== 200) throw new ProblemError(page.data)
    yield page.data
    const cursor = nextCursor(page.headers)
    if (!cursor) return
    params = { limit, cursor }
  }
}

const pages = await Array.fromAsync(paymentPages(2))
assert.equal(pages.length, 3)
assert.equal(pages.flat().length, 5)
assert.equal(new Set(pages.flat().map((p) => p.id)).size, 5)
console.log('ok list')

// The list of users holds those that the caller may see.
const users = await user.findAll()
if (users.status !== 200) throw new ProblemError(users.data)
const ada = users.data.find((u) => u.email === email)
assert(ada)
const changed = await user.update(ada.userId, { userName: 'Ada King' })
if (changed.status !== 200) throw new ProblemError(changed.data)
assert.equal(changed.data.userName, 'Ada King')
console.log('ok change')

// With the user the token dies.
const removed = await user.remove(ada.userId)
if (removed.status !== 200) throw new ProblemError(removed.data)
const gone = await user.findOne(ada.userId)
assert(gone.status === 401)
assert.equal(gone.data.status, 401)
assert.equal(gone.data.code, 'token_invalid')
console.log('ok delete')
