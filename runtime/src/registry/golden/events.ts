// Made by `system-bus schema --format typescript`; changes here are lost.

/** The data of each event, under the event's name. */
export type Events = {
  /** What happened. */
  "git/comment.added": { data: {
    answers: Array<Events["git/comment.added"]["data"]>;
    pull: number;
    text: string;
  } };
  /** What happened. */
  "git/pull.closed": { data: {
    number: number;
  } };
  /** What happened. */
  "git/pull.opened": { data: {
    author: {
      email?: string | null;
      login: string;
    };
    change?: {
      from: string;
      kind: "title";
    } | {
      kind: "moved";
      reason?: string | null;
      to: string;
    } | null;
    draft?: boolean | null;
    extra: Record<string, unknown>;
    labels: Array<{
      name: string;
    }>;
    number: number;
    /** The repository, `owner/name`. */
    repository: string;
    state: "open" | "closed";
  } };
};

/** The names of all events. */
export type EventName = keyof Events;
