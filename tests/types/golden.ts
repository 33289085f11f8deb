// Generated from the protocol's samples by `cargo xtask docs`; changes made here are lost.

import type { ChatEventMap, ErrorCode, ReconnectCode } from "alo-chat";
import type { Equal, Expect } from "./equal.js";
import type { Full, GapReason, WireEvents, WireMethods } from "./wire.js";

export type Names = [
  Expect<
    Equal<
      keyof WireMethods,
      | "subscribe"
      | "resume"
      | "unsubscribe"
      | "message.send"
      | "history"
      | "history.around"
      | "counts"
      | "read.mark"
      | "reads"
      | "auth.refresh"
      | "typing.start"
      | "typing.stop"
    >
  >,
  Expect<
    Equal<
      keyof ChatEventMap,
      | "message.new"
      | "message.deleted"
      | "read.updated"
      | "typing.start"
      | "typing.stop"
      | "status.connected"
      | "status.disconnected"
      | "status.reconnecting"
      | "status.failed"
      | "channel.gap"
      | "file.upload.progress"
      | "file.upload.complete"
      | "file.upload.error"
      | "outbox.restored"
      | "outbox.warning"
    >
  >,
  Expect<
    Equal<
      ErrorCode,
      | "invalid-argument"
      | "malformed-frame"
      | "unknown-method"
      | "token-missing"
      | "token-invalid"
      | "token-expired"
      | "token-revoked"
      | "token-unavailable"
      | "channel-forbidden"
      | "key-forbidden"
      | "user-banned"
      | "user-muted"
      | "origin-forbidden"
      | "not-found"
      | "message-not-found"
      | "file-not-found"
      | "method-not-allowed"
      | "idempotency-conflict"
      | "offset-mismatch"
      | "file-in-use"
      | "gone"
      | "unsupported-version"
      | "content-too-large"
      | "file-too-large"
      | "quota-exceeded"
      | "unsupported-media-type"
      | "range-not-satisfiable"
      | "file-incomplete"
      | "user-not-member"
      | "upload-locked"
      | "too-many-requests"
      | "outbox-full"
      | "outbox-unavailable"
      | "checksum-mismatch"
      | "aborted"
      | "disconnected"
      | "internal"
      | "load-failed"
      | "upload-failed"
      | "unavailable"
      | "storage-full"
    >
  >,
  Expect<
    Equal<
      ReconnectCode,
      | "offline"
      | "blocked"
      | "not-opened"
      | "refused"
      | "lost"
      | "timed-out"
      | "events-missing"
      | "token-unavailable"
    >
  >,
  Expect<
    Equal<
      GapReason,
      | "epoch-changed"
      | "expired"
      | "cursor-ahead"
    >
  >,
];

void ({
  "channels": [
    {
      "cursor": {
        "epoch": "k3v9x1",
        "seq": 42
      },
      "id": "alpha"
    }
  ]
} satisfies Full<WireMethods["subscribe"]["params"]>);

void ({
  "channels": [
    {
      "id": "alpha"
    }
  ]
} satisfies WireMethods["subscribe"]["params"]);

void ({
  "channels": [
    {
      "cursor": {
        "epoch": "k3v9x1",
        "seq": 42
      },
      "gap": "expired",
      "id": "alpha"
    }
  ]
} satisfies Full<WireMethods["subscribe"]["result"]>);

void ({
  "channels": [
    {
      "error": {
        "code": "channel-forbidden",
        "message": "channelId: …",
        "retryable": false,
        "statusCode": 403
      },
      "id": "alpha"
    }
  ]
} satisfies WireMethods["subscribe"]["result"]);

void ({
  "channels": [
    {
      "cursor": {
        "epoch": "k3v9x1",
        "seq": 42
      },
      "id": "alpha"
    }
  ]
} satisfies Full<WireMethods["resume"]["params"]>);

void ({
  "channels": [
    {
      "id": "alpha"
    }
  ]
} satisfies WireMethods["resume"]["params"]);

