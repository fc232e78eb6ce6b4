// Calls of the API with the session's cookie.

export class Refused extends Error {
  constructor(meta) {
    super(meta.result_msg);
    this.code = meta.result_code;
    this.hint = meta.error_data?.hint ?? "";
  }
}

export async function call(action, body = {}, headers = {}) {
  const answer = await fetch(`/${action}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const { meta, data } = await answer.json();
  if (meta.result_code !== 200) throw new Refused(meta);
  return data;
}

export function signIn(access, secret) {
  const bytes = new TextEncoder().encode(`${access}:${secret}`);
  const keys = btoa(String.fromCharCode(...bytes));
  return call("auth.login", {}, { Authorization: `Basic ${keys}` });
}
