"""The ninth migration: the bytes of attachments, and which blocks refer to them."""

from __future__ import annotations

_IS_ATTACHED = (
    "{0}.type IN ('image', 'document') AND json_valid({0}.data)"
    " AND json_type({0}.data, '$.source.data.sha256') = 'text'"
)

# Triggers keep the references, so that they are right after a fork, a recovery, a repair
# and a change by another program.
M009 = f"""\
CREATE TABLE blobs (
    sha256 TEXT PRIMARY KEY CHECK (length(sha256) = 64),
    size INTEGER NOT NULL,
    content BLOB NOT NULL CHECK (length(content) = size)
) STRICT

CREATE TABLE block_blobs (
    n INTEGER PRIMARY KEY,
    sha256 TEXT NOT NULL
) STRICT

CREATE INDEX blocks_of_blob ON block_blobs (sha256)

CREATE TABLE draft_blobs (
    conversation_id TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    held_ms INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, sha256)
) STRICT, WITHOUT ROWID

CREATE INDEX drafts_of_blob ON draft_blobs (sha256)

CREATE TRIGGER block_blobs_insert AFTER INSERT ON blocks WHEN {_IS_ATTACHED.format("new")} BEGIN
    INSERT OR REPLACE INTO block_blobs (n, sha256)
        VALUES (new.n, json_extract(new.data, '$.source.data.sha256'));
END

CREATE TRIGGER block_blobs_delete AFTER DELETE ON blocks
    WHEN old.type IN ('image', 'document') BEGIN
    DELETE FROM block_blobs WHERE n = old.n;
END

CREATE TRIGGER block_blobs_update AFTER UPDATE OF data, type ON blocks BEGIN
    DELETE FROM block_blobs WHERE n = old.n;
    INSERT INTO block_blobs (n, sha256)
        SELECT new.n, json_extract(new.data, '$.source.data.sha256')
        WHERE {_IS_ATTACHED.format("new")};
END
"""
