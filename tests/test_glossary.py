"""One word for one concept: the old words must not come back as names."""

from __future__ import annotations

import tokenize
from collections.abc import Iterator
from pathlib import Path

import tui

PACKAGE = Path(tui.__file__).parent

GONE = {
    "Draft": "StreamingReply: a draft is unsent text",
    "Desk": "DraftStore",
    "desk": "drafts",
    "Unsent": "ComposerDraft",
    "unsent": "draft",
    "Reading": "OpenConversation",
    "reading": "current",
    "Replies": "ReplyScheduler",
    "Running": "RunningReply",
    "Ledger": "RequestLog",
    "ledger": "request_log",
    "Tap": "ResponseRecorder",
    "warming": "preload",
    "spaced": "bigrams",
    "Owner": "ProcessLock",
    "continuing": "continuation",
    "go_on": "continue_reply, resume",
    "can_go_on": "can_continue",
    "is_seam": "is_continuation_marker",
    "Sheet": "VirtualMessageView",
    "LargeSheet": "LargeMessageView",
    "Wanted": "ActionRequested",
    "Want": "MessageAction, ConversationAction",
    "Looked": "FindStepped",
    "Followed": "AtEndChanged",
    "Nudged": "EmptySubmitted",
    "Recalled": "QueueEditRequested",
    "Place": "ScrollAnchor",
    "Figures": "ReplyStats",
    "Stopping": "MessageDelta",
    "NotKept": "SaveFailed",
    "unkept": "unsaved",
    "Trash": "UndoStack",
    "trash": "undo_stack",
    "Watch": "StallDetector, FileWatch",
    "Silent": "StallTimeout",
    "is_cut": "is_truncated",
    "Interruptible": "LatestOnlyReader",
    "damage": "repair",
    "examination": "inspection",
    "Examination": "Inspection",
    "wording": "formatting",
    "counted": "duration",
    "Tray": "QueuePanel",
    "tray": "queue_panel",
    "fold": "collapse, toggle_thinking",
    "is_folded": "is_collapsed",
    "heir": "reuse",
    "inherit": "adopt_cache",
    "doubt": "invalidate",
    "Listed": "ConversationSummary",
    "Held": "PageCache",
    "searching": "search",
    "telling": "perform",
    "complain": "notify_error",
    "AT_ONCE": "MAX_CONCURRENT_REPLIES, FIRST_RESULTS_AFTER",
    "Ending": "Shutdown",
    "_alone": "_locked, _exclusive_access, is_modal",
    "watched": "listener",
    "mend": "fix",
}
"""Each old word, and the word that replaces it."""


def names() -> Iterator[tuple[str, str]]:
    """Yield every name in the code with its place, and the names of the modules."""
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.stem, str(path)
        with path.open(encoding="utf-8") as source:
            for token in tokenize.generate_tokens(source.readline):
                if token.type == tokenize.NAME:
                    yield token.string, f"{path}:{token.start[0]}"


def test_no_word_that_is_gone_is_a_name() -> None:
    found = [f"{where}: {name} is {GONE[name]}" for name, where in names() if name in GONE]
    assert found == []