void ({
  "channels": [
    {
      "cursor": {
        "epoch": "k3v9x1",
        "seq": 42
      },
      "gap": "expired",
      "id": "alpha"
    }
  ]
} satisfies Full<WireMethods["resume"]["result"]>);

void ({
  "channels": [
    {
      "error": {
        "code": "channel-forbidden",
        "message": "channelId: …",
        "retryable": false,
        "statusCode": 403
      },
      "id": "alpha"
    }
  ]
} satisfies WireMethods["resume"]["result"]);

void ({
  "channelIds": [
    "alpha"
  ]
} satisfies Full<WireMethods["unsubscribe"]["params"]>);

void ({} satisfies Full<WireMethods["unsubscribe"]["result"]>);

void ({
  "channelId": "alpha",
  "content": "Hello",
  "fileIds": [
    "018bcfe5-6800-7303-8303-030303030303"
  ],
  "key": "018bcfe5-6800-7909-8909-090909090909",
  "metadata": {
    "coordinates": "27.9881,86.9250"
  },
  "parentId": "018bcfe5-6800-7101-8101-010101010101"
} satisfies Full<WireMethods["message.send"]["params"]>);

void ({
  "channelId": "alpha",
  "content": "Hello",
  "key": "018bcfe5-6800-7909-8909-090909090909"
} satisfies WireMethods["message.send"]["params"]);

void ({
  "message": {
    "actions": [
      {
        "type": "emoji-reaction"
      }
    ],
    "channelId": "alpha",
    "content": "Hello",
    "editedAt": "1700000060000",
    "files": [
      {
        "channelId": "alpha",
        "contentType": "image/jpeg",
        "id": "018bcfe5-6800-7303-8303-030303030303",
        "lastModified": 1700000000000,
        "name": "peak.jpg",
        "size": 1048576,
        "url": "/v1/files/018bcfe5-6800-7303-8303-030303030303"
      }
    ],
    "i18n": {
      "es": {
        "content": "Hola"
      }
    },
    "id": "018bcfe5-6800-7101-8101-010101010101",
    "metadata": {
      "key": [
        "value"
      ]
    },
    "parent": {
      "actions": [],
      "channelId": "alpha",
      "content": "Hello",
      "editedAt": "1700000030000",
      "files": [],
      "i18n": {},
      "id": "018bcfe5-6800-7101-8101-010101010101",
      "metadata": {},
      "rootMessageId": "018bcfe5-6800-7101-8101-010101010101",
      "seq": 41,
      "timestamp": "1700000000000",
      "userId": "ada",
      "version": 41
    },
    "rootMessageId": "018bcfe5-6800-7101-8101-010101010101",
    "seq": 41,
    "timestamp": "1700000000000",
    "userId": "ada",
    "version": 42
  }
} satisfies Full<WireMethods["message.send"]["result"]>);

void ({
  "message": {
    "actions": [
      {
        "type": "emoji-reaction"
      }
    ],
    "channelId": "alpha",
    "content": "Hello",
    "editedAt": "1700000060000",
    "files": [
      {
        "channelId": "alpha",
        "contentType": "image/jpeg",
        "id": "018bcfe5-6800-7303-8303-030303030303",
        "lastModified": 1700000000000,
        "name": "peak.jpg",
        "size": 1048576,
        "url": "/v1/files/018bcfe5-6800-7303-8303-030303030303"
      }
    ],
    "i18n": {
      "es": {
        "content": "Hola"
      }
    },
    "id": "018bcfe5-6800-7101-8101-010101010101",
    "metadata": {
      "key": [
        "value",
        1,
        true,
        null
      ]
    },
    "parent": {
      "actions": [],
      "channelId": "alpha",
      "content": "Hello",
      "editedAt": "1700000030000",
      "files": [],
      "i18n": {},
      "id": "018bcfe5-6800-7101-8101-010101010101",
      "metadata": {},
      "rootMessageId": "018bcfe5-6800-7101-8101-010101010101",
      "seq": 41,
      "timestamp": "1700000000000",
      "userId": "ada",
      "version": 41
    },
    "rootMessageId": "018bcfe5-6800-7101-8101-010101010101",
    "seq": 41,
    "timestamp": "1700000000000",
    "userId": "ada",
    "version": 42
  }
} satisfies WireMethods["message.send"]["result"]);

