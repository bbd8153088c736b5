"""The SQL of the migrations. A released statement is never edited."""

from __future__ import annotations

STATES = (
    "'streaming', 'complete', 'max_tokens', 'refused',"
    " 'stopped', 'cut_off', 'failed', 'interrupted'"
)

M001 = f"""\
CREATE TABLE conversations (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    title_by TEXT NOT NULL DEFAULT 'question'
        CHECK (title_by IN ('question', 'model', 'person')),
    model TEXT NOT NULL,
    system TEXT NOT NULL DEFAULT '',
    tip_id TEXT,
    forked_from TEXT,
    is_pinned INTEGER NOT NULL DEFAULT 0,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    archived_ms INTEGER,
    deleted_ms INTEGER
) STRICT

CREATE INDEX conversations_newest ON conversations (is_pinned DESC, updated_ms DESC, id DESC)
    WHERE deleted_ms IS NULL AND archived_ms IS NULL

CREATE TABLE messages (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    parent_id TEXT,
    role TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
    state TEXT NOT NULL CHECK (state IN ({STATES})),
    created_ms INTEGER NOT NULL,
    finished_ms INTEGER,
    model TEXT,
    stop_reason TEXT,
    stop_details TEXT,
    failure TEXT,
    endpoint TEXT,
    context TEXT
) STRICT

CREATE INDEX messages_of_conversation ON messages (conversation_id, created_ms)

CREATE INDEX messages_of_parent ON messages (parent_id)

CREATE INDEX messages_streaming ON messages (state) WHERE state = 'streaming'

CREATE TABLE blocks (
    n INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    type TEXT NOT NULL,
    text TEXT,
    pairs TEXT,
    data TEXT NOT NULL,
    is_sendable INTEGER NOT NULL DEFAULT 1,
    UNIQUE (message_id, seq)
) STRICT

CREATE TABLE requests (
    id TEXT PRIMARY KEY,
    conversation_id TEXT,
    message_id TEXT,
    purpose TEXT NOT NULL DEFAULT 'reply',
    attempt INTEGER NOT NULL,
    endpoint TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ({STATES})),
    model_requested TEXT NOT NULL,
    model TEXT,
    api_message_id TEXT,
    request_id TEXT,
    started_ms INTEGER NOT NULL,
    since_first_ms INTEGER NOT NULL,
    first_byte_ms INTEGER,
    first_thinking_ms INTEGER,
    first_text_ms INTEGER,
    duration_ms INTEGER,
    longest_gap_ms INTEGER,
    http_status INTEGER,
    error_type TEXT,
    error_code TEXT,
    error_message TEXT,
    stop_reason TEXT,
    input_tokens INTEGER,
    output_tokens INTEGER,
    cache_read_input_tokens INTEGER,
    cache_creation_input_tokens INTEGER,
    thinking_tokens INTEGER,
    usage TEXT NOT NULL DEFAULT '{{}}'
) STRICT

CREATE INDEX requests_of_message ON requests (message_id, attempt)

CREATE INDEX requests_by_time ON requests (started_ms)

CREATE TABLE streams (
    message_id TEXT PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
    owner TEXT NOT NULL,
    started_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID

CREATE TABLE journal (
    message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    k INTEGER NOT NULL,
    payload TEXT NOT NULL,
    PRIMARY KEY (message_id, k)
) STRICT, WITHOUT ROWID

CREATE TABLE model_lists (
    host TEXT PRIMARY KEY,
    fetched_ms INTEGER NOT NULL,
    models TEXT NOT NULL
) STRICT, WITHOUT ROWID

CREATE VIEW searchable AS
    SELECT n, text FROM blocks WHERE type IN ('text', 'thinking') AND text IS NOT NULL

CREATE VIRTUAL TABLE blocks_fts USING fts5 (
    text, content='searchable', content_rowid='n',
    tokenize='unicode61 remove_diacritics 2', prefix='1 2 3'
)

CREATE TRIGGER blocks_fts_insert AFTER INSERT ON blocks
    WHEN new.type IN ('text', 'thinking') AND new.text IS NOT NULL BEGIN
    INSERT INTO blocks_fts (rowid, text) VALUES (new.n, new.text);
END

CREATE TRIGGER blocks_fts_delete AFTER DELETE ON blocks
    WHEN old.type IN ('text', 'thinking') AND old.text IS NOT NULL BEGIN
    INSERT INTO blocks_fts (blocks_fts, rowid, text) VALUES ('delete', old.n, old.text);
END

CREATE TRIGGER blocks_fts_update AFTER UPDATE OF text, type ON blocks BEGIN
    INSERT INTO blocks_fts (blocks_fts, rowid, text)
        SELECT 'delete', old.n, old.text
        WHERE old.type IN ('text', 'thinking') AND old.text IS NOT NULL;
    INSERT INTO blocks_fts (rowid, text)
        SELECT new.n, new.text
        WHERE new.type IN ('text', 'thinking') AND new.text IS NOT NULL;
END

CREATE VIEW searchable_pairs AS
    SELECT n, pairs FROM blocks WHERE pairs IS NOT NULL

CREATE VIRTUAL TABLE pairs_fts USING fts5 (
    pairs, content='searchable_pairs', content_rowid='n', tokenize='unicode61'
)

CREATE TRIGGER pairs_fts_insert AFTER INSERT ON blocks WHEN new.pairs IS NOT NULL BEGIN
    INSERT INTO pairs_fts (rowid, pairs) VALUES (new.n, new.pairs);
END

CREATE TRIGGER pairs_fts_delete AFTER DELETE ON blocks WHEN old.pairs IS NOT NULL BEGIN
    INSERT INTO pairs_fts (pairs_fts, rowid, pairs) VALUES ('delete', old.n, old.pairs);
END

CREATE TRIGGER pairs_fts_update AFTER UPDATE OF pairs ON blocks BEGIN
    INSERT INTO pairs_fts (pairs_fts, rowid, pairs)
        SELECT 'delete', old.n, old.pairs WHERE old.pairs IS NOT NULL;
    INSERT INTO pairs_fts (rowid, pairs)
        SELECT new.n, new.pairs WHERE new.pairs IS NOT NULL;
END

CREATE VIEW transcript AS
SELECT
    m.conversation_id,
    c.title,
    m.id AS message_id,
    m.parent_id,
    m.role,
    m.state,
    coalesce((
        SELECT group_concat(text, '') FROM (
            SELECT text FROM blocks WHERE message_id = m.id AND type = 'text' ORDER BY seq)
    ), '') AS text,
    coalesce((
        SELECT group_concat(text, '') FROM (
            SELECT text FROM blocks WHERE message_id = m.id AND type = 'thinking' ORDER BY seq)
    ), '') AS thinking,
    m.model,
    m.stop_reason,
    strftime('%Y-%m-%dT%H:%M:%fZ', m.created_ms / 1000.0, 'unixepoch') AS created_at
FROM messages AS m
JOIN conversations AS c ON c.id = m.conversation_id
WHERE c.deleted_ms IS NULL

CREATE VIEW replies AS
SELECT
    m.id AS message_id,
    m.conversation_id,
    m.model,
    m.state,
    m.stop_reason,
    r.input_tokens,
    r.output_tokens,
    r.cache_read_input_tokens,
    r.cache_creation_input_tokens,
    r.thinking_tokens,
    r.since_first_ms + r.first_text_ms AS first_text_ms,
    r.since_first_ms + r.duration_ms AS duration_ms,
    coalesce(r.attempt, 0) AS attempts,
    r.request_id,
    r.error_type
FROM messages AS m
JOIN conversations AS c ON c.id = m.conversation_id
LEFT JOIN requests AS r ON r.id = (
    SELECT id FROM requests WHERE message_id = m.id AND purpose = 'reply'
    ORDER BY attempt DESC LIMIT 1)
WHERE m.role = 'assistant' AND c.deleted_ms IS NULL
"""

