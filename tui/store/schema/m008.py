"""The eighth migration; see `statements`."""

from __future__ import annotations

M008 = """\
ALTER TABLE requests ADD COLUMN price_nano_usd INTEGER

ALTER TABLE requests ADD COLUMN is_price_minimum INTEGER NOT NULL DEFAULT 0

ALTER TABLE requests ADD COLUMN price_table TEXT

CREATE INDEX requests_without_price ON requests (started_ms, price_table)
    WHERE price_nano_usd IS NULL

CREATE INDEX requests_of_conversation ON requests (conversation_id)

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
    s.text AS system,
    (
        SELECT sum(price_nano_usd) / 1e9 FROM requests
        WHERE message_id = r.message_id AND purpose = 'reply'
    ) AS price_usd,
    (
        SELECT count(price_nano_usd) > 0 AND max(is_price_minimum OR price_nano_usd IS NULL)
        FROM requests WHERE message_id = r.message_id AND purpose = 'reply'
    ) AS is_price_minimum
FROM messages AS m
JOIN conversations AS c ON c.id = m.conversation_id
LEFT JOIN requests AS r ON r.id = (
    SELECT id FROM requests
    WHERE message_id = coalesce(m.copied_from, m.id) AND purpose = 'reply'
    ORDER BY attempt DESC LIMIT 1)
LEFT JOIN system_prompts AS s ON s.digest = m.system_digest
WHERE m.role = 'assistant' AND c.deleted_ms IS NULL AND m.deleted_ms IS NULL

CREATE VIEW costs AS
SELECT
    id,
    conversation_id,
    message_id,
    iif(purpose = 'reply' AND attempt > 1, 'retry', purpose) AS purpose,
    attempt,
    coalesce(model, model_requested) AS model,
    substr(endpoint, 1, instr(endpoint || '#', '#') - 1) AS host,
    state,
    input_tokens,
    output_tokens,
    cache_read_input_tokens,
    cache_creation_input_tokens,
    price_nano_usd / 1e9 AS price_usd,
    price_nano_usd,
    is_price_minimum,
    price_table,
    strftime('%Y-%m-%dT%H:%M:%fZ', started_ms / 1000.0, 'unixepoch') AS started_at
FROM requests
"""