void ({
  "message": {
    "actions": [],
    "channelId": "alpha",
    "content": "Hello",
    "files": [],
    "i18n": {},
    "id": "018bcfe5-6800-7101-8101-010101010101",
    "metadata": {},
    "seq": 41,
    "timestamp": "1700000000000",
    "userId": "ada",
    "version": 41
  }
} satisfies WireMethods["message.send"]["result"]);

void ({
  "channelId": "alpha",
  "limit": 100,
  "newerPageToken": "n1018bcfe5680071018101010101010101",
  "olderPageToken": "o1018bcfe5680071018101010101010101"
} satisfies Full<WireMethods["history"]["params"]>);

void ({
  "channelId": "alpha",
  "limit": 100
} satisfies WireMethods["history"]["params"]);

void ({
  "cursor": {
    "epoch": "k3v9x1",
    "seq": 42
  },
  "messages": [
    {
      "actions": [
        {
          "type": "emoji-reaction"
        }
      ],
      "channelId": "alpha",
      "content": "Hello",
      "editedAt": "1700000060000",
      "files": [
        {
          "channelId": "alpha",
          "contentType": "image/jpeg",
          "id": "018bcfe5-6800-7303-8303-030303030303",
          "lastModified": 1700000000000,
          "name": "peak.jpg",
          "size": 1048576,
          "url": "/v1/files/018bcfe5-6800-7303-8303-030303030303"
        }
      ],
      "i18n": {
        "es": {
          "content": "Hola"
        }
      },
      "id": "018bcfe5-6800-7101-8101-010101010101",
      "metadata": {
        "key": [
          "value"
        ]
      },
      "parent": {
        "actions": [],
        "channelId": "alpha",
        "content": "Hello",
        "editedAt": "1700000030000",
        "files": [],
        "i18n": {},
        "id": "018bcfe5-6800-7101-8101-010101010101",
        "metadata": {},
        "rootMessageId": "018bcfe5-6800-7101-8101-010101010101",
        "seq": 41,
        "timestamp": "1700000000000",
        "userId": "ada",
        "version": 41
      },
      "rootMessageId": "018bcfe5-6800-7101-8101-010101010101",
      "seq": 41,
      "timestamp": "1700000000000",
      "userId": "ada",
      "version": 42
    }
  ],
  "newerPageToken": "n1018bcfe5680071018101010101010101",
  "olderPageToken": "o1018bcfe5680071018101010101010101"
} satisfies Full<WireMethods["history"]["result"]>);

