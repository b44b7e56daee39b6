/** Which ETags a client has already (RFC 9110, 13.1.2). */

/** Whether `If-None-Match` names this tag, given without quotes. Weak comparison, as for every GET. */
export function namesTag(ifNoneMatch: string, tag: string): boolean {
  return ifNoneMatch.split(',').some(each => {
    const text = each.trim()
    return text === '*' || text === `"${tag}"` || text === `W/"${tag}"`
  })
}