M002 = """\
CREATE TABLE recordings (
    request_id TEXT PRIMARY KEY,
    message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    started_ms INTEGER NOT NULL,
    size INTEGER NOT NULL,
    content BLOB NOT NULL
) STRICT

CREATE INDEX recordings_by_time ON recordings (started_ms, size)

CREATE INDEX recordings_of_message ON recordings (message_id)

ALTER TABLE conversations ADD COLUMN purged_ms INTEGER

CREATE INDEX conversations_to_purge ON conversations (deleted_ms)
    WHERE deleted_ms IS NOT NULL AND purged_ms IS NULL
"""

M003 = """\
ALTER TABLE messages ADD COLUMN is_continuation INTEGER NOT NULL DEFAULT 0

ALTER TABLE messages ADD COLUMN copied_from TEXT

ALTER TABLE messages ADD COLUMN deleted_ms INTEGER

ALTER TABLE messages ADD COLUMN purged_ms INTEGER

CREATE INDEX messages_to_purge ON messages (deleted_ms)
    WHERE deleted_ms IS NOT NULL AND purged_ms IS NULL

DROP INDEX messages_of_parent

CREATE INDEX messages_of_parent ON messages (conversation_id, parent_id)

ALTER TABLE conversations ADD COLUMN folded_title TEXT NOT NULL DEFAULT ''

CREATE INDEX conversations_by_title
    ON conversations (is_pinned DESC, updated_ms DESC, id DESC, folded_title)
    WHERE deleted_ms IS NULL AND archived_ms IS NULL

CREATE INDEX conversations_archived
    ON conversations (is_pinned DESC, updated_ms DESC, id DESC, folded_title)
    WHERE deleted_ms IS NULL AND archived_ms IS NOT NULL

CREATE TABLE tags (
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    PRIMARY KEY (conversation_id, tag)
) STRICT, WITHOUT ROWID

CREATE INDEX tags_by_name ON tags (tag, conversation_id)

CREATE TABLE drafts (
    conversation_id TEXT PRIMARY KEY,
    text TEXT NOT NULL,
    queued TEXT NOT NULL DEFAULT '[]',
    edited_id TEXT,
    edit TEXT NOT NULL DEFAULT '',
    updated_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID

CREATE TABLE places (
    conversation_id TEXT PRIMARY KEY,
    message_id TEXT,
    leaf INTEGER NOT NULL DEFAULT 0,
    line INTEGER NOT NULL DEFAULT 0,
    position INTEGER NOT NULL DEFAULT 0,
    read_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID

CREATE INDEX places_by_time ON places (read_ms)

DROP VIEW transcript

DROP VIEW replies

CREATE VIEW transcript AS
SELECT
    m.conversation_id,
    c.title,
    m.id AS message_id,
    m.parent_id,
    m.role,
    m.state,
    coalesce((
        SELECT group_concat(text, '') FROM (
            SELECT text FROM blocks WHERE message_id = m.id AND type = 'text' ORDER BY seq)
    ), '') AS text,
    coalesce((
        SELECT group_concat(text, '') FROM (
            SELECT text FROM blocks WHERE message_id = m.id AND type = 'thinking' ORDER BY seq)
    ), '') AS thinking,
    m.model,
    m.stop_reason,
    strftime('%Y-%m-%dT%H:%M:%fZ', m.created_ms / 1000.0, 'unixepoch') AS created_at
FROM messages AS m
JOIN conversations AS c ON c.id = m.conversation_id
WHERE c.deleted_ms IS NULL AND m.deleted_ms IS NULL

CREATE VIEW replies AS
SELECT
    m.id AS message_id,
    m.conversation_id,
    m.model,
    m.state,
    m.stop_reason,
    r.input_tokens,
    r.output_tokens,
    r.cache_read_input_tokens,
    r.cache_creation_input_tokens,
    r.thinking_tokens,
    r.since_first_ms + r.first_text_ms AS first_text_ms,
    r.since_first_ms + r.duration_ms AS duration_ms,
    coalesce(r.attempt, 0) AS attempts,
    r.request_id,
    r.error_type
FROM messages AS m
JOIN conversations AS c ON c.id = m.conversation_id
LEFT JOIN requests AS r ON r.id = (
    SELECT id FROM requests
    WHERE message_id = coalesce(m.copied_from, m.id) AND purpose = 'reply'
    ORDER BY attempt DESC LIMIT 1)
WHERE m.role = 'assistant' AND c.deleted_ms IS NULL AND m.deleted_ms IS NULL
"""