void ({
  "cursor": {
    "epoch": "k3v9x1",
    "seq": 42
  },
  "messages": [
    {
      "actions": [
        {
          "type": "emoji-reaction"
        }
      ],
      "channelId": "alpha",
      "content": "Hello",
      "editedAt": "1700000060000",
      "files": [
        {
          "channelId": "alpha",
          "contentType": "image/jpeg",
          "id": "018bcfe5-6800-7303-8303-030303030303",
          "lastModified": 1700000000000,
          "name": "peak.jpg",
          "size": 1048576,
          "url": "/v1/files/018bcfe5-6800-7303-8303-030303030303"
        }
      ],
      "i18n": {
        "es": {
          "content": "Hola"
        }
      },
      "id": "018bcfe5-6800-7101-8101-010101010101",
      "metadata": {
        "key": [
          "value",
          1,
          true,
          null
        ]
      },
      "parent": {
        "actions": [],
        "channelId": "alpha",
        "content": "Hello",
        "editedAt": "1700000030000",
        "files": [],
        "i18n": {},
        "id": "018bcfe5-6800-7101-8101-010101010101",
        "metadata": {},
        "rootMessageId": "018bcfe5-6800-7101-8101-010101010101",
        "seq": 41,
        "timestamp": "1700000000000",
        "userId": "ada",
        "version": 41
      },
      "rootMessageId": "018bcfe5-6800-7101-8101-010101010101",
      "seq": 41,
      "timestamp": "1700000000000",
      "userId": "ada",
      "version": 42
    },
    {
      "actions": [],
      "channelId": "alpha",
      "content": "Hello",
      "files": [],
      "i18n": {},
      "id": "018bcfe5-6800-7101-8101-010101010101",
      "metadata": {},
      "seq": 41,
      "timestamp": "1700000000000",
      "userId": "ada",
      "version": 41
    }
  ],
  "newerPageToken": "n1018bcfe5680071018101010101010101",
  "olderPageToken": "o1018bcfe5680071018101010101010101"
} satisfies WireMethods["history"]["result"]);

void ({
  "cursor": {
    "epoch": "k3v9x1",
    "seq": 42
  },
  "messages": []
} satisfies WireMethods["history"]["result"]);

void ({
  "channelId": "alpha",
  "limit": 100,
  "messageId": "018bcfe5-6800-7101-8101-010101010101"
} satisfies Full<WireMethods["history.around"]["params"]>);

void ({
  "cursor": {
    "epoch": "k3v9x1",
    "seq": 42
  },
  "messages": [
    {
      "actions": [
        {
          "type": "emoji-reaction"
        }
      ],
      "channelId": "alpha",
      "content": "Hello",
      "editedAt": "1700000060000",
      "files": [
        {
          "channelId": "alpha",
          "contentType": "image/jpeg",
          "id": "018bcfe5-6800-7303-8303-030303030303",
          "lastModified": 1700000000000,
          "name": "peak.jpg",
          "size": 1048576,
          "url": "/v1/files/018bcfe5-6800-7303-8303-030303030303"
        }
      ],
      "i18n": {
        "es": {
          "content": "Hola"
        }
      },
      "id": "018bcfe5-6800-7101-8101-010101010101",
      "metadata": {
        "key": [
          "value"
        ]
      },
      "parent": {
        "actions": [],
        "channelId": "alpha",
        "content": "Hello",
        "editedAt": "1700000030000",
        "files": [],
        "i18n": {},
        "id": "018bcfe5-6800-7101-8101-010101010101",
        "metadata": {},
        "rootMessageId": "018bcfe5-6800-7101-8101-010101010101",
        "seq": 41,
        "timestamp": "1700000000000",
        "userId": "ada",
        "version": 41
      },
      "rootMessageId": "018bcfe5-6800-7101-8101-010101010101",
      "seq": 41,
      "timestamp": "1700000000000",
      "userId": "ada",
      "version": 42
    }
  ],
  "newerPageToken": "n1018bcfe5680071018101010101010101",
  "olderPageToken": "o1018bcfe5680071018101010101010101"
} satisfies Full<WireMethods["history.around"]["result"]>);

