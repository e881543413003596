"""An account's inbox: whose it is, and waking whoever watches it.

What comes is written in the transaction of what brought it (`storage.accounts`); a bell that nobody rings
costs a watcher a few seconds and no more.
"""

import hmac

from zkproto.v1 import account_pb2
from zkservice.context import Context
from zkservice.errors import ServiceError, ServiceReason
from zkservice.storage import accounts
from zkservice.subjects import Subject, subject_of


async def addressee(context: Context, message: account_pb2.Subject, *, field: str) -> str:
    """Return the account of whom a message means; ServiceError HOLDER_UNKNOWN, and as `subject_of` raises.

    Accounts never vanish, so what is read here holds in any later transaction.
    """
    mark = subject_of(message, field=field).mark(context.keys)
    return await context.database.read(lambda each: accounts.required_account_of(each, mark, field=field))


async def addressee_is(
    context: Context, message: account_pb2.Subject, account: str, *, field: str
) -> Subject:
    """Return whose account it is as a message says; ServiceError SUBJECT_MISMATCH, and as above."""
    subject = subject_of(message, field=field)
    mark = await context.database.read(lambda each: accounts.mark_of(each, account))
    if not hmac.compare_digest(mark, subject.mark(context.keys)):
        detail = "the account is another subject's"
        raise ServiceError(ServiceReason.SUBJECT_MISMATCH, detail, field=field)
    return subject


def bell(account: str) -> str:
    """Return the key of an inbox's bell."""
    return f"inbox of {account}"


def ring(context: Context, account: str) -> None:
    """Wake whoever watches an inbox, once what came is durable."""
    context.watching.ring(bell(account))