M005 = """\
DELETE FROM inside_fts_data

INSERT INTO inside_fts_data (id, block) VALUES (1, x''), (10, x'00000000000000')

DROP TABLE inside_fts
"""

M006 = """\
DROP VIEW transcript

CREATE VIEW transcript AS
SELECT
    m.conversation_id,
    c.title,
    m.id AS message_id,
    m.parent_id,
    m.role,
    m.state,
    coalesce((
        SELECT group_concat(text, '') FROM (
            SELECT
                iif(seq - lag(seq) OVER (ORDER BY seq) > 1, char(10, 10), '') || text AS text
            FROM blocks WHERE message_id = m.id AND type = 'text' ORDER BY seq)
    ), '') AS text,
    coalesce((
        SELECT group_concat(text, char(10, 10)) FROM (
            SELECT text FROM blocks
            WHERE message_id = m.id AND type = 'thinking' AND text <> '' ORDER BY seq)
    ), '') AS thinking,
    m.model,
    m.stop_reason,
    strftime('%Y-%m-%dT%H:%M:%fZ', m.created_ms / 1000.0, 'unixepoch') AS created_at
FROM messages AS m
JOIN conversations AS c ON c.id = m.conversation_id
WHERE c.deleted_ms IS NULL AND m.deleted_ms IS NULL
"""