void ({
  "cursor": {
    "epoch": "k3v9x1",
    "seq": 42
  },
  "messages": [
    {
      "actions": [
        {
          "type": "emoji-reaction"
        }
      ],
      "channelId": "alpha",
      "content": "Hello",
      "editedAt": "1700000060000",
      "files": [
        {
          "channelId": "alpha",
          "contentType": "image/jpeg",
          "id": "018bcfe5-6800-7303-8303-030303030303",
          "lastModified": 1700000000000,
          "name": "peak.jpg",
          "size": 1048576,
          "url": "/v1/files/018bcfe5-6800-7303-8303-030303030303"
        }
      ],
      "i18n": {
        "es": {
          "content": "Hola"
        }
      },
      "id": "018bcfe5-6800-7101-8101-010101010101",
      "metadata": {
        "key": [
          "value",
          1,
          true,
          null
        ]
      },
      "parent": {
        "actions": [],
        "channelId": "alpha",
        "content": "Hello",
        "editedAt": "1700000030000",
        "files": [],
        "i18n": {},
        "id": "018bcfe5-6800-7101-8101-010101010101",
        "metadata": {},
        "rootMessageId": "018bcfe5-6800-7101-8101-010101010101",
        "seq": 41,
        "timestamp": "1700000000000",
        "userId": "ada",
        "version": 41
      },
      "rootMessageId": "018bcfe5-6800-7101-8101-010101010101",
      "seq": 41,
      "timestamp": "1700000000000",
      "userId": "ada",
      "version": 42
    },
    {
      "actions": [],
      "channelId": "alpha",
      "content": "Hello",
      "files": [],
      "i18n": {},
      "id": "018bcfe5-6800-7101-8101-010101010101",
      "metadata": {},
      "seq": 41,
      "timestamp": "1700000000000",
      "userId": "ada",
      "version": 41
    }
  ],
  "newerPageToken": "n1018bcfe5680071018101010101010101",
  "olderPageToken": "o1018bcfe5680071018101010101010101"
} satisfies WireMethods["history.around"]["result"]);

void ({
  "cursor": {
    "epoch": "k3v9x1",
    "seq": 42
  },
  "messages": []
} satisfies WireMethods["history.around"]["result"]);

void ({
  "channels": [
    {
      "channelId": "alpha",
      "timestamp": 1700000000000
    }
  ]
} satisfies Full<WireMethods["counts"]["params"]>);

void ({
  "channels": [
    {
      "count": 3,
      "id": "alpha"
    }
  ]
} satisfies Full<WireMethods["counts"]["result"]>);

void ({
  "channelId": "alpha",
  "messageId": "018bcfe5-6800-7101-8101-010101010101"
} satisfies Full<WireMethods["read.mark"]["params"]>);

void ({
  "channelId": "alpha",
  "messageId": "018bcfe5-6800-7101-8101-010101010101",
  "messageSeq": 41
} satisfies Full<WireMethods["read.mark"]["result"]>);

void ({
  "channelId": "alpha"
} satisfies WireMethods["read.mark"]["result"]);

void ({
  "channelIds": [
    "alpha"
  ]
} satisfies Full<WireMethods["reads"]["params"]>);

void ({} satisfies WireMethods["reads"]["params"]);

void ({
  "channels": [
    {
      "count": 3,
      "cursor": {
        "epoch": "k3v9x1",
        "seq": 42
      },
      "id": "alpha",
      "lastReadMessageId": "018bcfe5-6800-7101-8101-010101010101",
      "lastReadTimestamp": "1700000000000"
    }
  ]
} satisfies Full<WireMethods["reads"]["result"]>);

void ({
  "channels": [
    {
      "count": 3,
      "cursor": {
        "epoch": "k3v9x1",
        "seq": 42
      },
      "id": "alpha"
    }
  ]
} satisfies WireMethods["reads"]["result"]);

void ({
  "token": "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"
} satisfies Full<WireMethods["auth.refresh"]["params"]>);

void ({
  "tokenExpiresInMs": 86400000
} satisfies Full<WireMethods["auth.refresh"]["result"]>);

void ({
  "channelId": "alpha"
} satisfies Full<WireMethods["typing.start"]["params"]>);

void ({} satisfies Full<WireMethods["typing.start"]["result"]>);

void ({
  "channelId": "alpha"
} satisfies Full<WireMethods["typing.stop"]["params"]>);

void ({} satisfies Full<WireMethods["typing.stop"]["result"]>);

