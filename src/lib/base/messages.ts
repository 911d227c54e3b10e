/**
 * The events of controllers and of the daemon: each with its stable name, and the id under which the
 * journal's catalog explains it (packaging/catalog). Neither is ever changed or reused.
 */
export const MESSAGES = {
  connected: "8472003fb2c6431a9a24ddced5c441e4",
  failed: "e843db5027b34e11b78f3ab406ab7f79",
  "link-lost": "ef1490b598bf42669292a725baf8c9ae",
  "link-returned": "e6132dd7140c428c822b5473d1f91ef8",
  removed: "f85bf09b86f343b2a2725d859a896b0d",
  disconnecting: "b525db68731b46e889a57ee79177683f",
  disconnected: "5651a27d9e094aec98b8735e7ed77f58",
  "disconnect-failed": "5a0b81971e7b4bc381be12262d705e4b",
  held: "6bc247d4408e45608015c2cab9896c3c",
  "let-go": "7d1eb2311948435dafcff6fb4f3492ae",
  "less-safe": "1bbfde77a350412f88ba18b80521f4d7",
  "log-page": "4806d5098c4548dea5ced53131353737",
  reload: "e524df13e2494b3981b0b6c90f638b19",
  "reload-refused": "63b584c610a4499a9e6e2cda3034f117",
  drained: "1771872425ba4cd9bee4f85171d296b5",
  undrained: "9a2704679adb4f628198353b612f6973",
  forgotten: "662d5ac967bc4103a6dbed04c13fc219",
  renewing: "e51efaee0c7c4904b72bdb8a792d3f85",
  renewed: "3b8c223371f44f3984a38dd89896946d",
  "renewal-stopped": "9ae15a8c74c44527a37e2ede83261d9e",
  "stafd-gone": "1303a1e68a1446c18ffae605a19e8f13",
  "stafd-back": "e319897750224d5298d7cdc892e113a4",
} as const;

export type EventType = keyof typeof MESSAGES;

/** The journal fields of a line about an event. */
export const eventFields = (
  type: EventType,
  more: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> => ({ MESSAGE_ID: MESSAGES[type], STAS_EVENT: type, ...more });
