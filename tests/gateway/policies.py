"""Two retention policies with fixed ids, beside the small history."""

from storage.engine import Database, Transaction
from storage.policies import PolicyRecord, insert_policy
from tests.gateway.history import event_id


async def write_policies(database: Database) -> None:
    """Store a policy to be changed (id 201) and one to be deleted (202)."""
    for number, name in ((201, "short"), (202, "errors")):
        policy = PolicyRecord(
            policy_id=event_id(number),
            name=name,
            namespace="default",
            event_types=(),
            object_types=(),
            sources=(),
            selectors=(),
            max_age_seconds=60 * number,
            archive=False,
            prune_registrations=False,
            compact_repeats=False,
            enabled=True,
            created_at=1,
            updated_at=1,
        )

        async def work(transaction: Transaction, policy: PolicyRecord = policy) -> None:
            await insert_policy(transaction, policy)

        await database.write(work, name="a policy")