void ({
  "message": {
    "actions": [
      {
        "type": "emoji-reaction"
      }
    ],
    "channelId": "alpha",
    "content": "Hello",
    "editedAt": "1700000060000",
    "files": [
      {
        "channelId": "alpha",
        "contentType": "image/jpeg",
        "id": "018bcfe5-6800-7303-8303-030303030303",
        "lastModified": 1700000000000,
        "name": "peak.jpg",
        "size": 1048576,
        "url": "/v1/files/018bcfe5-6800-7303-8303-030303030303"
      }
    ],
    "i18n": {
      "es": {
        "content": "Hola"
      }
    },
    "id": "018bcfe5-6800-7101-8101-010101010101",
    "metadata": {
      "key": [
        "value"
      ]
    },
    "parent": {
      "actions": [],
      "channelId": "alpha",
      "content": "Hello",
      "editedAt": "1700000030000",
      "files": [],
      "i18n": {},
      "id": "018bcfe5-6800-7101-8101-010101010101",
      "metadata": {},
      "rootMessageId": "018bcfe5-6800-7101-8101-010101010101",
      "seq": 41,
      "timestamp": "1700000000000",
      "userId": "ada",
      "version": 41
    },
    "rootMessageId": "018bcfe5-6800-7101-8101-010101010101",
    "seq": 41,
    "timestamp": "1700000000000",
    "userId": "ada",
    "version": 42
  }
} satisfies Full<WireEvents["message.new"]>);

void ({
  "message": {
    "actions": [
      {
        "type": "emoji-reaction"
      }
    ],
    "channelId": "alpha",
    "content": "Hello",
    "editedAt": "1700000060000",
    "files": [
      {
        "channelId": "alpha",
        "contentType": "image/jpeg",
        "id": "018bcfe5-6800-7303-8303-030303030303",
        "lastModified": 1700000000000,
        "name": "peak.jpg",
        "size": 1048576,
        "url": "/v1/files/018bcfe5-6800-7303-8303-030303030303"
      }
    ],
    "i18n": {
      "es": {
        "content": "Hola"
      }
    },
    "id": "018bcfe5-6800-7101-8101-010101010101",
    "metadata": {
      "key": [
        "value",
        1,
        true,
        null
      ]
    },
    "parent": {
      "actions": [],
      "channelId": "alpha",
      "content": "Hello",
      "editedAt": "1700000030000",
      "files": [],
      "i18n": {},
      "id": "018bcfe5-6800-7101-8101-010101010101",
      "metadata": {},
      "rootMessageId": "018bcfe5-6800-7101-8101-010101010101",
      "seq": 41,
      "timestamp": "1700000000000",
      "userId": "ada",
      "version": 41
    },
    "rootMessageId": "018bcfe5-6800-7101-8101-010101010101",
    "seq": 41,
    "timestamp": "1700000000000",
    "userId": "ada",
    "version": 42
  }
} satisfies WireEvents["message.new"]);

void ({
  "message": {
    "actions": [],
    "channelId": "alpha",
    "content": "Hello",
    "files": [],
    "i18n": {},
    "id": "018bcfe5-6800-7101-8101-010101010101",
    "metadata": {},
    "seq": 41,
    "timestamp": "1700000000000",
    "userId": "ada",
    "version": 41
  }
} satisfies WireEvents["message.new"]);

void ({
  "channelId": "alpha",
  "messageId": "018bcfe5-6800-7101-8101-010101010101",
  "messageSeq": 41
} satisfies Full<WireEvents["message.deleted"]>);

void ({
  "channelId": "alpha",
  "messageId": "018bcfe5-6800-7101-8101-010101010101",
  "messageSeq": 41
} satisfies Full<WireEvents["read.updated"]>);

void ({
  "channelId": "alpha"
} satisfies WireEvents["read.updated"]);

void ({
  "channelId": "alpha",
  "deviceId": "018bcfe5-6800-7404-8404-040404040404",
  "userId": "ada"
} satisfies Full<WireEvents["typing.start"]>);

void ({
  "channelId": "alpha",
  "deviceId": "018bcfe5-6800-7404-8404-040404040404",
  "userId": "ada"
} satisfies Full<WireEvents["typing.stop"]>);
