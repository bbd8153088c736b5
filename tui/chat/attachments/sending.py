"""Puts the bytes of attachments into a prompt, when it is sent."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from tui.domain.attached_block import ContentMissing, attachments_in, with_contents
from tui.domain.failure import Failure, ReplyFailed
from tui.domain.prompt import Prompt
from tui.store.blobs import Blobs


async def with_attachments(blobs: Blobs, sent: Prompt) -> Prompt:
    """Return a prompt whose attachments have their bytes; it is the same one without any.

    The same messages become the same bytes, however often they are sent. Raises
    `ReplyFailed` if the bytes of an attachment are lost, and `HistoryError`.
    """
    needed = {attachment.sha256 for attachment in attachments_in(sent.messages)}
    if not needed:
        return sent
    contents = await blobs.get(needed)
    try:
        # In a thread: the base64 of 30 MB takes as long as two frames.
        messages = await asyncio.to_thread(with_contents, sent.messages, contents)
    except ContentMissing as error:
        raise ReplyFailed(Failure(str(error))) from error
    return replace(sent, messages=messages)
