"""The seventh migration; see `statements`."""

from __future__ import annotations

M007 = """\
CREATE TABLE system_prompts (
    digest TEXT PRIMARY KEY,
    text TEXT NOT NULL
) STRICT

ALTER TABLE conversations ADD COLUMN effort TEXT

ALTER TABLE conversations ADD COLUMN max_tokens INTEGER

ALTER TABLE conversations ADD COLUMN thinking_display TEXT

ALTER TABLE requests ADD COLUMN effort TEXT

ALTER TABLE requests ADD COLUMN max_tokens INTEGER

ALTER TABLE requests ADD COLUMN thinking_display TEXT

ALTER TABLE messages ADD COLUMN system_digest TEXT

CREATE INDEX messages_of_system_prompt ON messages (system_digest)
    WHERE system_digest IS NOT NULL

DROP VIEW replies

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
    r.error_type,
    r.effort,
    r.max_tokens,
    r.thinking_display,
    s.text AS system
FROM messages AS m
JOIN conversations AS c ON c.id = m.conversation_id
LEFT JOIN requests AS r ON r.id = (
    SELECT id FROM requests
    WHERE message_id = coalesce(m.copied_from, m.id) AND purpose = 'reply'
    ORDER BY attempt DESC LIMIT 1)
LEFT JOIN system_prompts AS s ON s.digest = m.system_digest
WHERE m.role = 'assistant' AND c.deleted_ms IS NULL AND m.deleted_ms IS NULL
"""
