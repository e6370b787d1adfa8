"""Providers, routing, limits, leases, management keys.

Why: every provider and surface; prices of every unit; credit leases.
Cost: new columns with a constant, none of which rewrites a table; only `wallet` and `budget`, which
    are small, are made anew on SQLite. (A table made anew would lose its append-only triggers.)
Down: the new tables and columns go, with what they hold; open leases must have been returned.
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "catalog_release",
        sa.Column("digest", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("source", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "rate_bucket",
        sa.Column("subject", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("requests", sa.Float(), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject"),
    )
    op.create_table(
        "rate_slots",
        sa.Column("subject", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("worker", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "worker"),
    )
    op.create_table(
        "idempotent_request",
        sa.Column("key_digest", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("org_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("body_digest", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("generation_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("worker", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["org_id"],
            ["organisation.id"],
        ),
        sa.PrimaryKeyConstraint("key_digest"),
    )
    with op.batch_alter_table("idempotent_request", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_idempotent_request_created_at"), ["created_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_idempotent_request_org_id"), ["org_id"], unique=False)

    op.create_table(
        "management_key",
        sa.Column("id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("org_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("created_by", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("digest", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("display", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["org_id"],
            ["organisation.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
    )
    with op.batch_alter_table("management_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_management_key_org_id"), ["org_id"], unique=False)

    op.create_table(
        "model_alias",
        sa.Column("alias", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("model_slug", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_slug"],
            ["ai_model.slug"],
        ),
        sa.PrimaryKeyConstraint("alias"),
    )
    with op.batch_alter_table("model_alias", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_model_alias_model_slug"), ["model_slug"], unique=False)

    op.create_table(
        "preset",
        sa.Column("id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("org_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("slug", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("models", sa.JSON(), nullable=False),
        sa.Column("wishes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["org_id"],
            ["organisation.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("org_id", "slug"),
    )
    with op.batch_alter_table("preset", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_preset_org_id"), ["org_id"], unique=False)

    op.create_table(
        "quote",
        sa.Column("id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("org_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("prices", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["org_id"],
            ["organisation.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("quote", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_quote_org_id"), ["org_id"], unique=False)

    op.create_table(
        "lease",
        sa.Column("id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("wallet_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("budget_id", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("worker", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("alloc", sa.JSON(), nullable=False),
        sa.Column("recalled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount >= 0", name="lease_amount_not_negative"),
        sa.ForeignKeyConstraint(
            ["wallet_id"],
            ["wallet.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("lease", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lease_wallet_id"), ["wallet_id"], unique=False)

    op.create_table(
        "routing_rule",
        sa.Column("id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("org_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("key_id", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("wishes", sa.JSON(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"],
            ["api_key.id"],
        ),
        sa.ForeignKeyConstraint(
            ["org_id"],
            ["organisation.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("routing_rule", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_routing_rule_org_id"), ["org_id"], unique=False)

    with op.batch_alter_table("ai_model", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("canonical_slug", sqlmodel.sql.sqltypes.AutoString(), nullable=True)
        )
        batch_op.add_column(
            sa.Column("tokenizer", sqlmodel.sql.sqltypes.AutoString(), nullable=True)
        )
        batch_op.add_column(
            sa.Column("hugging_face_id", sqlmodel.sql.sqltypes.AutoString(), nullable=True)
        )
        batch_op.add_column(
            sa.Column("knowledge_cutoff", sqlmodel.sql.sqltypes.AutoString(), nullable=True)
        )
        batch_op.add_column(sa.Column("voices", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("released_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("expires_at", sa.BigInteger(), nullable=True))

    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.add_column(sa.Column("requests_per_minute", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("tokens_per_minute", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("concurrent", sa.Integer(), nullable=True))

    with op.batch_alter_table("budget", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("leased", sa.BigInteger(), nullable=False, server_default="0")
        )

    with op.batch_alter_table("endpoint", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("tag", sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default="")
        )
        batch_op.add_column(sa.Column("tier", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
        batch_op.add_column(sa.Column("wires", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(
            sa.Column("implicit_caching", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.add_column(
            sa.Column("moderated", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.add_column(
            sa.Column(
                "origin",
                sqlmodel.sql.sqltypes.AutoString(),
                nullable=False,
                server_default="settings",
            )
        )

    with op.batch_alter_table("generation", schema=None) as batch_op:
        batch_op.add_column(sa.Column("served", sa.JSON(), nullable=False, server_default="{}"))

    with op.batch_alter_table("price_card", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("created_at", sa.BigInteger(), nullable=False, server_default="0")
        )

    with op.batch_alter_table("provider", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("datacenters", sa.JSON(), nullable=False, server_default="[]")
        )
        batch_op.add_column(
            sa.Column(
                "zdr", sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default="unknown"
            )
        )
        batch_op.add_column(
            sa.Column(
                "evidence", sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=""
            )
        )
        batch_op.add_column(sa.Column("trains", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("retention_days", sa.Integer(), nullable=True))
        batch_op.add_column(
            sa.Column("source_url", sqlmodel.sql.sqltypes.AutoString(), nullable=True)
        )

    with op.batch_alter_table("wallet", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("leased", sa.BigInteger(), nullable=False, server_default="0")
        )

    op.execute("UPDATE endpoint SET tag = provider_id")
    for table in ("wallet", "budget"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.create_check_constraint(f"{table}_leased_not_negative", "leased >= 0")


def downgrade() -> None:
    with op.batch_alter_table("wallet", schema=None) as batch_op:
        batch_op.drop_constraint("wallet_leased_not_negative", type_="check")
        batch_op.drop_column("leased")

    with op.batch_alter_table("provider", schema=None) as batch_op:
        batch_op.drop_column("source_url")
        batch_op.drop_column("retention_days")
        batch_op.drop_column("trains")
        batch_op.drop_column("evidence")
        batch_op.drop_column("zdr")
        batch_op.drop_column("datacenters")

    with op.batch_alter_table("price_card", schema=None) as batch_op:
        batch_op.drop_column("created_at")

    with op.batch_alter_table("generation", schema=None) as batch_op:
        batch_op.drop_column("served")

    with op.batch_alter_table("endpoint", schema=None) as batch_op:
        batch_op.drop_column("origin")
        batch_op.drop_column("moderated")
        batch_op.drop_column("implicit_caching")
        batch_op.drop_column("wires")
        batch_op.drop_column("tier")
        batch_op.drop_column("tag")

    with op.batch_alter_table("budget", schema=None) as batch_op:
        batch_op.drop_constraint("budget_leased_not_negative", type_="check")
        batch_op.drop_column("leased")

    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.drop_column("concurrent")
        batch_op.drop_column("tokens_per_minute")
        batch_op.drop_column("requests_per_minute")

    with op.batch_alter_table("ai_model", schema=None) as batch_op:
        batch_op.drop_column("expires_at")
        batch_op.drop_column("released_at")
        batch_op.drop_column("voices")
        batch_op.drop_column("knowledge_cutoff")
        batch_op.drop_column("hugging_face_id")
        batch_op.drop_column("tokenizer")
        batch_op.drop_column("canonical_slug")

    with op.batch_alter_table("routing_rule", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_routing_rule_org_id"))

    op.drop_table("routing_rule")
    with op.batch_alter_table("lease", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_lease_wallet_id"))

    op.drop_table("lease")
    with op.batch_alter_table("quote", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_quote_org_id"))

    op.drop_table("quote")
    with op.batch_alter_table("preset", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_preset_org_id"))

    op.drop_table("preset")
    with op.batch_alter_table("model_alias", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_model_alias_model_slug"))

    op.drop_table("model_alias")
    with op.batch_alter_table("management_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_management_key_org_id"))

    op.drop_table("management_key")
    with op.batch_alter_table("idempotent_request", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_idempotent_request_org_id"))
        batch_op.drop_index(batch_op.f("ix_idempotent_request_created_at"))

    op.drop_table("idempotent_request")
    op.drop_table("rate_slots")
    op.drop_table("rate_bucket")
    op.drop_table("catalog_release")
