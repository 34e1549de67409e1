// Payments with the generator typescript-fetch of openapi-generator. A call throws
// a ResponseError when the API answers a problem.
import assert from 'node:assert/strict'
import { env } from 'node:process'
import { Configuration, PaymentApi, type Problem, ProblemFromJSON, ResponseError, UserApi } from './generated/index.ts'

const { URL: basePath = '', EMAIL: email = '', PASSWORD: password = '', CUID: cuid = '' } = env

let token = ''
const configuration = new Configuration({ basePath, accessToken: () => token })
const userApi = new UserApi(configuration)
const paymentApi = new PaymentApi(configuration)

/** Returns the problem that a call ends in. */
async function problemOf(call: Promise<unknown>): Promise<Problem> {
  try {
    await call
  } catch (e) {
    if (e instanceof ResponseError) return ProblemFromJSON(await e.response.json())
    throw e
  }
  throw new Error('the call has succeeded')
}

// Register, and log in: every call from here on carries the token.
await userApi.register({ createUserDto: { userName: 'Ada Lovelace', email, password } })
console.log('ok register')

const grant = await userApi.login({ loginUserDto: { email, password } })
token = grant.accessToken
console.log('ok login')

// The cuid makes it safe to send the request again.
const payment = await paymentApi.createPayment({ createPaymentDto: { cuid } })
console.log('ok create')

const again = await paymentApi.createPayment({ createPaymentDto: { cuid } })
assert.equal(again.id, payment.id)
console.log('ok retry')

// A decline is a problem of its own status; another card may be tried.
const confirm = (paymentMethodId: string) =>
  paymentApi.confirmPayment({ confirmPaymentDto: { cuid, paymentId: payment.id, paymentMethodId } })

const decline = await problemOf(confirm('pm_card_visa_chargeDeclinedInsufficientFunds'))
assert.equal(decline.status, 402)
assert.equal(decline.code, 'payment_declined')
assert.equal(decline.declineCode, 'insufficient_funds')
console.log('ok decline')

const paid = await confirm('pm_card_visa')
assert.equal(paid.status, 'succeeded')
console.log('ok success')

// A list answers a page; its Link header, which the raw call has, leads to the next.
for (const n of [2, 3, 4, 5]) await paymentApi.createPayment({ createPaymentDto: { cuid: `${cuid}-${n}` } })

function nextCursor(response: Response): string | null {
  const link = response.headers.get('Link')?.match(/<(.+)>; rel="next"/)?.[1]
  return link ? new URL(link, response.url).searchParams.get('cursor') : null
}

async function* paymentPages(limit: number) {
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page = await paymentApi.getPaymentsRaw(cursor ? { limit, cursor } : { limit })
    yield await page.value()
    cursor = nextCursor(page.raw)
  }
}

const pages = await Array.fromAsync(paymentPages(2))
assert.equal(pages.length, 3)
assert.equal(pages.flat().length, 5)
assert.equal(new Set(pages.flat().map((p) => p.id)).size, 5)
console.log('ok list')

// The list of users holds those that the caller may see.
const users = await userApi.findAll()
const ada = users.find((u) => u.email === email)
assert(ada)
const changed = await userApi.update({ id: ada.userId, updateUserDto: { userName: 'Ada King' } })
assert.equal(changed.userName, 'Ada King')
console.log('ok change')

// With the user the token dies.
await userApi.remove({ id: ada.userId })
const gone = await problemOf(userApi.findOne({ id: ada.userId }))
assert.equal(gone.status, 401)
assert.equal(gone.code, 'token_invalid')
console.log('ok delete')
