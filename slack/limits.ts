/** What Slack takes, in characters or pieces. A message beyond any of these is refused as a whole. */
export const LIMITS = {
  blocks: 50,
  viewBlocks: 100,
  blockId: 255,
  headerText: 150,
  contextElements: 10,
  sectionText: 3_000,
  actions: 25,
  buttonLabel: 75,
  buttonValue: 2_000,
  url: 3_000,
  optionLabel: 75,
  confirmTitle: 100,
  confirmText: 300,
  confirmButton: 30,
  modalTitle: 24,
  modalButton: 24,
  privateMetadata: 3_000,
  /** Of the one line that notifications and screen readers get. */
  fallbackText: 300,
  /** All text of a message together: each block may be legal and the sum still too long (seen at 13,200). */
  messageText: 12_000,
} as const;

/** What we show of a thing before we say how much more there is. */
export const SHOWN = {
  changes: 8,
  pathChars: 160,
  valueChars: 160,
  steps: 8,
  reachEntries: 6,
  units: 12,
  environments: 5,
  people: 8,
  decisions: 6,
  fights: 3,
  noteChars: 400,
  lineChars: 300,
  nameChars: 100,
  messageChars: 600,
  reasonChars: 500,
} as const;
