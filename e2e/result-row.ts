/** One line of a result as `--json` of `npm run bench` and `npm run chaos` writes it. */
export interface Row {
  name: string
  metric: string
  /** What was measured or counted; of CPU the median of the rounds. */
  ours: number
  /** What stands against it: the same of the peer, or what is allowed or wanted. */
  peer: number
  /** What `peer` is. */
  peerVersion: string
  /** Above 1: ours is the better of the two. */
  ratio: number
  /** Least ratio that holds. */
  gate: number
  holds: boolean
}
