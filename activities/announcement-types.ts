/** A message that is to be posted or edited. */
export type Due = {
  /** Episode, promotion or digest. */
  readonly subject: string;
  readonly part: string;
  /** 0 first. Decisions before what is new, progress last. */
  readonly urgency: number;
  /** Nobody has seen the headline yet. */
  readonly isFirst?: boolean;
};

export type SurveyInput = { readonly receiver: string; readonly subjects: readonly string[] };
export type Surveyed = {
  /** Episodes and promotions that this receiver is to hear of for the first time. */
  readonly fresh: readonly string[];
  readonly due: readonly Due[];
};

export type GroupInput = SurveyInput & {
  readonly digest: string;
  readonly at: string;
};

export type PostInput = {
  readonly receiver: string;
  readonly subject: string;
  readonly part: string;
};
/**
 * `same`: it shows the present state already. `over`: there is nothing to say any more. `too-early`: the headline above is not there
 * yet. `refused`: on record, with what to do about it; or the headline above was.
 */
export type Posted = 'posted' | 'same' | 'over' | 'too-early' | 'refused';

/** How receivers are told. */
export type AnnouncementActivities = {
  /** What is new for a receiver, and which of its messages no longer show what is so. */
  surveyMessages(input: SurveyInput): Promise<Surveyed>;
  /** Puts those of which there is still something to say into one digest; answers with what is to be posted for it. */
  groupMessages(input: GroupInput): Promise<readonly Due[]>;
  /** Posts or edits one message as things are now. Repeating it posts nothing twice. */
  postMessage(input: PostInput): Promise<Posted>;
};
