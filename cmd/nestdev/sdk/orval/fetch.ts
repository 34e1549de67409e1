// How the generated code sends a request: orval leaves that to its user.
import { env } from 'node:process'

let token: string | undefined

/** Makes every request from here on carry the token. */
export function authorize(accessToken: string): void {
  token = accessToken
}

/** Sends a request and answers the status, the headers and the JSON of the body. */
export async function send<T>(path: string, options: RequestInit): Promise<T> {
  const headers = new Headers(options.headers)
  if (token) headers.set('Authorization', `Bearer ${token}`)
  const response = await fetch(new URL(path, env['URL']), { ...options, headers })
  const body = await response.text()
  return { data: body ? JSON.parse(body) : undefined, status: response.status, headers: response.headers } as T
}
